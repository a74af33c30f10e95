use crate::raw::own_memory::{OwnArray, PAGE_BYTES};
use crate::raw::prefetch::prefetch;

/// The node of each position under its caller's node, as far as it was looked up lately.
pub(super) struct Memo {
    entries: OwnArray<Entry>,
    /// Moved on when a code object is freed, so that no entry fits any position any more.
    salt: u64,
    /// The bits of an index.
    bits: u32,
}

#[derive(Clone, Copy)]
struct Entry {
    salted_position: u64,
    parent: u32,
    node: u32,
}

const BITS: u32 = 12;
/// One page. Samples are rare: looking frames up again costs less time than a memo that is spread over many pages costs
/// memory.
const BITS_OF_SAMPLES: u32 = (PAGE_BYTES / size_of::<Entry>()).ilog2();
/// 2^64 divided by the golden ratio, see `AddressMap`.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Entry {
    #[inline]
    fn is_of(self, salted_position: u64, parent: u32) -> bool {
        self.salted_position == salted_position && self.parent == parent
    }
}

impl Memo {
    /// Without room as yet.
    pub(super) const fn new(is_sampling: bool) -> Self {
        let bits = if is_sampling { BITS_OF_SAMPLES } else { BITS };
        Self { entries: OwnArray::EMPTY, salt: 0, bits }
    }

    /// `false` when the kernel refuses memory.
    #[inline]
    pub(super) fn has_room(&mut self) -> bool {
        self.entries.capacity() > 0 || self.entries.grow(1 << self.bits)
    }

    /// All of it.
    pub(super) fn forget(&mut self) {
        self.salt = self.salt.wrapping_add(SPREAD);
    }

    /// The node at `position` under `parent`; `None` says nothing.
    #[inline]
    pub(super) fn recall(&self, position: u64, parent: u32) -> Option<u32> {
        let entry = self.entries.as_slice().get(self.index(position, parent))?;
        entry.is_of(position ^ self.salt, parent).then_some(entry.node)
    }

    /// Asks the processor for what will be recalled soon.
    #[inline]
    pub(super) fn prefetch(&self, position: u64, parent: u32) {
        prefetch(self.entries.as_slice().as_ptr().wrapping_add(self.index(position, parent)));
    }

    /// There is room.
    #[inline]
    pub(super) fn remember(&mut self, position: u64, parent: u32, node: u32) {
        let (index, salted_position) = (self.index(position, parent), position ^ self.salt);
        self.entries.as_mut_slice()[index] = Entry { salted_position, parent, node };
    }

    #[inline]
    fn index(&self, position: u64, parent: u32) -> usize {
        let word = position ^ self.salt ^ u64::from(parent) << 20;
        (word.wrapping_mul(SPREAD) >> (u64::BITS - self.bits)) as usize
    }
}
