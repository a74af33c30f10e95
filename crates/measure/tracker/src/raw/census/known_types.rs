use super::Moment;
use super::copies::Copies;
use super::placement::Placement;
use crate::raw::address_map::AddressMap;
use crate::raw::own_memory::OwnArray;
use lowtide_cpython::{Container, ObjectLayout, TYPE_WORDS, TypeAddress, TypeFacts};

/// Type objects found so far, with what was counted of each. Nothing of an address is believed before it is checked: a
/// type is what has a metatype, up to the one that is its own, and looks like a type.
pub(super) struct KnownTypes {
    indices: AddressMap,
    types: OwnArray<KnownType>,
    count: usize,
    /// Types found lately, by address: objects of few types make up most heaps.
    recent: [(usize, Placement); RECENT],
    /// Addresses that are no types, by their lower bits: a word that recurs is not looked at again and again.
    rejected: [usize; REJECTED],
    /// What lies outside of the recorded heap.
    pub(super) copies: Copies,
}

/// One type.
#[derive(Clone, Copy)]
pub(super) struct KnownType {
    pub(super) address: usize,
    pub(super) facts: TypeFacts,
    placement: Placement,
    /// Its objects, and their bytes with what they own. Signed, as a dict can be taken off before it was counted.
    pub(super) objects: i64,
    pub(super) bytes: i64,
}

impl KnownType {
    #[inline]
    pub(super) fn add(&mut self, objects: i64, bytes: i64) {
        self.objects += objects;
        self.bytes += bytes;
    }
}

/// What a census is taken of.
#[derive(Clone, Copy)]
pub(super) struct Heap<'a> {
    pub(super) moment: &'a Moment<'a>,
    pub(super) objects: &'a ObjectLayout,
}

const FIRST_CAPACITY: usize = 512;
const REJECTED: usize = 256;
const RECENT: usize = 128;
/// Longest chain of bases and metatypes.
const DEEPEST: u32 = 100;
/// The kernel maps nothing below, and programs have nothing above.
const USER_ADDRESSES: std::ops::Range<usize> = 1 << 16..1 << 47;
/// A type that is made at run time is known to the collector.
const TYPE_OFFSET: usize = 16;

/// As in `AddressMap`; the highest bits choose among `RECENT`.
const SPREAD: usize = 0x9e37_79b9_7f4a_7c15;
const RECENT_SHIFT: u32 = usize::BITS - RECENT.ilog2();

#[inline]
fn may_be_type(address: usize) -> bool {
    USER_ADDRESSES.contains(&address) && address.is_multiple_of(8)
}

/// Any word may stand where a type's address is looked for, also the two in here: neither is where it would be looked for.
const NO_RECENT: [(usize, Placement); RECENT] = {
    let mut recent = [(0, Placement::NONE); RECENT];
    recent[place_in_recent(0)].0 = usize::MAX;
    recent
};
const _: () = assert!(place_in_recent(0) != place_in_recent(usize::MAX));

#[inline]
const fn place_in_recent(address: usize) -> usize {
    address.wrapping_mul(SPREAD) >> RECENT_SHIFT
}

impl KnownTypes {
    /// None so far; `None` when the kernel refuses memory.
    pub(super) fn new() -> Option<Self> {
        Some(Self {
            indices: AddressMap::EMPTY,
            types: OwnArray::EMPTY,
            count: 0,
            recent: NO_RECENT,
            rejected: [0; REJECTED],
            copies: Copies::new()?,
        })
    }

    /// The type at `address`, if that is one.
    #[inline]
    pub(super) fn find(&mut self, address: usize, heap: Heap) -> Option<&Placement> {
        let place = place_in_recent(address);
        if self.recent[place].0 != address && !(may_be_type(address) && self.recall(address, heap))
        {
            return None;
        }
        Some(&self.recent[place].1)
    }

    /// Whether there is a type at `address`, which then is among those found lately.
    #[inline(never)]
    fn recall(&mut self, address: usize, heap: Heap) -> bool {
        let Some(index) = self.find_within(address, heap, DEEPEST) else { return false };
        let placement = self.types.as_slice()[index].placement;
        self.recent[place_in_recent(address)] = (address, placement);
        true
    }

    /// The type at `address`, if it has been found before.
    #[inline]
    pub(super) fn known(&self, address: usize) -> Option<Placement> {
        let index = self.indices.get(address as u64)?;
        Some(self.types.as_slice().get(index as usize)?.placement)
    }

    #[inline]
    pub(super) fn facts(&self, index: u32) -> &TypeFacts {
        &self.types.as_slice()[index as usize].facts
    }

    #[inline]
    pub(super) fn get_mut(&mut self, index: usize) -> &mut KnownType {
        &mut self.types.as_mut_slice()[index]
    }

    pub(super) fn all(&self) -> &[KnownType] {
        &self.types.as_slice()[..self.count]
    }

    fn find_within(&mut self, address: usize, heap: Heap, depth: u32) -> Option<usize> {
        match self.indices.get(address as u64) {
            Some(index) => Some(index as usize),
            None => self.find_new(address, heap, depth.checked_sub(1)?),
        }
    }

    #[cold]
    fn find_new(&mut self, address: usize, heap: Heap, depth: u32) -> Option<usize> {
        let place = (address >> 3) % REJECTED;
        if self.rejected[place] == address || !may_be_type(address) {
            return None;
        }
        let found = self
            .checked_facts(address, heap, depth)
            .and_then(|facts| self.add(address, facts, heap, depth));
        if found.is_none() {
            self.rejected[place] = address;
        }
        found
    }

    fn checked_facts(&mut self, address: usize, heap: Heap, depth: u32) -> Option<TypeFacts> {
        let facts = TypeFacts::from_words(&self.words_at(address, heap)?, heap.objects)?;
        if facts.metatype != address {
            let metatype = self.find_within(facts.metatype, heap, depth)?;
            return self.get_mut(metatype).facts.is_metatype.then_some(facts);
        }
        // Only `type` is its own type.
        facts.is_metatype.then_some(facts)
    }

    /// A copy of the first words at `address`, without ever touching memory that is not there.
    fn words_at(&mut self, address: usize, heap: Heap) -> Option<[u64; TYPE_WORDS]> {
        let block = heap.moment.python_block_at(address - TYPE_OFFSET);
        if let Some(block) = block {
            let is_large_enough =
                block.bytes as usize >= TYPE_OFFSET + heap.objects.least_type_bytes;
            // SAFETY: a recorded block of that size lies there, which nobody frees during a census.
            return is_large_enough
                .then(|| unsafe { (address as *const [u64; TYPE_WORDS]).read() });
        }
        // A type begins behind the collector's words: where a block begins is something else.
        if heap.moment.python_block_at(address).is_some() {
            return None;
        }
        self.copies.words_at(address)
    }

    fn add(&mut self, address: usize, facts: TypeFacts, heap: Heap, depth: u32) -> Option<usize> {
        let index = self.count;
        let has_room =
            index < self.types.capacity() || self.types.grow((index * 2).max(FIRST_CAPACITY));
        let number = u32::try_from(index).ok()?;
        if !has_room || !self.indices.insert(address as u64, number) {
            return None;
        }
        let placement = Placement::of(number, &facts, heap);
        self.types.as_mut_slice()[index] =
            KnownType { address, facts, placement, objects: 0, bytes: 0 };
        self.count += 1;
        if facts.container == Container::None {
            // Afterwards, as `type` has `object` for its base, whose metatype it is.
            let container = self.container_without_flag(address, facts, heap, depth);
            let known = self.get_mut(index);
            known.facts.container = container;
            known.placement = Placement::of(number, &known.facts, heap);
        }
        Some(index)
    }

    /// Some builtin types have no flag: they are told by their names, and their subclasses by their bases.
    fn container_without_flag(
        &mut self,
        address: usize,
        facts: TypeFacts,
        heap: Heap,
        depth: u32,
    ) -> Container {
        if facts.is_static {
            let mut room = [0; 16];
            // SAFETY: it was checked to be a type, and the moment vouches for the GIL.
            match unsafe {
                TypeAddress(address).write_name(heap.moment.layout, heap.objects, &mut room)
            } {
                b"set" | b"frozenset" => return Container::Set,
                b"frozendict" => return Container::Dict,
                b"bytearray" => return heap.objects.bytearray,
                _ => {}
            }
        }
        let base = if facts.base == 0 { None } else { self.find_within(facts.base, heap, depth) };
        base.map_or(Container::None, |base| self.get_mut(base).facts.container)
    }
}
