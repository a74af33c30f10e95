use super::Moment;
use super::known_types::{Heap, KnownTypes};
use super::own_process;
use lowtide_cpython::{
    Attributes, Container, ObjectAddress, ObjectLayout, StoredAttributes, TypeFacts,
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

/// Counts objects by their type.
pub(super) struct Tally {
    pub(super) types: KnownTypes,
}

impl Tally {
    /// Of all that lives at that moment.
    pub(super) fn of(moment: &Moment, objects: &ObjectLayout) -> Self {
        let mut tally = Self { types: KnownTypes::new() };
        let heap = Heap { moment, objects };
        moment.for_each_python_block(|address, bytes| tally.count_block(address, bytes, heap));
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
                unsafe { (object.reference_count(), object.type_address()) };
            if references > MOST_REFERENCES {
                continue;
            }
            if let Some(index) = self.types.find(address, heap) {
                let facts = self.types.get_mut(index).facts;
                if facts.begins_at(offset, bytes) && (references > 0 || is_dying(object, facts)) {
                    self.count_object(object, index, bytes, heap);
                    return;
                }
            }
        }
    }

    #[inline]
    fn count_object(&mut self, object: ObjectAddress, index: usize, block_bytes: u64, heap: Heap) {
        let facts = self.types.get_mut(index).facts;
        let object_bytes = block_bytes as usize - facts.object_offset;
        let mut bytes = block_bytes + buffer_bytes(object, facts.container, heap);
        if facts.attributes != Attributes::None {
            // SAFETY: a live object of a type with such attributes; the moment vouches for the GIL.
            bytes +=
                match unsafe { object.attributes(facts.attributes, object_bytes, heap.objects) } {
                    StoredAttributes::Inside => 0,
                    StoredAttributes::Values(values) => values_bytes(values, heap.moment),
                    StoredAttributes::Dict(dict) => self.take_over_dict(dict, heap),
                };
        }
        let known = self.types.get_mut(index);
        known.objects += 1;
        known.bytes += bytes.cast_signed();
    }

    /// The bytes of an instance's dict, which then no longer count as those of a dict: they go when the instance goes.
    /// Not so while somebody else holds the dict.
    fn take_over_dict(&mut self, dict: ObjectAddress, heap: Heap) -> u64 {
        let block = heap.moment.python_block_at(dict.0.wrapping_sub(DICT_OFFSET));
        let Some(block_bytes) = block.filter(|&bytes| bytes >= DICT_BYTES) else { return 0 };
        // SAFETY: both words lie inside a recorded block.
        let (references, address) = unsafe { (dict.reference_count(), dict.type_address()) };
        let Some(index) = self.types.find(address, heap) else { return 0 };
        let known = self.types.get_mut(index);
        let is_own = references == 1
            && known.facts.container == Container::Dict
            && known.facts.object_offset == DICT_OFFSET
            && known.facts.attributes == Attributes::None;
        if !is_own {
            return 0;
        }
        let bytes = block_bytes + buffer_bytes(dict, Container::Dict, heap);
        let known = self.types.get_mut(index);
        known.objects -= 1;
        known.bytes -= bytes.cast_signed();
        bytes
    }
}

/// Whether an object without references is one that is just being torn down, and so lived a moment ago. Those that wait
/// in free lists have no references either, but are of builtin types; and what an instance left in a block that was
/// given out again does not stand behind a collector's word of 0 for long.
#[cold]
fn is_dying(object: ObjectAddress, facts: TypeFacts) -> bool {
    // SAFETY: the object begins behind the collector's words, in the same block.
    !facts.is_static && facts.object_offset >= GC_HEAD_BYTES && unsafe { object.is_untracked() }
}

#[inline]
fn buffer_bytes(object: ObjectAddress, container: Container, heap: Heap) -> u64 {
    let mut bytes = 0;
    let add = |buffer| bytes += heap.moment.python_block_at(buffer).unwrap_or(0);
    // SAFETY: a live object of a type with that container; the moment vouches for the GIL.
    unsafe { object.for_each_buffer(container, heap.moment.layout, add) };
    bytes
}

/// The block of an array of values begins a little in front of them.
fn values_bytes(values: usize, moment: &Moment) -> u64 {
    let last = values.wrapping_sub(1) & !15;
    let starts = (0..=LONGEST_VALUES_PREFIX).step_by(16).map(|back| last.wrapping_sub(back));
    let found = starts
        .map(|start| (start, moment.python_block_at(start)))
        .find_map(|(start, block)| Some((start, block?)));
    found
        .filter(|&(start, bytes)| start as u64 + bytes > values as u64)
        .map_or(0, |(_, bytes)| bytes)
}
