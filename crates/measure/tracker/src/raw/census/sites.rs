use crate::raw::own_memory::OwnArray;
use crate::raw::prefetch::prefetch;

/// Objects by their type and the node that asked for their blocks, in memory of its own.
///
/// It is bounded: what finds no room is counted by type only.
pub(super) struct Sites {
    /// In the order found, which is that of addresses: what is counted at a time lies side by side.
    found: OwnArray<Site>,
    count: usize,
    /// A hash table of twice as many entries.
    places: OwnArray<Place>,
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
    pub(super) const NONE: Self = Self { key: 0, objects: 0, bytes: 0 };

    #[inline]
    pub(super) fn new(type_index: u32, node: u32, objects: i64, bytes: i64) -> Self {
        Self { key: (u64::from(type_index) + 1) << 32 | u64::from(node), objects, bytes }
    }

    /// Of the type, in the order found.
    pub(super) fn type_index(self) -> usize {
        (self.key >> 32) as usize - 1
    }

    pub(super) fn node(self) -> u32 {
        self.key as u32
    }

    pub(super) fn is_same(self, other: Self) -> bool {
        self.key == other.key
    }

    pub(super) fn is_none(self) -> bool {
        self.key == 0
    }

    /// Of this site as well.
    #[inline]
    pub(super) fn add(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
    }

    /// The highest bits tell most.
    #[inline]
    pub(super) fn hash(self) -> u64 {
        self.key.wrapping_mul(SPREAD)
    }

    fn magnitude(self) -> usize {
        (u64::BITS - self.bytes.max(0).cast_unsigned().leading_zeros()) as usize
    }
}

/// Where a site is, and the lowest bits of its hash: so that it is hardly ever compared with another. 0: nothing there.
#[derive(Clone, Copy)]
struct Place(u32);

impl Place {
    fn of(site: Site, index: usize) -> Self {
        Self(Self::tag(site) | (index as u32 + 1))
    }

    fn tag(site: Site) -> u32 {
        (site.hash() as u32) << Self::INDEX_BITS
    }

    #[inline]
    fn index(self) -> Option<usize> {
        ((self.0 & ((1 << Self::INDEX_BITS) - 1)) as usize).checked_sub(1)
    }

    #[inline]
    fn may_be_of(self, site: Site) -> bool {
        self.0 >> Self::INDEX_BITS == Self::tag(site) >> Self::INDEX_BITS
    }

    const INDEX_BITS: u32 = LARGEST_CAPACITY.ilog2() + 1;
}

const LEAST_CAPACITY: usize = 4096;
const GROWTH: usize = 2;
/// 6 MiB, and 2 MiB of places.
const LARGEST_CAPACITY: usize = 1 << 18;
/// As in `AddressMap`.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Sites {
    pub(super) const EMPTY: Self =
        Self { found: OwnArray::EMPTY, count: 0, places: OwnArray::EMPTY };

    /// With room for what a heap of so many blocks, by so many nodes, is likely to have; `None` when the kernel refuses
    /// memory.
    pub(super) fn for_heap(blocks: u64, nodes: u32) -> Option<Self> {
        let likely = (blocks.min(nodes.into()) / 4).next_power_of_two() as usize;
        let mut sites = Self::EMPTY;
        sites.make_room(likely.clamp(LEAST_CAPACITY, LARGEST_CAPACITY))?;
        Some(sites)
    }

    /// Asks the processor for what `add` will look at.
    #[inline]
    pub(super) fn prefetch(&self, site: Site) {
        let places = self.places.as_slice();
        let place = self.home(site).and_then(|place| places.get(place));
        if let Some(place) = place {
            prefetch(place);
        }
    }

    pub(super) fn add(&mut self, site: Site) {
        let has_room = self.count < self.found.capacity() || self.grow();
        let Some(place) = self.place_of(site) else { return };
        if let Some(index) = self.places.as_slice()[place].index() {
            self.found.as_mut_slice()[index].add(site);
        } else if has_room {
            self.places.as_mut_slice()[place] = Place::of(site, self.count);
            self.found.as_mut_slice()[self.count] = site;
            self.count += 1;
        }
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
        self.found.as_slice()[..self.count].iter().copied().filter(|site| site.objects > 0)
    }

    /// Where the search for `site` begins; `None` while there is no table.
    #[inline]
    fn home(&self, site: Site) -> Option<usize> {
        let mask = self.places.capacity().checked_sub(1)?;
        Some((site.hash() >> 32) as usize & mask)
    }

    /// Where `site` is, or would be put; `None` while there is no table.
    #[inline]
    fn place_of(&self, site: Site) -> Option<usize> {
        let (places, found) = (self.places.as_slice(), self.found.as_slice());
        let mask = places.len().wrapping_sub(1);
        let mut at = self.home(site)?;
        while let Some(index) = places[at].index() {
            if places[at].may_be_of(site) && found[index].is_same(site) {
                break;
            }
            at = (at + 1) & mask;
        }
        Some(at)
    }

    fn grow(&mut self) -> bool {
        let capacity = self.found.capacity() * GROWTH;
        capacity <= LARGEST_CAPACITY && self.make_room(capacity.max(LEAST_CAPACITY)).is_some()
    }

    /// `None` when the kernel refuses memory.
    fn make_room(&mut self, capacity: usize) -> Option<()> {
        let mut found = OwnArray::zeroed(capacity)?;
        let places = OwnArray::populated(2 * capacity)?;
        found.as_mut_slice()[..self.count].copy_from_slice(&self.found.as_slice()[..self.count]);
        (self.found, self.places) = (found, places);
        for index in 0..self.count {
            let site = self.found.as_slice()[index];
            let place = self.place_of(site)?;
            self.places.as_mut_slice()[place] = Place::of(site, index);
        }
        Some(())
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
            sites.add(Site::new(type_index, node, 1, 50));
        }
        assert_eq!(seen(&sites, 10), [(0, 0, 1, 50), (0, 7, 2, 100), (3, 7, 1, 50)]);
    }

    #[test]
    fn what_was_taken_off_again_is_not_found() {
        let mut sites = Sites::EMPTY;
        sites.add(Site::new(1, 5, -1, -64));
        sites.add(Site::new(1, 5, 1, 64));
        assert_eq!(seen(&sites, 10), []);
    }

    #[test]
    fn the_heaviest_stay_where_there_is_no_room_for_all() {
        let mut sites = Sites::EMPTY;
        for node in 0..5000 {
            sites.add(Site::new(0, node, 1, 50));
        }
        sites.add(Site::new(1, 4000, 2, 100_000));
        sites.add(Site::new(1, 1, 2, 90_000));
        let kept = seen(&sites, 3);
        assert_eq!(kept[1..], [(1, 1, 2, 90_000), (1, 4000, 2, 100_000)]);
        assert_eq!(kept.len(), 3, "and one of the others");
        assert_eq!(seen(&sites, 0), []);
    }

    #[test]
    fn a_full_table_leaves_out_what_is_new() {
        let mut sites = Sites::EMPTY;
        for node in 0..300_000 {
            sites.add(Site::new(0, node, 1, 50));
        }
        sites.add(Site::new(0, 7, 1, 50));
        assert_eq!(seen(&sites, usize::MAX).len(), LARGEST_CAPACITY);
        assert_eq!(seen(&sites, usize::MAX)[7], (0, 7, 2, 100));
    }
}
