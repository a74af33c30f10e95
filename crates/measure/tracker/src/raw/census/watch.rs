use crate::ledger;
use crate::raw::own_memory::OwnArray;
use crate::raw::shadow::Block;
use lowtide_capture::layout::Header;

/// So many frees in a row, near the peak, are taken for the end of something large.
const RUN: usize = 64;
/// Where a census waits, so many: a dip has fewer.
const LONG_RUN: usize = 1024;
/// Or a fall by this part of the peak.
const FALL: u64 = 1024;
/// A fall by this part is no mere dip: a heap that grows all the time dips as well.
const DEEP_FALL: u64 = 32;
/// A peak that is higher than that of the last census by this part is worth another.
const GROWTH: u64 = 64;
/// Below this a census says little.
const LEAST_HEAP_BYTES: u64 = 64 << 10;
/// Before a heap is as large as this when it falls, Python has hardly begun.
const LEAST_PEAK_BYTES: u64 = 512 << 10;
/// Censuses that growth alone calls for take so long while a heap becomes about three times as large. One that takes
/// longer is that of a large heap.
const ALLOWANCE_NS: u64 = 10_000_000;
/// A heap is small if its census takes less: many programs have no larger one, and end soon.
const SMALL_NS: u64 = 3_500_000;
/// What is more may take this part of the time that has passed.
const TIME: u64 = 32;
/// What a census of an empty heap takes, and of each block: 6 where all objects are alike, 40 where they are of many
/// types and nodes. It is not the time measured: with that, a small program on a busy machine would be counted at
/// another moment in every run.
const FIXED_NS: u64 = 200_000;
const NS_PER_BLOCK: u64 = 40;

/// How full the heap is.
#[derive(Clone, Copy)]
pub(in crate::raw) struct HeapLevel {
    live_bytes: u64,
    live_blocks: u64,
    peak_bytes: u64,
}

impl HeapLevel {
    #[inline]
    pub(in crate::raw) fn of(header: &Header) -> Self {
        Self {
            live_bytes: header.live_bytes,
            live_blocks: header.live_blocks,
            peak_bytes: ledger::peak_bytes(header),
        }
    }

    /// Live bytes without a block.
    #[inline]
    fn without(self, block: Block) -> u64 {
        self.live_bytes.saturating_sub(block.bytes)
    }

    fn is_near_peak(self) -> bool {
        self.live_bytes >= self.least_near_peak()
    }

    fn census_ns(self) -> u64 {
        FIXED_NS + self.live_blocks.saturating_mul(NS_PER_BLOCK)
    }

    fn least_near_peak(self) -> u64 {
        self.peak_bytes - self.peak_bytes / FALL
    }
}

/// Decides when a census is taken.
///
/// It must see the heap as it was at the peak, but only a fall shows that there was one, and the program frees one block
/// at a time. So the blocks of the latest run of frees are kept in mind, to be counted as well. A census costs time for
/// every live block, so that each is said to take a part of an allowance. A heap that has grown by eight such parts, a
/// small one by two, or is eight times as large, is counted at its first dip. One that has grown by one part, or is twice
/// as large, is counted when it falls: deep, or by a long run of frees, of which only types are known. So all censuses add
/// up to two of the last. Besides, one is taken at the first dip wherever it has its share of the time.
pub(in crate::raw) struct Watch {
    /// The latest frees without an allocation in between; more than `LONG_RUN` overwrite the oldest.
    run: OwnArray<(usize, Block)>,
    run_length: usize,
    /// Frees after peaks up to this one do not matter; 0 while a census waits.
    due_above_bytes: u64,
    /// Dips after peaks up to this one need no census.
    dips_above_bytes: u64,
    /// One waits until less than this is left; 0: none does.
    due_below_bytes: u64,
    last_bytes: u64,
    last_peak_bytes: u64,
    spent_ns: u64,
}

impl Watch {
    /// Takes no census ever: a sample of blocks says nothing of what they refer to.
    pub(in crate::raw) const OFF: Self = Self {
        run: OwnArray::EMPTY,
        run_length: 0,
        due_above_bytes: u64::MAX,
        dips_above_bytes: u64::MAX,
        due_below_bytes: 0,
        last_bytes: 0,
        last_peak_bytes: u64::MAX,
        spent_ns: 0,
    };

    /// `None` when the kernel refuses memory.
    pub(in crate::raw) fn new() -> Option<Self> {
        Some(Self {
            run: OwnArray::zeroed(LONG_RUN)?,
            due_above_bytes: LEAST_PEAK_BYTES,
            dips_above_bytes: LEAST_PEAK_BYTES,
            last_peak_bytes: 0,
            ..Self::OFF
        })
    }

    /// A block was allocated: a run of frees ends.
    #[inline]
    pub(in crate::raw) fn allocated(&mut self) {
        self.run_length = 0;
    }

    /// A block is about to be freed: whether the heap is falling from a peak that no census has seen.
    #[inline]
    pub(in crate::raw) fn is_falling(
        &mut self,
        address: usize,
        block: Block,
        level: HeapLevel,
    ) -> bool {
        if !self.is_due_at(level.peak_bytes) {
            return false;
        }
        let is_falling = self.would_fall(block, level);
        self.keep_in_mind(address, block);
        is_falling
    }

    /// Whether frees matter after such a peak.
    #[inline]
    pub(in crate::raw) fn is_due_at(&self, peak_bytes: u64) -> bool {
        peak_bytes > self.due_above_bytes
    }

    /// What `is_falling` would say where frees matter.
    #[inline]
    pub(in crate::raw) fn would_fall(&self, block: Block, level: HeapLevel) -> bool {
        let is_last_near = level.without(block) < level.least_near_peak();
        let dips = self.may_dip(level) && (is_last_near || self.run_length == RUN - 1);
        dips || self.waits() && (self.run_length == LONG_RUN - 1 || self.is_deep(block, level))
    }

    /// Whether a dip would be one from a peak that is new.
    #[inline]
    fn may_dip(&self, level: HeapLevel) -> bool {
        level.peak_bytes > self.dips_above_bytes && level.is_near_peak()
    }

    #[inline]
    fn waits(&self) -> bool {
        self.due_below_bytes > 0
    }

    /// Whether a census that waits need not do so any longer.
    #[inline]
    fn is_deep(&self, block: Block, level: HeapLevel) -> bool {
        level.without(block) < self.due_below_bytes
    }

    /// A block is about to be freed, and frees matter.
    #[inline]
    pub(in crate::raw) fn keep_in_mind(&mut self, address: usize, block: Block) {
        self.run.as_mut_slice()[self.run_length % LONG_RUN] = (address, block);
        self.run_length = self.run_length.wrapping_add(1);
    }

    /// Whether a fall is worth a census `elapsed_ns` after the start, for which `block` is about to be freed.
    pub(in crate::raw) fn is_worth_it(
        &mut self,
        block: Block,
        level: HeapLevel,
        elapsed_ns: u64,
    ) -> bool {
        if self.may_dip(level) && self.is_worth_it_at_dip(level, elapsed_ns) {
            return true;
        }
        self.waits() && (self.is_deep(block, level) || self.is_long_run_from_peak(level))
    }

    fn is_worth_it_at_dip(&mut self, level: HeapLevel, elapsed_ns: u64) -> bool {
        self.dips_above_bytes = level.peak_bytes + level.peak_bytes / GROWTH;
        let census_ns = level.census_ns();
        if self.has_grown_by(level, census_ns.min(ALLOWANCE_NS)) {
            self.due_below_bytes = level.peak_bytes - level.peak_bytes / DEEP_FALL;
            self.due_above_bytes = 0;
        } else {
            self.stop_waiting();
        }
        let parts = if census_ns < SMALL_NS { 2 } else { 8 };
        self.has_grown_by(level, census_ns.saturating_mul(parts).min(7 * ALLOWANCE_NS))
            || self.spent_ns + census_ns <= elapsed_ns / TIME
    }

    fn stop_waiting(&mut self) {
        self.due_below_bytes = 0;
        self.due_above_bytes = self.dips_above_bytes;
    }

    /// Whether the heap was near its peak before the latest frees, which are that many.
    fn is_long_run_from_peak(&self, level: HeapLevel) -> bool {
        let freed_bytes: u64 = self.run.as_slice().iter().map(|(_, block)| block.bytes).sum();
        self.run_length == LONG_RUN && level.live_bytes + freed_bytes >= level.least_near_peak()
    }

    /// Whether the peak is higher than the last one that was counted by the part of it that `part_ns` are of the allowance.
    fn has_grown_by(&self, level: HeapLevel, part_ns: u64) -> bool {
        let grown_bytes = level.peak_bytes.saturating_sub(self.last_peak_bytes);
        u128::from(grown_bytes) * u128::from(ALLOWANCE_NS)
            >= u128::from(self.last_peak_bytes) * u128::from(part_ns)
    }

    /// Whether a census at the end comes nearer to the peak than the last one did, which was before a higher peak.
    pub(in crate::raw) fn is_worth_it_at_end(&self, level: HeapLevel) -> bool {
        level.peak_bytes > self.last_peak_bytes
            && level.live_bytes >= self.last_bytes.max(LEAST_HEAP_BYTES)
    }

    /// A census of that heap was taken.
    pub(in crate::raw) fn took(&mut self, level: HeapLevel) {
        self.last_bytes = level.live_bytes;
        self.last_peak_bytes = level.peak_bytes;
        self.stop_waiting();
        self.spent_ns += level.census_ns();
    }

    /// The blocks freed since the peak, as far as they are kept in mind; the last may be about to be.
    pub(in crate::raw) fn just_freed(&self) -> &[(usize, Block)] {
        &self.run.as_slice()[..self.run_length.min(LONG_RUN)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(bytes: u64) -> Block {
        Block { node: 1, bytes }
    }

    fn level(live_bytes: u64, peak_bytes: u64) -> HeapLevel {
        HeapLevel { live_bytes, live_blocks: live_bytes / 50, peak_bytes }
    }

    #[test]
    fn a_run_of_frees_near_the_peak_is_a_fall_and_single_ones_are_not() {
        let mut watch = Watch::new().unwrap();
        let near = level(9_999_000, 10_000_000);
        for _ in 0..1000 {
            assert!(!watch.is_falling(16, block(50), near));
            watch.allocated();
        }
        let falls =
            (1..100).filter(|&free| watch.is_falling(free, block(50), near)).collect::<Vec<_>>();
        assert_eq!(falls, [RUN]);
        assert_eq!(watch.just_freed().len(), 99);
    }

    #[test]
    fn a_large_block_is_a_fall_of_its_own_but_not_far_below_the_peak() {
        let mut watch = Watch::new().unwrap();
        assert!(watch.is_falling(16, block(100_000), level(10_000_000, 10_000_000)));
        assert_eq!(watch.just_freed(), [(16, block(100_000))]);
        assert!(!watch.is_falling(16, block(100_000), level(9_000_000, 10_000_000)));
    }

    /// Whether a census is taken when a small block is freed.
    fn taken(watch: &mut Watch, level: HeapLevel, elapsed_ns: u64) -> bool {
        let is_worth_it = watch.is_worth_it(block(50), level, elapsed_ns);
        if is_worth_it {
            watch.took(level);
        }
        is_worth_it
    }

    #[test]
    fn a_much_larger_heap_gets_a_census_at_its_first_dip_and_another_where_there_is_time() {
        let mut watch = Watch::new().unwrap();
        let peaks = (1..=80).map(|step| step * 100_000_000);
        let due = peaks.filter(|&peak| taken(&mut watch, level(peak, peak), 1_000_000_000));
        let due: Vec<u64> = due.map(|peak| peak / 100_000_000).collect();
        assert_eq!(due, [1, 8, 64]);
        let more = level(9_000_000_000, 9_000_000_000);
        assert!(taken(&mut watch, more, 3_600_000_000_000));
        assert!(!taken(&mut watch, more, 3_600_000_000_000), "it is the same peak");
    }

    #[test]
    fn a_heap_that_has_grown_is_counted_when_it_falls_and_not_when_it_dips() {
        for (last, grown) in [(100_000_000, 390_000_000), (8_000_000, 20_000_000)] {
            let mut watch = Watch::new().unwrap();
            assert!(taken(&mut watch, level(last, last), 0));
            assert!(!taken(&mut watch, level(grown, grown), 0));
            assert!(!watch.is_falling(16, block(50), level(grown / 100 * 97, grown)), "a dip");
            let deep = level(grown / 32 * 31, grown);
            assert!(watch.is_falling(16, block(50), deep) && taken(&mut watch, deep, 0));
            assert!(!watch.is_falling(16, block(50), level(grown / 2, grown)), "it was counted");
        }
    }

    #[test]
    fn a_block_that_makes_the_fall_deep_at_once_is_counted() {
        let mut watch = Watch::new().unwrap();
        assert!(taken(&mut watch, level(8_000_000, 8_000_000), 0));
        let grown = level(20_000_000, 20_000_000);
        assert!(watch.is_falling(16, block(5_000_000), grown));
        assert!(watch.is_worth_it(block(5_000_000), grown, 0));
        assert_eq!(watch.just_freed(), [(16, block(5_000_000))]);
    }

    #[test]
    fn a_heap_that_has_grown_is_counted_after_a_long_run_of_frees_from_its_peak() {
        for (begins_at, is_counted) in [(20_000_000, true), (19_900_000, false)] {
            let mut watch = Watch::new().unwrap();
            assert!(taken(&mut watch, level(8_000_000, 8_000_000), 0));
            assert!(!taken(&mut watch, level(20_000_000, 20_000_000), 0));
            watch.allocated();
            let falls = (1..=LONG_RUN).filter(|&free| {
                let left = level(begins_at - 50 * free as u64, 20_000_000);
                watch.is_falling(free, block(50), left)
            });
            assert_eq!(falls.collect::<Vec<_>>(), [LONG_RUN]);
            let left = level(begins_at - 50 * LONG_RUN as u64, 20_000_000);
            assert_eq!(taken(&mut watch, left, 0), is_counted);
            assert_eq!(watch.just_freed().len(), LONG_RUN);
        }
    }

    #[test]
    fn a_heap_that_has_hardly_grown_is_not_counted_again() {
        let mut watch = Watch::new().unwrap();
        assert!(taken(&mut watch, level(1_000_000, 1_000_000), 0));
        assert!(!taken(&mut watch, level(1_080_000, 1_080_000), 0));
        assert!(!watch.is_falling(16, block(50), level(500_000, 1_080_000)));
    }

    #[test]
    fn all_that_growth_calls_for_takes_about_the_allowance_or_two_of_the_last() {
        let mut watch = Watch::new().unwrap();
        let (mut peak, mut tripled, mut largest_ns) = (LEAST_PEAK_BYTES + 1, 1, 0);
        while peak < 100_000_000_000 {
            for live in [peak, peak / 32 * 31] {
                if taken(&mut watch, level(live, peak), 0) {
                    largest_ns = level(live, peak).census_ns();
                }
            }
            let allowed_ns = tripled * ALLOWANCE_NS + 2 * largest_ns + 3 * FIXED_NS;
            assert!(watch.spent_ns <= allowed_ns, "{peak}");
            tripled = u64::from((peak / LEAST_PEAK_BYTES).ilog(3)) + 1;
            peak += peak / 60;
        }
        assert!(largest_ns > 10 * ALLOWANCE_NS);
    }

    #[test]
    fn the_end_gets_a_census_when_the_last_one_missed_a_higher_peak() {
        let mut watch = Watch::new().unwrap();
        assert!(watch.is_worth_it_at_end(level(100_000, 200_000)));
        watch.took(level(900_000, 900_000));
        assert!(!watch.is_worth_it_at_end(level(900_000, 900_000)));
        assert!(!watch.is_worth_it_at_end(level(800_000, 1_000_000)));
        assert!(watch.is_worth_it_at_end(level(900_001, 900_001)));
    }
}
