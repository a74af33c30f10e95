use super::{CHUNKS, PAGE_CHUNKS, REGION_BITS, chunk_index};
use crate::raw::own_memory::OwnArray;
use std::ops::Range;

/// The regions that are mapped, in the order of their addresses: among all there could be, they are few.
pub(super) struct TouchedRegions {
    regions: OwnArray<Touched>,
    count: usize,
}

/// A region, and which pages of its chunks were written to: most of the others are never looked at.
#[derive(Clone, Copy)]
pub(super) struct Touched {
    pub(super) number: u32,
    first_page: u8,
    last_page: u8,
}

const _: () = assert!(CHUNKS / PAGE_CHUNKS <= 1 << u8::BITS);

const FIRST_CAPACITY: usize = 64;

impl Touched {
    /// Of the pages between the first and the last.
    pub(super) fn chunks(self) -> Range<usize> {
        let [first, last] = [self.first_page, self.last_page].map(usize::from);
        first * PAGE_CHUNKS..(last + 1) * PAGE_CHUNKS
    }
}

impl TouchedRegions {
    pub(super) const EMPTY: Self = Self { regions: OwnArray::EMPTY, count: 0 };

    pub(super) fn as_slice(&self) -> &[Touched] {
        &self.regions.as_slice()[..self.count]
    }

    /// `false` when the kernel refuses memory. The region of this address is not there yet; its chunk is about to get
    /// slots.
    #[must_use]
    pub(super) fn insert(&mut self, address: usize) -> bool {
        let capacity = self.regions.capacity();
        if self.count >= capacity && !self.regions.grow((capacity * 2).max(FIRST_CAPACITY)) {
            return false;
        }
        let (place, page) = (self.place_of(address), page_of(address));
        let regions = self.regions.as_mut_slice();
        regions.copy_within(place..self.count, place + 1);
        regions[place] = Touched { number: number_of(address), first_page: page, last_page: page };
        self.count += 1;
        true
    }

    /// The chunk of this address, in a region that is there, gets slots.
    pub(super) fn widen(&mut self, address: usize) {
        let (place, page) = (self.place_of(address), page_of(address));
        let region = &mut self.regions.as_mut_slice()[place];
        region.first_page = region.first_page.min(page);
        region.last_page = region.last_page.max(page);
    }

    fn place_of(&self, address: usize) -> usize {
        self.as_slice().partition_point(|other| other.number < number_of(address))
    }
}

fn page_of(address: usize) -> u8 {
    (chunk_index(address) / PAGE_CHUNKS) as u8
}

fn number_of(address: usize) -> u32 {
    (address >> REGION_BITS) as u32
}
