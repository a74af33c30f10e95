use super::own_memory::OwnArray;

/// A hash map from addresses (or hashes) other than 0 to ids or other values, in memory of its own. Zero bytes must be a
/// valid `V`.
pub(super) struct AddressMap<V: Copy = u32> {
    /// A power of two; at most half are used.
    entries: OwnArray<Entry<V>>,
    used: usize,
}

#[derive(Clone, Copy)]
struct Entry<V> {
    /// 0: free.
    key: u64,
    value: V,
}

/// At most a page.
const FIRST_CAPACITY: usize = 128;
/// 2^64 divided by the golden ratio: spreads keys that differ in few bits (Knuth, volume 3, section 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl<V: Copy> AddressMap<V> {
    pub(super) const EMPTY: Self = Self { entries: OwnArray::EMPTY, used: 0 };

    #[inline]
    pub(super) fn get(&self, key: u64) -> Option<V> {
        // A free entry has the key 0, which a garbled pointer may well be.
        if self.used == 0 || key == 0 {
            return None;
        }
        let entry = self.entries.as_slice()[self.place_of(key)];
        (entry.key == key).then_some(entry.value)
    }

    /// `false` when the kernel refuses memory.
    #[must_use]
    pub(super) fn insert(&mut self, key: u64, value: V) -> bool {
        if self.used * 2 >= self.entries.capacity() && !self.grow() {
            return false;
        }
        let place = self.place_of(key);
        let entry = &mut self.entries.as_mut_slice()[place];
        self.used += usize::from(entry.key != key);
        *entry = Entry { key, value };
        true
    }

    /// What was there.
    pub(super) fn remove(&mut self, key: u64) -> Option<V> {
        if self.used == 0 || key == 0 {
            return None;
        }
        let mut hole = self.place_of(key);
        let removed = self.entries.as_slice()[hole];
        if removed.key != key {
            return None;
        }
        // Entries that were pushed past the hole move back into it, so that searches need no tombstones.
        let mask = self.mask();
        let mut next = hole;
        loop {
            next = (next + 1) & mask;
            let entry = self.entries.as_slice()[next];
            if entry.key == 0 {
                break;
            }
            let wanted = home(entry.key, mask);
            if next.wrapping_sub(wanted) & mask >= next.wrapping_sub(hole) & mask {
                self.entries.as_mut_slice()[hole] = entry;
                hole = next;
            }
        }
        self.entries.as_mut_slice()[hole].key = 0;
        self.used -= 1;
        Some(removed.value)
    }

    fn mask(&self) -> usize {
        self.entries.capacity() - 1
    }

    /// Where `key` is, or would be put.
    fn place_of(&self, key: u64) -> usize {
        let mask = self.mask();
        let entries = self.entries.as_slice();
        let mut place = home(key, mask);
        while entries[place].key != 0 && entries[place].key != key {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) -> bool {
        let capacity = (self.entries.capacity() * 2).max(FIRST_CAPACITY);
        // Soon there is something on each page, and one fault for a look and one for a change cost more.
        let Some(entries) = OwnArray::populated(capacity) else { return false };
        let old = std::mem::replace(&mut self.entries, entries);
        for &entry in old.as_slice().iter().filter(|entry| entry.key != 0) {
            let place = self.place_of(entry.key);
            self.entries.as_mut_slice()[place] = entry;
        }
        true
    }
}

fn home(key: u64, mask: usize) -> usize {
    (key.wrapping_mul(SPREAD) >> 32) as usize & mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn nothing_is_known_about_the_null_pointer() {
        let mut map = AddressMap::EMPTY;
        assert!(map.insert(8, 0));
        assert_eq!(map.get(0), None);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_map(events in prop::collection::vec((1u64..3000, any::<bool>()), 0..4000)) {
            let mut ours = AddressMap::EMPTY;
            let mut map = BTreeMap::new();
            for (id, (key, is_insert)) in (0..).zip(events) {
                prop_assert_eq!(ours.get(key), map.get(&key).copied());
                if is_insert {
                    prop_assert!(ours.insert(key, id));
                    map.insert(key, id);
                } else {
                    prop_assert_eq!(ours.remove(key), map.remove(&key));
                }
            }
            for key in 1..3000 {
                prop_assert_eq!(ours.get(key), map.get(&key).copied());
            }
        }
    }
}
