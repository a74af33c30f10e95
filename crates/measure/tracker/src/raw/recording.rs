//! All that is recorded of a process, and how events change it.

mod charging;
mod fast_path;
mod mapping;
mod telling;

use self::telling::End;
use super::call_tree::CallTree;
use super::census::{self, HeapLevel, Moment, Watch};
use super::clock::{ArenasNow, Clock, Look};
use super::code_table::CodeTable;
use super::control;
use super::mapped_ranges::MappedRanges;
use super::native_stack::NativeStacks;
use super::open_windows::OpenWindows;
use super::recent;
use super::sampling;
use super::shadow::{Block, Shadow, Source, Taken, Unrecordable};
use super::stack::Stacks;
use super::waiting::Waiting;
use crate::ledger;
use crate::weight::Amount;
use lowtide_capture::layout::{Header, Node, Temporary, node_kind};
use lowtide_capture::{CaptureWriter, StopReason};
use lowtide_cpython::{CodeAddress, Layout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

/// What pymalloc holds, and what of it is in use.
#[derive(Clone, Copy, Default)]
pub(super) struct ArenaUse {
    pub(super) bytes: u64,
    pub(super) count: u64,
    pub(super) used_bytes: u64,
}

/// pymalloc leaves larger blocks to malloc (`SMALL_REQUEST_THRESHOLD` in Objects/obmalloc.c).
pub(super) const LARGEST_IN_ARENA_BYTES: u64 = 512;

/// Who handed a block out.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Family {
    /// Python's allocators for objects and their memory: pymalloc, as a rule.
    Objects,
    /// `PyMem_Raw`.
    Raw,
    /// malloc and what belongs to it.
    Native,
}

impl Family {
    #[inline]
    fn node_kind(self) -> u32 {
        if self == Self::Native { node_kind::NATIVE } else { node_kind::FRAME }
    }

    #[inline]
    fn source(self, bytes: u64) -> Source {
        let is_small = bytes <= LARGEST_IN_ARENA_BYTES;
        if self == Self::Objects && is_small { Source::Pool } else { Source::Other }
    }
}

static LAST_NUMBER: AtomicU32 = AtomicU32::new(0);

/// Reached through `enter_with_gil` and `enter_without_gil` only.
pub(super) struct Recording {
    writer: CaptureWriter,
    layout: Layout,
    clock: Clock,
    shadow: Shadow,
    codes: CodeTable,
    tree: CallTree,
    stacks: Stacks,
    /// In place of `stacks` where native frames are wanted.
    native_stacks: Option<NativeStacks>,
    waiting: Waiting,
    /// Of all recordings of this process and those that it was forked from.
    number: u32,
    mapped: MappedRanges,
    /// Anonymous addresses that may not be used yet.
    reserved: MappedRanges,
    /// Of `mapped`, what forked children see as well.
    shared: MappedRanges,
    shared_heap_bytes: u64,
    /// Files that the program has mapped.
    files: MappedRanges,
    census_watch: Watch,
    /// Average bytes between samples; 0: every block is recorded.
    sample_bytes: u64,
    arena_count: u64,
    /// What the arenas held when the recording began.
    arena_used_before: u64,
    /// Live bytes that are not in arenas: native blocks, mappings, and large Python blocks.
    outside_arenas_bytes: u64,
    windows: OpenWindows,
    /// Set in doubt, or when it was ordered; whoever holds the pass ends the recording when it leaves.
    end: Option<End>,
    children_noted: u32,
}

impl Recording {
    /// A recording of nothing yet; `None` when the kernel refuses memory.
    pub(super) fn new(mut writer: CaptureWriter, layout: Layout, arenas: ArenaUse) -> Option<Self> {
        let sample_bytes = sampling::wanted();
        let shadow = Shadow::new(sample_bytes != 0)?;
        // SAFETY: the writer keeps the header mapped, and nobody else has it yet.
        let header = unsafe { writer.header().as_mut() };
        (header.arena_bytes, header.sample_bytes) = (arenas.bytes, sample_bytes);
        writer.start_recording();
        let mut recording = Self {
            writer,
            layout,
            clock: Clock::start(),
            shadow,
            codes: CodeTable::EMPTY,
            tree: CallTree::EMPTY,
            stacks: Stacks::none(sample_bytes != 0),
            native_stacks: NativeStacks::if_wanted(),
            waiting: Waiting::EMPTY,
            number: LAST_NUMBER.fetch_add(1, Ordering::Relaxed) + 1,
            mapped: MappedRanges::EMPTY,
            reserved: MappedRanges::EMPTY,
            shared: MappedRanges::EMPTY,
            shared_heap_bytes: 0,
            files: MappedRanges::EMPTY,
            census_watch: if sample_bytes == 0 { Watch::new()? } else { Watch::OFF },
            sample_bytes,
            arena_count: arenas.count,
            arena_used_before: arenas.used_bytes,
            outside_arenas_bytes: 0,
            windows: OpenWindows::NONE,
            end: None,
            children_noted: 0,
        };
        recording.bring_up_to_date();
        Some(recording)
    }

    /// Records a block that `thread_state` has just allocated.
    ///
    /// # Safety
    /// `thread_state` is 0 or the live thread state of the calling thread.
    pub(super) unsafe fn allocated(
        &mut self,
        address: usize,
        bytes: usize,
        thread_state: usize,
        family: Family,
    ) {
        // SAFETY: the caller's promise.
        match unsafe { self.node(thread_state, family.node_kind()) } {
            Ok(node) => {
                let block = Block { node, bytes: bytes as u64 };
                let source = family.source(block.bytes);
                if source == Source::Pool && self.put_in_known_pool(address, block) {
                    self.tick(block.bytes);
                } else {
                    self.put(address, block, source);
                }
            }
            Err(reason) => self.doubt(reason),
        }
    }

    /// Forgets the block at `address`: it is about to be freed or moved. It still counts as live.
    pub(super) fn take(&mut self, address: usize) -> Option<Block> {
        if let Some(block) = self.take_fast(address) {
            return Some(block);
        }
        let taken = self.shadow.take(address)?;
        self.no_longer_holds(address, taken);
        taken.block
    }

    fn no_longer_holds(&mut self, address: usize, taken: Taken) {
        if taken.was_watched {
            self.watched_is_gone(address, taken.block);
        }
        if self.sample_bytes != 0 {
            let count = u8::from(taken.was_watched) + u8::from(taken.block.is_some());
            sampling::forget(address, count);
        }
    }

    /// Takes a census if freeing `block`, which was just taken from `address`, begins a fall from the peak. The GIL is
    /// held.
    #[inline]
    pub(super) fn census_before_fall(&mut self, address: usize, block: Block) {
        if self.begins_fall(address, block) {
            self.census_at_fall(block);
        }
    }

    /// Takes a census if that comes nearer to the peak than the last one did. The GIL is held.
    pub(super) fn census_at_end(&mut self) {
        let level = HeapLevel::of(self.header());
        if self.census_watch.is_worth_it_at_end(level) {
            self.take_census(level);
        }
    }

    /// The block taken before from `address` is gone.
    #[inline]
    pub(super) fn freed(&mut self, address: usize, block: Block) {
        self.look_before_fall(block.bytes);
        let amount = self.amount(address, block);
        // Before other counters, so that its place need not be kept.
        if recent::take(address) {
            ledger::freed_soon(self.temporary(block.node), amount);
        }
        let (header, node) = self.counters(block.node);
        let is_in_arena = block.bytes <= LARGEST_IN_ARENA_BYTES && node_kind::is_python(node.kind);
        ledger::freed(header, node, amount);
        if !is_in_arena {
            self.outside_arenas_bytes = self.outside_arenas_bytes.wrapping_sub(amount.bytes);
        }
    }

    /// What the block at `address` counts for.
    #[inline]
    fn amount(&self, address: usize, block: Block) -> Amount {
        match self.sample_bytes {
            0 => Amount::exact(block.bytes),
            mean_bytes => Amount::sampled(block.bytes, mean_bytes, address),
        }
    }

    /// RSS is about to fall: a timeline of allocations alone would show it as it was before a program's last one.
    #[inline]
    fn look_before_fall(&mut self, bytes: u64) {
        if Clock::is_large(bytes) {
            self.look_at_clock();
        }
    }

    /// The block taken before is there after all, and still counted.
    pub(super) fn put_back(&mut self, address: usize, block: Block) {
        // Its slot was there when it was taken, so nothing can fail.
        let _ = self.shadow.put(address, block, Source::Other);
        if self.sample_bytes != 0 {
            sampling::note(address);
        }
    }

    #[inline(never)]
    fn put(&mut self, address: usize, block: Block, source: Source) {
        if !self.put_anywhere(address, block, source) {
            return;
        }
        recent::note(address);
        let amount = self.amount(address, block);
        let (header, node) = self.counters(block.node);
        let is_in_arena = block.bytes <= LARGEST_IN_ARENA_BYTES && node_kind::is_python(node.kind);
        ledger::allocated(header, node, amount);
        if !is_in_arena {
            self.outside_arenas_bytes = self.outside_arenas_bytes.wrapping_add(amount.bytes);
        }
        self.census_watch.allocated();
        self.tick(block.bytes);
    }

    /// Whether the block is recorded now.
    #[inline]
    fn put_anywhere(&mut self, address: usize, block: Block, source: Source) -> bool {
        match self.shadow.put(address, block, source) {
            Ok(None) => {}
            Ok(Some(stale)) => {
                if let Some(stale) = stale.block {
                    self.freed(address, stale);
                }
                self.no_longer_holds(address, stale);
            }
            Err(Unrecordable::Address) => {
                self.header().unrecorded_blocks += 1;
                return false;
            }
            Err(Unrecordable::OutOfMemory) => {
                self.doubt(StopReason::OutOfMemory);
                return false;
            }
        }
        if self.sample_bytes != 0 {
            sampling::note(address);
            sampling::follow();
        }
        true
    }

    #[cold]
    pub(super) fn doubt(&mut self, reason: StopReason) {
        self.end.get_or_insert(End::InDoubt(reason));
    }

    #[inline]
    fn header(&mut self) -> &mut Header {
        // SAFETY: the writer keeps the header mapped as long as it lives; this thread has the pass.
        unsafe { self.writer.header().as_mut() }
    }

    #[inline]
    fn counters(&mut self, node: u32) -> (&mut Header, &mut Node) {
        // SAFETY: as in `header`; node ids in the shadow were handed out by the writer, whose nodes do not move.
        unsafe { (self.writer.header().as_mut(), self.writer.nodes().add(node as usize).as_mut()) }
    }

    #[inline]
    fn temporary(&mut self, node: u32) -> &mut Temporary {
        // SAFETY: as in `counters`; there are as many of these as nodes.
        unsafe { self.writer.temporary().add(node as usize).as_mut() }
    }

    #[inline]
    fn begins_fall(&mut self, address: usize, block: Block) -> bool {
        let level = HeapLevel::of(self.header());
        self.census_watch.is_falling(address, block, level)
    }

    #[cold]
    fn census_at_fall(&mut self, block: Block) {
        let level = HeapLevel::of(self.header());
        if self.census_watch.is_worth_it(block, level, self.clock.elapsed_ns()) {
            self.take_census(level);
        }
    }

    fn take_census(&mut self, level: HeapLevel) {
        let elapsed_ns = self.clock.elapsed_ns();
        let mut moment = Moment::new(&self.shadow, &self.layout, &mut self.writer, elapsed_ns);
        let just_freed = self.census_watch.just_freed();
        // The census reads objects in states that only the program knows: a defect in it must not end the program.
        let taken = catch_unwind(AssertUnwindSafe(|| census::take(&mut moment, just_freed)));
        if let Err(reason) = taken.unwrap_or(Err(StopReason::Inconsistent)) {
            self.doubt(reason);
        }
        self.census_watch.took(level);
    }

    #[cold]
    fn watched_is_gone(&mut self, address: usize, block: Option<Block>) {
        if self.stacks.lose_function(address) || !self.codes.forget(CodeAddress(address)) {
            return;
        }
        // How large it was is not known of one that was made before the recording began.
        let code = block.map_or(0..usize::MAX, |block| address..address + block.bytes as usize);
        self.stacks.forget(&code, &self.layout.frame);
        if let Some(stacks) = &mut self.native_stacks {
            stacks.forget();
        }
    }

    /// pymalloc got an arena.
    pub(super) fn arena_made(&mut self, bytes: u64) {
        self.header().arena_bytes += bytes;
        self.arena_count += 1;
    }

    /// pymalloc gave an arena back.
    pub(super) fn arena_freed(&mut self, bytes: u64) {
        let header = self.header();
        header.arena_bytes = header.arena_bytes.saturating_sub(bytes);
        self.arena_count = self.arena_count.saturating_sub(1);
        self.look_at_clock();
    }

    fn arena_live_bytes(&mut self) -> u64 {
        let in_arenas = self.header().live_bytes.saturating_sub(self.outside_arenas_bytes);
        self.arena_used_before + in_arenas
    }

    #[inline]
    fn tick(&mut self, bytes: u64) {
        if self.clock.is_due(bytes) {
            self.look_at_clock();
        }
    }

    #[cold]
    fn look_at_clock(&mut self) {
        if control::ends_recording() {
            self.end.get_or_insert(End::Ordered);
        }
        let arenas = self.arenas_now();
        let shared_heap_bytes = self.shared_heap_bytes;
        let look = Look { shadow: &self.shadow, arenas, shared_heap_bytes };
        self.clock.tick(&mut self.writer, look);
    }

    fn arenas_now(&mut self) -> ArenasNow {
        ArenasNow { count: self.arena_count, live_bytes: self.arena_live_bytes() }
    }

    /// Whether whoever is inside must end the recording.
    #[inline]
    pub(super) fn is_in_doubt(&self) -> bool {
        self.end.is_some()
    }

    /// Leaves the capture to the process that this one was forked from, and says what the arenas hold.
    pub(super) fn abandon(mut self) -> ArenaUse {
        let arenas = ArenaUse {
            bytes: self.header().arena_bytes,
            count: self.arena_count,
            used_bytes: self.arena_live_bytes(),
        };
        self.writer.abandon();
        arenas
    }
}
