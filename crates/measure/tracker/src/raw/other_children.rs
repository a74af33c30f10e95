use super::own_memory::{self, OwnArray};
use super::shadow::LAST_NODE;

/// Places for the children of so many parents that were made one after the other: one page.
const ROW: usize = own_memory::PAGE_BYTES / size_of::<TaggedChild>();
/// So many places of a row are tried for a child.
const TRIES: usize = 8;

/// The children of all nodes but their first ones.
///
/// Programs go on where they are, so a child is mostly looked for soon after its parent was made, or another child of that
/// or of its neighbours. With places all over a large table each look would be at memory that no cache has.
pub(super) struct OtherChildren {
    /// A row has as many places as parents.
    rows: OwnArray<TaggedChild>,
    /// What a row had no room for, all over the table: a child's hash (upper half) and id; 0 is free. A power of two, at
    /// most half used.
    rest: OwnArray<u64>,
    rest_used: usize,
}

/// A child, and the highest bits of its hash, so that it is hardly ever compared with another. 0: none.
#[derive(Clone, Copy)]
struct TaggedChild(u32);

impl TaggedChild {
    fn new(hash: u32, child: u32) -> Self {
        Self(hash & !LAST_NODE | child)
    }

    /// The child, if it may be the one with this hash.
    #[inline]
    fn child(self, hash: u32) -> Option<u32> {
        ((self.0 ^ hash) & !LAST_NODE == 0).then_some(self.0 & LAST_NODE)
    }
}

pub(super) enum Found {
    Child(u32),
    /// There is no such child: one belongs here.
    Place(Place),
    /// There is none, and the kernel refuses memory for one.
    NoRoom,
}

#[derive(Clone, Copy)]
pub(super) enum Place {
    InRow(usize),
    InRest(usize),
}

impl OtherChildren {
    pub(super) const EMPTY: Self =
        Self { rows: OwnArray::EMPTY, rest: OwnArray::EMPTY, rest_used: 0 };

    /// The child of `parent` with this hash that `is_child` is true of, or where it belongs.
    #[inline]
    pub(super) fn find(&mut self, parent: u32, hash: u32, is_child: impl Fn(u32) -> bool) -> Found {
        let row = parent as usize & !(ROW - 1);
        if row >= self.rows.capacity() && !self.add_rows(row) {
            return Found::NoRoom;
        }
        let rows = self.rows.as_slice();
        for turn in 0..TRIES {
            let place = row | (hash as usize + turn) & (ROW - 1);
            if rows[place].0 == 0 {
                return Found::Place(Place::InRow(place));
            }
            if let Some(child) = rows[place].child(hash).filter(|&child| is_child(child)) {
                return Found::Child(child);
            }
        }
        self.find_in_rest(hash, is_child)
    }

    /// Nothing was put anywhere since the place was found.
    pub(super) fn put(&mut self, place: Place, hash: u32, child: u32) {
        match place {
            Place::InRow(place) => self.rows.as_mut_slice()[place] = TaggedChild::new(hash, child),
            Place::InRest(place) => {
                self.rest.as_mut_slice()[place] = u64::from(hash) << 32 | u64::from(child);
                self.rest_used += 1;
            }
        }
    }

    #[cold]
    fn add_rows(&mut self, row: usize) -> bool {
        // A quarter more than is needed now.
        self.rows.grow_populated((row + row / 4) / ROW * ROW + ROW)
    }

    #[inline(never)]
    fn find_in_rest(&mut self, hash: u32, is_child: impl Fn(u32) -> bool) -> Found {
        if self.rest_used * 2 >= self.rest.capacity() && !self.grow_rest() {
            return Found::NoRoom;
        }
        let rest = self.rest.as_slice();
        let mut place = self.home_in_rest(hash);
        while rest[place] != 0 {
            if is_meant(rest[place], hash, &is_child) {
                return Found::Child(rest[place] as u32);
            }
            place = (place + 1) & (rest.len() - 1);
        }
        Found::Place(Place::InRest(place))
    }

    /// What one full part of a row had no room for has its lower bits in common.
    fn home_in_rest(&self, hash: u32) -> usize {
        hash.rotate_right(u16::BITS) as usize & (self.rest.capacity() - 1)
    }

    #[cold]
    fn grow_rest(&mut self) -> bool {
        let capacity = (self.rest.capacity() * 2).max(ROW);
        let Some(grown) = OwnArray::populated(capacity) else { return false };
        let old = std::mem::replace(&mut self.rest, grown);
        for &entry in old.as_slice().iter().filter(|&&entry| entry != 0) {
            let mut place = self.home_in_rest((entry >> 32) as u32);
            while self.rest.as_slice()[place] != 0 {
                place = (place + 1) & (capacity - 1);
            }
            self.rest.as_mut_slice()[place] = entry;
        }
        true
    }
}

#[inline]
fn is_meant(entry: u64, hash: u32, is_child: impl Fn(u32) -> bool) -> bool {
    (entry >> 32) as u32 == hash && is_child(entry as u32)
}
