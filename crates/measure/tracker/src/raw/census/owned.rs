use super::known_types::Heap;
use crate::raw::shadow::Block;
use lowtide_cpython::{AttributeStorage, Container, ObjectAddress};

/// In front of an array of values lie as many bytes as it has values, rounded up.
const LONGEST_VALUES_PREFIX: usize = 256;

/// An object and the block that it is in.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) object: ObjectAddress,
    /// The whole block.
    pub(super) block: Block,
    /// From the start of the block.
    pub(super) offset: usize,
}

/// A buffer of an object that is a block of its own.
#[derive(Clone, Copy, Default)]
pub(super) struct Buffer {
    pub(super) address: usize,
    pub(super) bytes: u64,
}

impl Found {
    /// From the object to the end of its block.
    pub(super) fn object_bytes(self) -> usize {
        self.block.bytes as usize - self.offset
    }

    /// What it owns as a container, if that is a block of its own.
    #[inline]
    pub(super) fn buffer(self, container: Container, heap: Heap) -> Buffer {
        // SAFETY: the object is of a type with that container and has the size that the type wants, all of it in a
        // recorded block; the moment vouches for the GIL.
        let address =
            unsafe { self.object.buffer(container, self.object_bytes(), heap.moment.layout) };
        if address == 0 {
            return Buffer::default();
        }
        let bytes = match heap.moment.python_block_at(address) {
            Some(block) => block.bytes,
            None if container == Container::Dict => values_bytes(address, heap),
            None => 0,
        };
        Buffer { address, bytes }
    }
}

/// The block of an array of values begins a little in front of them, unless they lie inside their object.
pub(super) fn values_bytes(values: usize, heap: Heap) -> u64 {
    if heap.objects.attributes == AttributeStorage::InlineValues {
        return 0;
    }
    let last = values.wrapping_sub(1) & !15;
    let starts = (0..=LONGEST_VALUES_PREFIX).step_by(16).map(|back| last.wrapping_sub(back));
    let mut blocks = starts.map(|start| (start, heap.moment.python_block_at(start)));
    let found = blocks.find_map(|(start, block)| Some((start, block?)));
    found
        .filter(|&(start, block)| start as u64 + block.bytes > values as u64)
        .map_or(0, |(_, block)| block.bytes)
}
