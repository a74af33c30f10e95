//! Address ranges that do not overlap, each with an id.

/// One range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressRange {
    pub(crate) start: usize,
    /// Not included.
    pub(crate) end: usize,
    pub(crate) id: u32,
}

impl AddressRange {
    pub(crate) fn bytes(self) -> u64 {
        (self.end - self.start) as u64
    }
}

/// What `cut` took from one range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) taken: AddressRange,
    /// How many ranges are left of it: 0, 1 or 2.
    pub(crate) pieces: u32,
}

/// `ranges` is sorted and has room for one more; the first `used` are in use.
///
/// Takes `start..end` out of the first range that it overlaps, and says what that was; `None` when there is none left.
pub(crate) fn cut_first(
    ranges: &mut [AddressRange],
    used: &mut usize,
    start: usize,
    end: usize,
) -> Option<Cut> {
    let place = ranges[..*used].partition_point(|range| range.end <= start);
    let range = *ranges[..*used].get(place).filter(|range| range.start < end)?;
    let taken =
        AddressRange { start: range.start.max(start), end: range.end.min(end), id: range.id };
    let left = (range.start < taken.start).then_some(AddressRange { end: taken.start, ..range });
    let right = (taken.end < range.end).then_some(AddressRange { start: taken.end, ..range });
    match (left, right) {
        (None, None) => {
            ranges.copy_within(place + 1..*used, place);
            *used -= 1;
        }
        (Some(piece), None) | (None, Some(piece)) => ranges[place] = piece,
        (Some(left), Some(right)) => {
            ranges[place] = left;
            insert_at(ranges, used, place + 1, right);
        }
    }
    Some(Cut { taken, pieces: u32::from(left.is_some()) + u32::from(right.is_some()) })
}

/// `ranges` is sorted and has room for one more; the first `used` are in use. `range` overlaps none of them.
pub(crate) fn insert(ranges: &mut [AddressRange], used: &mut usize, range: AddressRange) {
    let place = ranges[..*used].partition_point(|other| other.end <= range.start);
    insert_at(ranges, used, place, range);
}

fn insert_at(ranges: &mut [AddressRange], used: &mut usize, place: usize, range: AddressRange) {
    ranges.copy_within(place..*used, place + 1);
    ranges[place] = range;
    *used += 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOWHERE: AddressRange = AddressRange { start: 0, end: 0, id: 0 };

    proptest! {
        #[test]
        fn ranges_agree_with_a_map_of_pages(
            events in prop::collection::vec((0usize..60, 1usize..20, any::<bool>()), 0..60),
        ) {
            let mut pages = [0u32; 80];
            let mut ranges = [NOWHERE; 100];
            let mut used = 0;
            for (id, (start, length, is_insert)) in (1..).zip(events) {
                let end = start + length;
                let mut cut_bytes = 0;
                while let Some(cut) = cut_first(&mut ranges, &mut used, start, end) {
                    cut_bytes += cut.taken.bytes();
                    let of_id = ranges[..used].iter().filter(|range| range.id == cut.taken.id);
                    prop_assert!(of_id.count() >= cut.pieces as usize);
                }
                let expected = pages[start..end].iter().filter(|&&page| page != 0).count() as u64;
                prop_assert_eq!(cut_bytes, expected);
                pages[start..end].fill(0);
                if is_insert {
                    insert(&mut ranges, &mut used, AddressRange { start, end, id });
                    pages[start..end].fill(id);
                }
            }
            let mut found = [0u32; 80];
            for range in &ranges[..used] {
                prop_assert!(found[range.start..range.end].iter().all(|&page| page == 0), "an overlap");
                found[range.start..range.end].fill(range.id);
            }
            prop_assert_eq!(found, pages);
        }
    }
}
