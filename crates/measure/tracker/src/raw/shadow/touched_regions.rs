use crate::raw::own_memory::OwnArray;

/// The numbers of the regions that are mapped, in order: among all there could be, they are few.
pub(super) struct TouchedRegions {
    numbers: OwnArray<u32>,
    count: usize,
}

const FIRST_CAPACITY: usize = 64;

impl TouchedRegions {
    pub(super) const EMPTY: Self = Self { numbers: OwnArray::EMPTY, count: 0 };

    pub(super) fn as_slice(&self) -> &[u32] {
        &self.numbers.as_slice()[..self.count]
    }

    /// `false` when the kernel refuses memory. The region is not there yet.
    #[must_use]
    pub(super) fn insert(&mut self, number: usize) -> bool {
        let capacity = self.numbers.capacity();
        if self.count >= capacity && !self.numbers.grow((capacity * 2).max(FIRST_CAPACITY)) {
            return false;
        }
        let number = number as u32;
        let place = self.as_slice().partition_point(|&other| other < number);
        let numbers = self.numbers.as_mut_slice();
        numbers.copy_within(place..self.count, place + 1);
        numbers[place] = number;
        self.count += 1;
        true
    }
}
