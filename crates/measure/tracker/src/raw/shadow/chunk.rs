use super::{CHUNK_BITS, GRANULE_BITS, Source};
use crate::raw::prefetch::prefetch;

pub(super) const CHUNK_BYTES: usize = 1 << CHUNK_BITS;
const GRANULE_BYTES: usize = 1 << GRANULE_BITS;
/// Of a pool's header (`POOL_OVERHEAD` in CPython's `Include/internal/pycore_obmalloc.h`).
const HEADER_GRANULES: usize = 3;
pub(super) const CHUNK_GRANULES: usize = CHUNK_BYTES / GRANULE_BYTES;
const POOL_GRANULES: usize = CHUNK_GRANULES - HEADER_GRANULES;
/// Most granules of a block in a pool (`SMALL_REQUEST_THRESHOLD`).
pub(super) const MOST_GRANULES: usize = 32;

/// What is known of 16 KiB of addresses. All zero: nothing.
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    /// Null if nothing was ever put there.
    pub(super) slots: *mut u32,
    /// Of the places in a pool; 0: a slot for each granule.
    pub(super) granules: u16,
    /// Blocks that are recorded.
    pub(super) live: u16,
    /// 2^16 divided by `granules`, rounded up: division is a multiplication for numbers as small as these.
    reciprocal: u32,
}

impl Chunk {
    /// One whose slots are those of places of `granules` each, or of all granules if that is 0.
    pub(super) fn new(slots: *mut u32, granules: usize) -> Self {
        let reciprocal = (1_usize << 16).div_ceil(granules.max(1)) as u32;
        Self { slots, granules: granules as u16, live: 0, reciprocal }
    }

    /// How many slots such a chunk needs. The last place in a pool may reach beyond it, and the last granules may be
    /// followed by slots that hold a size.
    pub(super) fn slots_for(granules: usize) -> usize {
        if granules == 0 { CHUNK_GRANULES + 2 } else { POOL_GRANULES.div_ceil(granules) }
    }

    #[inline]
    pub(super) fn is_pool(self) -> bool {
        self.granules != 0
    }

    /// Who gave out all blocks in it: of other chunks that is not known.
    #[inline]
    pub(super) fn source(self) -> Source {
        if self.is_pool() { Source::Pool } else { Source::Other }
    }

    /// Of each place in a pool.
    #[inline]
    pub(super) fn place_bytes(self) -> u64 {
        u64::from(self.granules) << GRANULE_BITS
    }

    /// The slot of the place that begins at `address`; `None` if none does, or this is no pool.
    #[inline]
    pub(super) fn slot_in_pool(self, address: usize) -> Option<*mut u32> {
        if !self.is_pool() {
            return None;
        }
        let granule = granule_of(address).wrapping_sub(HEADER_GRANULES);
        let place = granule.wrapping_mul(self.reciprocal as usize) >> 16;
        let begins = granule < POOL_GRANULES && place * usize::from(self.granules) == granule;
        begins.then(|| self.slots.wrapping_add(place))
    }

    /// The slot of a granule, where this is no pool but was touched.
    #[inline]
    pub(super) fn slot_of_granule(self, address: usize) -> *mut u32 {
        self.slots.wrapping_add(granule_of(address))
    }

    /// Asks the processor for all slots: they lie apart from those of the chunk in front.
    pub(super) fn prefetch(self) {
        const LINE_SLOTS: usize = 64 / size_of::<u32>();
        for first in (0..Self::slots_for(self.granules.into())).step_by(LINE_SLOTS) {
            prefetch(self.slots.wrapping_add(first));
        }
    }

    /// The address and the slot of each place in a pool that begins at `start`.
    #[inline]
    pub(super) fn places(self, start: usize) -> impl Iterator<Item = (usize, *mut u32)> {
        let first = start + (HEADER_GRANULES << GRANULE_BITS);
        let (place_bytes, count) =
            (self.place_bytes() as usize, Self::slots_for(self.granules.into()));
        (0..count).map(move |index| (first + index * place_bytes, self.slots.wrapping_add(index)))
    }
}

#[inline]
fn granule_of(address: usize) -> usize {
    (address & (CHUNK_BYTES - 1)) >> GRANULE_BITS
}

/// At least one.
#[inline]
pub(super) fn granules_of(bytes: u64) -> usize {
    (bytes.max(1) as usize).div_ceil(GRANULE_BYTES)
}
