use crate::raw::own_memory::OwnArray;

/// Objects by their type and the node that asked for their blocks: a hash table in memory of its own.
///
/// It is bounded: what finds no room is counted by type only.
pub(super) struct Sites {
    /// A power of two; at most half are used.
    entries: OwnArray<Site>,
    used: usize,
}

/// The objects of one type under one node.
#[derive(Clone, Copy)]
pub(super) struct Site {
    /// The index of the type plus 1, then the node: 0 is a free entry.
    key: u64,
    /// Signed, as a dict can be taken off before it was counted.
    pub(super) objects: i64,
    pub(super) bytes: i64,
}

impl Site {
    /// Of the type, in the order found.
    pub(super) fn type_index(self) -> usize {
        (self.key >> 32) as usize - 1
    }

    pub(super) fn node(self) -> u32 {
        self.key as u32
    }

    fn magnitude(self) -> usize {
        (u64::BITS - self.bytes.max(0).cast_unsigned().leading_zeros()) as usize
    }
}

const FIRST_CAPACITY: usize = 1024;
/// A table is short-lived and soon outgrown.
const GROWTH: usize = 4;
/// 12 MiB of entries.
const LARGEST_CAPACITY: usize = 1 << 19;
/// As in `AddressMap`.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Sites {
    pub(super) const EMPTY: Self = Self { entries: OwnArray::EMPTY, used: 0 };

    #[inline]
    pub(super) fn add(&mut self, type_index: usize, node: u32, objects: i64, bytes: i64) {
        let key = (type_index as u64 + 1) << 32 | u64::from(node);
        let place = match self.place_of(key) {
            Some(place) if self.entries.as_slice()[place].key == key => place,
            _ => match self.new_place(key) {
                Some(place) => place,
                None => return,
            },
        };
        let site = &mut self.entries.as_mut_slice()[place];
        site.objects += objects;
        site.bytes += bytes;
    }

    /// The heaviest, at most `most`; which of those that weigh about as much as the lightest kept is left open. In no
    /// order that means anything.
    pub(super) fn heaviest(&self, most: usize) -> impl Iterator<Item = Site> {
        let mut of_magnitude = [0; u64::BITS as usize + 1];
        self.found().for_each(|site| of_magnitude[site.magnitude()] += 1);
        let (mut room, mut lightest) = (most, u64::BITS as usize);
        while lightest > 0 && of_magnitude[lightest] <= room {
            room -= of_magnitude[lightest];
            lightest -= 1;
        }
        self.found().filter(move |site| {
            let is_border = site.magnitude() == lightest && room > 0;
            room -= usize::from(is_border);
            is_border || site.magnitude() > lightest
        })
    }

    fn found(&self) -> impl Iterator<Item = Site> {
        self.entries.as_slice().iter().copied().filter(|site| site.key != 0 && site.objects > 0)
    }

    /// Where `key` is, or would be put; `None` while there is no table.
    #[inline]
    fn place_of(&self, key: u64) -> Option<usize> {
        let entries = self.entries.as_slice();
        let mask = entries.len().checked_sub(1)?;
        let mut place = (key.wrapping_mul(SPREAD) >> 32) as usize & mask;
        while entries[place].key != 0 && entries[place].key != key {
            place = (place + 1) & mask;
        }
        Some(place)
    }

    #[cold]
    fn new_place(&mut self, key: u64) -> Option<usize> {
        let capacity = self.entries.capacity();
        if self.used * 2 >= capacity && !(capacity < LARGEST_CAPACITY && self.grow()) {
            return None;
        }
        let place = self.place_of(key)?;
        self.entries.as_mut_slice()[place].key = key;
        self.used += 1;
        Some(place)
    }

    fn grow(&mut self) -> bool {
        let capacity = (self.entries.capacity() * GROWTH).clamp(FIRST_CAPACITY, LARGEST_CAPACITY);
        let Some(entries) = OwnArray::populated(capacity) else { return false };
        let old = std::mem::replace(&mut self.entries, entries);
        for &site in old.as_slice().iter().filter(|site| site.key != 0) {
            if let Some(place) = self.place_of(site.key) {
                self.entries.as_mut_slice()[place] = site;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(sites: &Sites, most: usize) -> Vec<(usize, u32, i64, i64)> {
        let mut seen: Vec<_> = sites
            .heaviest(most)
            .map(|site| (site.type_index(), site.node(), site.objects, site.bytes))
            .collect();
        seen.sort_unstable();
        seen
    }

    #[test]
    fn types_and_nodes_are_counted_apart() {
        let mut sites = Sites::EMPTY;
        for (type_index, node) in [(0, 0), (0, 7), (3, 7), (0, 7)] {
            sites.add(type_index, node, 1, 50);
        }
        assert_eq!(seen(&sites, 10), [(0, 0, 1, 50), (0, 7, 2, 100), (3, 7, 1, 50)]);
    }

    #[test]
    fn what_was_taken_off_again_is_not_found() {
        let mut sites = Sites::EMPTY;
        sites.add(1, 5, -1, -64);
        sites.add(1, 5, 1, 64);
        assert_eq!(seen(&sites, 10), []);
    }

    #[test]
    fn the_heaviest_stay_where_there_is_no_room_for_all() {
        let mut sites = Sites::EMPTY;
        for node in 0..5000 {
            sites.add(0, node, 1, 50);
        }
        sites.add(1, 4000, 2, 100_000);
        sites.add(1, 1, 2, 90_000);
        let kept = seen(&sites, 3);
        assert_eq!(kept[1..], [(1, 1, 2, 90_000), (1, 4000, 2, 100_000)]);
        assert_eq!(kept.len(), 3, "and one of the others");
        assert_eq!(seen(&sites, 0), []);
    }

    #[test]
    fn a_full_table_leaves_out_what_is_new() {
        let mut sites = Sites::EMPTY;
        for node in 0..300_000 {
            sites.add(0, node, 1, 50);
        }
        sites.add(0, 7, 1, 50);
        assert_eq!(seen(&sites, usize::MAX).len(), LARGEST_CAPACITY / 2);
        assert_eq!(seen(&sites, usize::MAX)[7], (0, 7, 2, 100));
    }
}
