use super::Moment;
use super::known_types::{Heap, KnownTypes};
use super::owned::{Found, values_bytes};
use super::placement::Owner;
use super::recent_sites::RecentSites;
use super::sites::{Site, Sites};
use crate::raw::address_map::AddressMap;
use crate::raw::shadow::Block;
use lowtide_cpython::{Attributes, Container, ObjectAddress, ObjectLayout, StoredAttributes};

/// Where objects begin in their blocks: at once, behind the collector's words, behind the managed ones as well.
const OBJECT_OFFSETS: [usize; 3] = [0, 16, 32];
/// Of a freed block, as many as tell its type wherever that stands.
const LEFT_WORDS: usize = 6;
/// `PyGC_Head`.
const GC_HEAD_BYTES: usize = 16;
/// `PyObject`.
const OBJECT_BYTES: usize = 16;
/// Of a dict with its collector's words.
const DICT_BYTES: u64 = 64;
/// Counts above are addresses or other data; immortal objects have a little over 2^32 at most.
const MOST_REFERENCES: u64 = 1 << 33;
/// No free list keeps an object of so many bytes, with its buffer.
const LARGE_BYTES: u64 = 4096;
/// Objects that are torn down at a time, one inside the other.
const MOST_DYING: usize = 16;

/// Counts objects by their type, and by the node that asked for them.
pub(super) struct Tally {
    pub(super) types: KnownTypes,
    pub(super) sites: Sites,
    /// Not counted yet in the two above.
    recent: RecentSites,
    /// Large buffers that live objects own.
    owned_buffers: AddressMap,
    /// Large builtin objects that nobody refers to.
    dying: [Option<(Found, Owner)>; MOST_DYING],
}

impl Tally {
    /// Of all that lives at that moment, and of `just_freed`, which lived until then; `None` when the kernel refuses
    /// memory.
    pub(super) fn of(
        moment: &Moment,
        objects: &ObjectLayout,
        just_freed: &[(usize, Block)],
    ) -> Option<Self> {
        let mut tally = Self {
            types: KnownTypes::new()?,
            sites: Sites::for_heap(moment.header().live_blocks, moment.writer.node_count())?,
            recent: RecentSites::EMPTY,
            owned_buffers: AddressMap::EMPTY,
            dying: [None; MOST_DYING],
        };
        let heap = Heap { moment, objects };
        moment.for_each_in_pools(|address, block| tally.look_at_block(address, block, heap));
        moment.for_each_elsewhere(|address, block| tally.look_at_other_block(address, block, heap));
        tally.count_dying_builtins(heap);
        tally.add_just_freed(just_freed, heap);
        while let Some(site) = tally.recent.take() {
            tally.settle(site);
        }
        Some(tally)
    }

    /// Objects that lived until a moment ago, from what they left behind.
    fn add_just_freed(&mut self, blocks: &[(usize, Block)], heap: Heap) {
        for &(start, block) in blocks {
            let Some(words) = self.types.copies.words_at::<LEFT_WORDS>(start) else { continue };
            let found = OBJECT_OFFSETS.into_iter().find_map(|offset| {
                let address = words[offset / size_of::<u64>() + 1] as usize;
                let found = self.types.find(address, heap)?;
                found.begins_at(offset, block.bytes).then_some(found.owner.type_index)
            });
            if let Some(index) = found {
                self.add(index, block.node, 1, block.bytes);
            }
        }
    }

    /// Blocks elsewhere than in pools are few.
    #[inline(never)]
    fn look_at_other_block(&mut self, start: usize, block: Block, heap: Heap) {
        self.look_at_block(start, block, heap);
    }

    /// A block that holds no live object is some object's buffer, waits in a free list, or is being set up.
    #[expect(clippy::inline_always, reason = "all that a census does goes through here")]
    #[inline(always)]
    fn look_at_block(&mut self, start: usize, block: Block, heap: Heap) {
        let _ = self.settles::<{ OBJECT_OFFSETS[0] }>(start, block, heap)
            || self.settles::<{ OBJECT_OFFSETS[1] }>(start, block, heap)
            || self.settles::<{ OBJECT_OFFSETS[2] }>(start, block, heap);
    }

    /// Whether what may be an object at that offset settles what the block is, as no object begins further on.
    #[expect(clippy::inline_always, reason = "the offset is a constant in what is compiled")]
    #[inline(always)]
    fn settles<const OFFSET: usize>(&mut self, start: usize, block: Block, heap: Heap) -> bool {
        if block.bytes < (OFFSET + OBJECT_BYTES) as u64 {
            return true;
        }
        let object = ObjectAddress(start + OFFSET);
        // SAFETY: both words lie inside a recorded block, which nobody frees during a census.
        let (references, address) =
            unsafe { (object.reference_count(heap.objects), object.type_address()) };
        if references > MOST_REFERENCES {
            return false;
        }
        let Some(&placement) = self.types.find(address, heap) else { return false };
        if !placement.begins_at(OFFSET, block.bytes)
            || OFFSET > GC_HEAD_BYTES && self.holds_smaller_object(start, block.bytes)
        {
            return false;
        }
        let found = Found { object, block, offset: OFFSET };
        if references == 0 {
            self.look_at_unreferenced(found, placement.owner, heap);
        } else if placement.may_own(block.bytes) {
            self.count(found, placement.owner, heap);
        } else {
            self.add(placement.owner.type_index, block.node, 1, block.bytes);
        }
        true
    }

    /// Whether an object without managed words lies in the block. If it waits in a free list, the address of the next
    /// one stands where its references were counted, and its fields may look like another object's head: a method of a
    /// class does, where the interpreter's own data has addresses as small as counts are.
    #[inline]
    fn holds_smaller_object(&self, start: usize, bytes: u64) -> bool {
        // SAFETY: a larger object was found in the block, so that these words lie inside it.
        let address = unsafe { ObjectAddress(start + GC_HEAD_BYTES).type_address() };
        self.types.known(address).is_some_and(|known| known.begins_at(GC_HEAD_BYTES, bytes))
    }

    /// An object without references is just being torn down, and so lived a moment ago, or waits in a free list to be
    /// used again. There are free lists for small builtin objects only.
    #[cold]
    fn look_at_unreferenced(&mut self, found: Found, owner: Owner, heap: Heap) {
        let facts = *self.types.facts(owner.type_index);
        // SAFETY: the object begins behind the collector's words, in the same block.
        if facts.object_offset < GC_HEAD_BYTES || !unsafe { found.object.is_untracked() } {
            return;
        }
        if !facts.is_static {
            self.count(found, owner, heap);
        } else if found.block.bytes + found.buffer(facts.container, heap).bytes >= LARGE_BYTES
            && let Some(place) = self.dying.iter_mut().find(|place| place.is_none())
        {
            *place = Some((found, owner));
        }
    }

    /// In a free list an object still points to the buffer that it once had, which may belong to another one now.
    fn count_dying_builtins(&mut self, heap: Heap) {
        for (found, owner) in self.dying.into_iter().flatten() {
            let buffer = found.buffer(owner.container, heap);
            if self.owned_buffers.get(buffer.address as u64).is_none() {
                self.count(found, owner, heap);
            }
        }
    }

    #[inline]
    fn count(&mut self, found: Found, owner: Owner, heap: Heap) {
        let Owner { type_index, container, has_attributes } = owner;
        let mut bytes = found.block.bytes;
        if container != Container::None {
            bytes += self.buffer_bytes(found, container, heap);
        }
        if has_attributes {
            bytes += self.attribute_bytes(found, self.types.facts(type_index).attributes, heap);
        }
        self.add(type_index, found.block.node, 1, bytes);
    }

    fn buffer_bytes(&mut self, found: Found, container: Container, heap: Heap) -> u64 {
        let buffer = found.buffer(container, heap);
        if buffer.bytes >= LARGE_BYTES {
            // In vain, a dying object may be counted too large.
            let _ = self.owned_buffers.insert(buffer.address as u64, 0);
        }
        buffer.bytes
    }

    #[inline]
    fn add(&mut self, type_index: u32, node: u32, sign: i64, bytes: u64) {
        let site = Site::new(type_index, node, sign, sign * bytes.cast_signed());
        if let Some(other) = self.recent.add(site) {
            self.sites.prefetch(site);
            self.settle(other);
        }
    }

    #[inline(never)]
    fn settle(&mut self, site: Site) {
        self.types.get_mut(site.type_index()).add(site.objects, site.bytes);
        self.sites.add(site);
    }

    /// Attributes are charged to the object that has them.
    #[inline]
    fn attribute_bytes(&mut self, found: Found, attributes: Attributes, heap: Heap) -> u64 {
        // SAFETY: a live object of a type with such attributes; the moment vouches for the GIL.
        match unsafe { found.object.attributes(attributes, found.object_bytes(), heap.objects) } {
            StoredAttributes::Inside => 0,
            StoredAttributes::Values(values) => values_bytes(values, heap),
            StoredAttributes::Dict(dict) => self.take_over_dict(dict, heap),
        }
    }

    /// The bytes of an instance's dict, which then no longer count as those of a dict: they go when the instance goes.
    /// Not so while somebody else holds the dict.
    fn take_over_dict(&mut self, dict: ObjectAddress, heap: Heap) -> u64 {
        let block = heap.moment.python_block_at(dict.0.wrapping_sub(GC_HEAD_BYTES));
        let Some(block) = block.filter(|block| block.bytes >= DICT_BYTES) else { return 0 };
        // SAFETY: both words lie inside a recorded block.
        let (references, address) =
            unsafe { (dict.reference_count(heap.objects), dict.type_address()) };
        let Some(placement) = self.types.find(address, heap) else { return 0 };
        let index = placement.owner.type_index;
        let facts = *self.types.facts(index);
        let is_plain_dict = facts.container == Container::Dict
            && facts.object_offset == GC_HEAD_BYTES
            && facts.attributes == Attributes::None;
        if references != 1 || !is_plain_dict {
            return 0;
        }
        let found = Found { object: dict, block, offset: GC_HEAD_BYTES };
        let bytes = block.bytes + found.buffer(Container::Dict, heap).bytes;
        self.add(index, block.node, -1, bytes);
        bytes
    }
}
