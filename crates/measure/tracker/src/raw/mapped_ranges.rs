use super::own_memory::OwnArray;
use crate::address_ranges::{self, AddressRange, Cut};

/// What a mapping is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mapping {
    /// Anonymous memory that may be used.
    Heap,
    /// The same, which forked children see as well.
    SharedHeap,
    /// Anonymous addresses that may not be used yet.
    Reserved,
    /// A file's pages.
    File,
}

/// Mappings of one kind that the program made itself; heap has the node that it is charged to.
pub(super) struct MappedRanges {
    ranges: OwnArray<AddressRange>,
    used: usize,
}

const FIRST_CAPACITY: usize = 256;

impl MappedRanges {
    pub(super) const EMPTY: Self = Self { ranges: OwnArray::EMPTY, used: 0 };

    /// Takes `start..end` out of the first range that overlaps it.
    pub(super) fn cut_first(&mut self, start: usize, end: usize) -> Option<Cut> {
        // Without room for the piece that a cut may add, the mapping stays counted: wrong, but never written out of bounds.
        if self.used == 0 || !self.has_room() {
            return None;
        }
        address_ranges::cut_first(self.ranges.as_mut_slice(), &mut self.used, start, end)
    }

    /// `false` when the kernel refuses memory. The range overlaps no other.
    #[must_use]
    pub(super) fn insert(&mut self, range: AddressRange) -> bool {
        let has_room = self.has_room();
        if has_room {
            address_ranges::insert(self.ranges.as_mut_slice(), &mut self.used, range);
        }
        has_room
    }

    fn has_room(&mut self) -> bool {
        let capacity = self.ranges.capacity();
        self.used < capacity || self.ranges.grow((capacity * 2).max(FIRST_CAPACITY))
    }
}
