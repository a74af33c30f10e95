use super::Moment;
use super::known_types::{Heap, KnownTypes};
use super::own_process;
use crate::raw::address_map::AddressMap;
use lowtide_cpython::{
    AttributeStorage, Attributes, Container, ObjectAddress, ObjectLayout, StoredAttributes,
};

/// Where objects begin in their blocks: at once, behind the collector's words, behind the managed ones as well.
const OBJECT_OFFSETS: [usize; 3] = [0, 16, 32];
/// Of a freed block, as many as tell its type wherever that stands.
const LEFT_WORDS: usize = 6;
/// `PyGC_Head`.
const GC_HEAD_BYTES: usize = 16;
/// `PyObject`.
const OBJECT_BYTES: usize = 16;
/// Of a dict, in front of it and in all.
const DICT_OFFSET: usize = 16;
const DICT_BYTES: u64 = 64;
/// Counts above are addresses or other data; immortal objects have a little over 2^32 at most.
const MOST_REFERENCES: u64 = 1 << 33;
/// In front of an array of values lie as many bytes as it has, rounded up.
const LONGEST_VALUES_PREFIX: usize = 256;

/// No free list keeps an object of so many bytes, with its buffer.
const LARGE_BYTES: u64 = 4096;
/// Objects that are torn down at a time, one inside the other.
const MOST_DYING: usize = 16;

/// Counts objects by their type.
pub(super) struct Tally {
    pub(super) types: KnownTypes,
    /// Large buffers that live objects own.
    owned_buffers: AddressMap,
    dying: [Dying; MOST_DYING],
    dying_count: usize,
}

/// A large builtin object that nobody refers to.
#[derive(Clone, Copy)]
struct Dying {
    object: ObjectAddress,
    type_index: usize,
    block_bytes: u64,
}

impl Tally {
    /// Of all that lives at that moment.
    pub(super) fn of(moment: &Moment, objects: &ObjectLayout) -> Self {
        let nobody = Dying { object: ObjectAddress(0), type_index: 0, block_bytes: 0 };
        let mut tally = Self {
            types: KnownTypes::new(),
            owned_buffers: AddressMap::EMPTY,
            dying: [nobody; MOST_DYING],
            dying_count: 0,
        };
        let heap = Heap { moment, objects };
        moment.for_each_python_block(|address, bytes| tally.count_block(address, bytes, heap));
        tally.count_dying_builtins(heap);
        tally
    }

    /// Objects that lived until a moment ago, from what they left behind.
    pub(super) fn add_just_freed(&mut self, blocks: &[(usize, u64)], heap: Heap) {
        for &(block, bytes) in blocks {
            let Some(words) = own_process::copy_words::<LEFT_WORDS>(block) else { continue };
            let found = OBJECT_OFFSETS.into_iter().find_map(|offset| {
                let address = words[offset / size_of::<u64>() + 1] as usize;
                let index = self.types.find(address, heap)?;
                self.types.get_mut(index).facts.begins_at(offset, bytes).then_some(index)
            });
            if let Some(index) = found {
                let known = self.types.get_mut(index);
                known.objects += 1;
                known.bytes += bytes.cast_signed();
            }
        }
    }

    /// A block that holds no live object is some object's buffer, waits in a free list, or is being set up.
    #[inline]
    fn count_block(&mut self, block: usize, bytes: u64, heap: Heap) {
        for offset in OBJECT_OFFSETS {
            if bytes < (offset + OBJECT_BYTES) as u64 {
                return;
            }
            let object = ObjectAddress(block + offset);
            // SAFETY: both words lie inside a recorded block, which nobody frees during a census.
            let (references, address) =
                unsafe { (object.reference_count(heap.objects), object.type_address()) };
            if references > MOST_REFERENCES {
                continue;
            }
            if let Some(index) = self.types.find(address, heap) {
                let facts = self.types.get_mut(index).facts;
                if facts.begins_at(offset, bytes) {
                    if references > 0 {
                        self.count_object(object, index, bytes, heap);
                    } else {
                        self.look_at_unreferenced(object, index, bytes, heap);
                    }
                    return;
                }
            }
        }
    }

    /// An object without references is just being torn down, and so lived a moment ago, or waits in a free list to be
    /// used again. There are free lists for small builtin objects only.
    #[cold]
    fn look_at_unreferenced(
        &mut self,
        object: ObjectAddress,
        type_index: usize,
        block_bytes: u64,
        heap: Heap,
    ) {
        let facts = self.types.get_mut(type_index).facts;
        // SAFETY: the object begins behind the collector's words, in the same block.
        if facts.object_offset < GC_HEAD_BYTES || !unsafe { object.is_untracked() } {
            return;
        }
        if !facts.is_static {
            self.count_object(object, type_index, block_bytes, heap);
        } else if self.dying_count < MOST_DYING
            && block_bytes + buffer_of(object, facts.container, heap).1 >= LARGE_BYTES
        {
            self.dying[self.dying_count] = Dying { object, type_index, block_bytes };
            self.dying_count += 1;
        }
    }

    /// In a free list an object still points to the buffer that it once had, which may belong to another one now.
    fn count_dying_builtins(&mut self, heap: Heap) {
        for index in 0..self.dying_count {
            let Dying { object, type_index, block_bytes } = self.dying[index];
            let container = self.types.get_mut(type_index).facts.container;
            let (buffer, _) = buffer_of(object, container, heap);
            if self.owned_buffers.get(buffer as u64).is_none() {
                self.count_object(object, type_index, block_bytes, heap);
            }
        }
    }

    #[inline]
    fn count_object(&mut self, object: ObjectAddress, index: usize, block_bytes: u64, heap: Heap) {
        let facts = self.types.get_mut(index).facts;
        let object_bytes = block_bytes as usize - facts.object_offset;
        let (buffer, buffer_bytes) = buffer_of(object, facts.container, heap);
        if buffer_bytes >= LARGE_BYTES {
            // In vain, a dying object may be counted too large.
            let _ = self.owned_buffers.insert(buffer as u64, 0);
        }
        if facts.container == Container::Bytes && buffer_bytes > 0 {
            self.take_over_bytes(ObjectAddress(buffer), buffer_bytes, heap);
        }
        let mut bytes = block_bytes + buffer_bytes;
        if facts.attributes != Attributes::None {
            // SAFETY: a live object of a type with such attributes; the moment vouches for the GIL.
            bytes +=
                match unsafe { object.attributes(facts.attributes, object_bytes, heap.objects) } {
                    StoredAttributes::Inside => 0,
                    StoredAttributes::Values(values) => values_bytes(values, heap),
                    StoredAttributes::Dict(dict) => self.take_over_dict(dict, heap),
                };
        }
        let known = self.types.get_mut(index);
        known.objects += 1;
        known.bytes += bytes.cast_signed();
    }

    /// The `bytes` that a `bytearray` keeps for itself does not count as one.
    fn take_over_bytes(&mut self, bytes: ObjectAddress, block_bytes: u64, heap: Heap) {
        // SAFETY: a recorded block begins there.
        if let Some(index) = self.types.find(unsafe { bytes.type_address() }, heap) {
            let known = self.types.get_mut(index);
            known.objects -= 1;
            known.bytes -= block_bytes.cast_signed();
        }
    }

    /// The bytes of an instance's dict, which then no longer count as those of a dict: they go when the instance goes.
    /// Not so while somebody else holds the dict.
    fn take_over_dict(&mut self, dict: ObjectAddress, heap: Heap) -> u64 {
        let block = heap.moment.python_block_at(dict.0.wrapping_sub(DICT_OFFSET));
        let Some(block_bytes) = block.filter(|&bytes| bytes >= DICT_BYTES) else { return 0 };
        // SAFETY: both words lie inside a recorded block.
        let (references, address) =
            unsafe { (dict.reference_count(heap.objects), dict.type_address()) };
        let Some(index) = self.types.find(address, heap) else { return 0 };
        let known = self.types.get_mut(index);
        let is_own = references == 1
            && known.facts.container == Container::Dict
            && known.facts.object_offset == DICT_OFFSET
            && known.facts.attributes == Attributes::None;
        if !is_own {
            return 0;
        }
        let bytes = block_bytes + buffer_of(dict, Container::Dict, heap).1;
        let known = self.types.get_mut(index);
        known.objects -= 1;
        known.bytes -= bytes.cast_signed();
        bytes
    }
}

/// The buffer that an object owns, if it is a block of its own, and its bytes.
#[inline]
fn buffer_of(object: ObjectAddress, container: Container, heap: Heap) -> (usize, u64) {
    // SAFETY: an object of a type with that container; the moment vouches for the GIL.
    let buffer = unsafe { object.buffer(container, heap.moment.layout) };
    if buffer == 0 {
        return (0, 0);
    }
    let bytes = match heap.moment.python_block_at(buffer) {
        Some(bytes) => bytes,
        None if container == Container::Dict => values_bytes(buffer, heap),
        None => 0,
    };
    (buffer, bytes)
}

/// The block of an array of values begins a little in front of them, unless they lie inside their object.
fn values_bytes(values: usize, heap: Heap) -> u64 {
    if heap.objects.attributes == AttributeStorage::InlineValues {
        return 0;
    }
    let last = values.wrapping_sub(1) & !15;
    let starts = (0..=LONGEST_VALUES_PREFIX).step_by(16).map(|back| last.wrapping_sub(back));
    let blocks = starts.map(|start| (start, heap.moment.python_block_at(start)));
    let found = blocks.into_iter().find_map(|(start, block)| Some((start, block?)));
    found
        .filter(|&(start, bytes)| start as u64 + bytes > values as u64)
        .map_or(0, |(_, bytes)| bytes)
}
