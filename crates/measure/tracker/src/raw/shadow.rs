//! Which node each live block is charged to, and its size: one 32-bit slot per 16 bytes of address space.
//!
//! The first slot of a block holds its node, and its size if that is at most 16 bytes; a larger block covers a second
//! granule, whose slot holds the size, and one of 4 GiB or more a third. Slots come in tables for 1 MiB of addresses,
//! which are mapped on first touch and found through two directories.

use super::own_memory::{self, OwnArray};
use std::ptr::NonNull;

const GRANULE_BITS: usize = 4;
const TABLE_BITS: usize = 20;
const DIRECTORY_BITS: usize = 34;
const ADDRESS_BITS: usize = 47;
const SLOTS: usize = 1 << (TABLE_BITS - GRANULE_BITS);
/// A block that begins in the last granules keeps its size in slots behind the table, not in the next table.
const TABLE_BYTES: usize = (SLOTS + 2) * size_of::<u32>();
const DIRECTORY_ENTRIES: usize = 1 << (DIRECTORY_BITS - TABLE_BITS);
const DIRECTORY_BYTES: usize = DIRECTORY_ENTRIES * size_of::<Option<Table>>();
const ROOT_ENTRIES: usize = 1 << (ADDRESS_BITS - DIRECTORY_BITS);

/// Highest node id that a slot holds.
pub(super) const LAST_NODE: u32 = (1 << SIZE_SHIFT) - 1;
const SIZE_SHIFT: u32 = 26;
const SIZE_MASK: u32 = 31;
const CODE_OBJECT: u32 = 1 << 31;
const LARGEST_INLINE_BYTES: usize = 16;

/// Where a block this small lies others will lie all around it: its table is going to be used from end to end.
const DENSE_BYTES: u64 = 512;

/// Values of the size field above those of the sizes 0 to 16, which are stored plus 1 so that no used slot is 0.
mod size_field {
    /// The block itself is not recorded, but its being freed matters.
    pub(super) const UNRECORDED: u32 = 18;
    /// In the second slot.
    pub(super) const SECOND: u32 = 19;
    /// In the second and third slot.
    pub(super) const THIRD: u32 = 20;
}

type Table = NonNull<u32>;

/// A recorded block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) node: u32,
    pub(crate) bytes: u64,
}

/// What was recorded of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// `None` when only the code object in it was noted.
    pub(super) block: Option<Block>,
    /// Whether the block held a code object that was seen on a stack.
    pub(super) held_code: bool,
}

/// Why a block cannot be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unrecordable {
    /// The address is not a multiple of 16, or not in user space.
    Address,
    /// The kernel refused memory for a table.
    OutOfMemory,
}

/// See the module's text.
pub(super) struct Shadow {
    root: OwnArray<*mut Option<Table>>,
}

impl Shadow {
    /// An empty shadow; `None` when the kernel refuses memory.
    pub(super) fn new() -> Option<Self> {
        OwnArray::zeroed(ROOT_ENTRIES).map(|root| Self { root })
    }

    /// Records a block. One that was there before is forgotten, and returned: its free was not seen.
    #[inline]
    pub(super) fn put(
        &mut self,
        address: usize,
        block: Block,
    ) -> Result<Option<Taken>, Unrecordable> {
        let slot = match self.slot(address) {
            Some(slot) => slot,
            None => self.make_slot(address, block.bytes)?,
        };
        // SAFETY: `slot` has two slots of its table behind it.
        unsafe {
            let stale = if *slot == 0 { None } else { Some(take(slot)) };
            if block.bytes <= LARGEST_INLINE_BYTES as u64 {
                slot.write(block.node | (block.bytes as u32 + 1) << SIZE_SHIFT);
            } else {
                put_sized(slot, block);
            }
            Ok(stale)
        }
    }

    /// Forgets what begins at `address`.
    #[inline]
    pub(super) fn take(&mut self, address: usize) -> Option<Taken> {
        let slot = self.slot(address)?;
        // SAFETY: `slot` points into a table.
        if unsafe { *slot } == 0 {
            return None;
        }
        // SAFETY: as above, and the slot is used.
        Some(unsafe { take(slot) })
    }

    /// What begins at `address`, without forgetting it.
    pub(super) fn peek(&self, address: usize) -> Option<Block> {
        let slot = self.slot(address)?;
        // SAFETY: `slot` points into a table and has two slots behind it.
        unsafe { block_at(slot) }
    }

    /// Notes that the block at `address` holds a code object: `Taken::held_code` will say so.
    pub(super) fn mark_code_object(&mut self, address: usize) -> Result<(), Unrecordable> {
        let slot = match self.slot(address) {
            Some(slot) => slot,
            None => self.make_slot(address, u64::MAX)?,
        };
        // SAFETY: `slot` points into a table.
        unsafe {
            if *slot == 0 {
                *slot = size_field::UNRECORDED << SIZE_SHIFT;
            }
            *slot |= CODE_OBJECT;
        }
        Ok(())
    }

    /// Calls `visit` with every recorded block, in the order of addresses.
    pub(super) fn for_each_block(&self, mut visit: impl FnMut(usize, Block)) {
        for (root_index, &directory) in
            self.root.as_slice().iter().enumerate().filter(|(_, directory)| !directory.is_null())
        {
            for index in 0..DIRECTORY_ENTRIES {
                // SAFETY: a directory that is there maps `DIRECTORY_ENTRIES` entries.
                if let Some(table) = unsafe { *directory.add(index) } {
                    visit_table(
                        table,
                        root_index << DIRECTORY_BITS | index << TABLE_BITS,
                        &mut visit,
                    );
                }
            }
        }
    }

    /// Calls `visit` with start and size of everything that the shadow has mapped.
    pub(super) fn for_each_mapping(&self, mut visit: impl FnMut(NonNull<u8>, usize)) {
        let root = NonNull::from(self.root.as_slice());
        visit(root.cast(), ROOT_ENTRIES * size_of::<*mut Option<Table>>());
        for &directory in self.root.as_slice().iter().filter(|directory| !directory.is_null()) {
            for index in 0..DIRECTORY_ENTRIES {
                // SAFETY: a directory that is there maps `DIRECTORY_ENTRIES` entries.
                if let Some(table) = unsafe { *directory.add(index) } {
                    visit(table.cast(), TABLE_BYTES);
                }
            }
            if let Some(start) = NonNull::new(directory.cast()) {
                visit(start, DIRECTORY_BYTES);
            }
        }
    }

    #[inline]
    fn slot(&self, address: usize) -> Option<*mut u32> {
        if address & 15 != 0 || address >> ADDRESS_BITS != 0 {
            return None;
        }
        // SAFETY: the address has 47 bits, so the index is within the root, and the next within a directory.
        unsafe {
            let directory = *self.root.as_slice().get_unchecked(address >> DIRECTORY_BITS);
            if directory.is_null() {
                return None;
            }
            let table = (*directory.add(directory_index(address)))?;
            Some(table.as_ptr().add(slot_index(address)))
        }
    }

    #[cold]
    fn make_slot(&mut self, address: usize, bytes: u64) -> Result<*mut u32, Unrecordable> {
        if address & 15 != 0 || address >> ADDRESS_BITS != 0 {
            return Err(Unrecordable::Address);
        }
        let directory = &mut self.root.as_mut_slice()[address >> DIRECTORY_BITS];
        if directory.is_null() {
            *directory =
                own_memory::map(DIRECTORY_BYTES).ok_or(Unrecordable::OutOfMemory)?.as_ptr().cast();
        }
        // SAFETY: the directory maps `DIRECTORY_ENTRIES` entries, zero at first, which is `None`.
        let entry = unsafe { &mut *directory.add(directory_index(address)) };
        if entry.is_none() {
            let table = own_memory::map(TABLE_BYTES).ok_or(Unrecordable::OutOfMemory)?;
            if bytes <= DENSE_BYTES {
                // SAFETY: mapped just now with this size.
                unsafe { own_memory::populate(table, TABLE_BYTES) };
            }
            *entry = Some(table.cast());
        }
        self.slot(address).ok_or(Unrecordable::OutOfMemory)
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        for &directory in self.root.as_slice().iter().filter(|directory| !directory.is_null()) {
            for index in 0..DIRECTORY_ENTRIES {
                // SAFETY: as in `for_each_block`; each table was mapped with this size and is reached from here only.
                unsafe {
                    if let Some(table) = *directory.add(index) {
                        own_memory::unmap(table.cast(), TABLE_BYTES);
                    }
                }
            }
            if let Some(start) = NonNull::new(directory.cast()) {
                // SAFETY: mapped in `make_slot` with this size, and reached from here only.
                unsafe { own_memory::unmap(start, DIRECTORY_BYTES) };
            }
        }
    }
}

#[inline]
fn directory_index(address: usize) -> usize {
    address >> TABLE_BITS & (DIRECTORY_ENTRIES - 1)
}

#[inline]
fn slot_index(address: usize) -> usize {
    address >> GRANULE_BITS & (SLOTS - 1)
}

/// # Safety
/// `slot` points into a table, at a slot that is 0.
#[inline]
unsafe fn put_sized(slot: *mut u32, block: Block) {
    // SAFETY: the caller's promise; two slots behind the last one belong to the table.
    unsafe {
        if u32::try_from(block.bytes).is_ok() {
            let first = u64::from(block.node | size_field::SECOND << SIZE_SHIFT);
            slot.cast::<u64>().write_unaligned(first | block.bytes << 32);
        } else {
            slot.write(block.node | size_field::THIRD << SIZE_SHIFT);
            slot.add(1).cast::<u64>().write_unaligned(block.bytes);
        }
    }
}

/// # Safety
/// `slot` points into a table, at the first slot of a block.
#[inline]
unsafe fn take(slot: *mut u32) -> Taken {
    // SAFETY: the caller's promise; a block owns the slots that hold its size.
    unsafe {
        let first = *slot;
        let held_code = first & CODE_OBJECT != 0;
        let node = first & LAST_NODE;
        let field = first >> SIZE_SHIFT & SIZE_MASK;
        if field == size_field::SECOND {
            let bytes = u64::from(*slot.add(1));
            slot.cast::<u64>().write_unaligned(0);
            return Taken { block: Some(Block { node, bytes }), held_code };
        }
        let block = block_at(slot);
        slot.write(0);
        if field == size_field::THIRD {
            slot.add(1).cast::<u64>().write_unaligned(0);
        }
        Taken { block, held_code }
    }
}

/// # Safety
/// `slot` points into a table.
#[inline]
unsafe fn block_at(slot: *mut u32) -> Option<Block> {
    // SAFETY: the caller's promise; two slots behind the last one belong to the table.
    unsafe {
        let first = *slot;
        let field = first >> SIZE_SHIFT & SIZE_MASK;
        let bytes = if field == size_field::SECOND {
            u64::from(*slot.add(1))
        } else if field == size_field::THIRD {
            slot.add(1).cast::<u64>().read_unaligned()
        } else if field == size_field::UNRECORDED || field == 0 {
            return None;
        } else {
            u64::from(field - 1)
        };
        Some(Block { node: first & LAST_NODE, bytes })
    }
}

fn visit_table(table: Table, first_address: usize, visit: &mut impl FnMut(usize, Block)) {
    let mut index = 0;
    while index < SLOTS {
        // SAFETY: `index` is within the table.
        let slot = unsafe { table.as_ptr().add(index) };
        // SAFETY: as above. Most slots are empty.
        if unsafe { *slot } == 0 {
            index += 1;
            continue;
        }
        // SAFETY: as above.
        if let Some(block) = unsafe { block_at(slot) } {
            visit(first_address + (index << GRANULE_BITS), block);
            index += granules_of(block.bytes);
        } else {
            index += 1;
        }
    }
}

/// No other block begins in these, nor in the slots that hold the size.
fn granules_of(bytes: u64) -> usize {
    bytes.div_ceil(1 << GRANULE_BITS).max(1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const FOUR_GIB: u64 = 1 << 32;

    fn shadow() -> Shadow {
        Shadow::new().unwrap()
    }

    #[test]
    fn every_size_comes_back_whole() {
        let mut shadow = shadow();
        for (index, bytes) in
            [0, 1, 16, 17, 4096, FOUR_GIB - 1, FOUR_GIB, 5 * FOUR_GIB + 3].into_iter().enumerate()
        {
            let address = 0x7f00_0000_0000 + index * 48;
            let block = Block { node: LAST_NODE, bytes };
            assert_eq!(shadow.put(address, block), Ok(None));
            assert_eq!(shadow.take(address), Some(Taken { block: Some(block), held_code: false }));
            assert_eq!(shadow.take(address), None);
            assert_eq!(
                shadow.take(address + 16),
                None,
                "the size slot of {bytes} bytes is left behind"
            );
        }
    }

    #[test]
    fn a_block_in_the_last_granule_of_a_table_leaves_the_next_table_alone() {
        let mut shadow = shadow();
        let last = (1 << TABLE_BITS) - 16;
        let next = Block { node: 2, bytes: 3 };
        shadow.put(1 << TABLE_BITS, next).unwrap();
        shadow.put(last, Block { node: 1, bytes: 9 * FOUR_GIB }).unwrap();
        assert_eq!(shadow.peek(1 << TABLE_BITS), Some(next));
        let mut seen = Vec::new();
        shadow.for_each_block(|address, block| seen.push((address, block.node)));
        assert_eq!(seen, [(last, 1), (1 << TABLE_BITS, 2)]);
    }

    #[test]
    fn odd_and_kernel_addresses_are_refused() {
        let mut shadow = shadow();
        for address in [8, 0x1001, 1 << ADDRESS_BITS, usize::MAX & !15] {
            assert_eq!(
                shadow.put(address, Block { node: 1, bytes: 1 }),
                Err(Unrecordable::Address)
            );
            assert_eq!(shadow.take(address), None);
        }
    }

    #[test]
    fn a_code_object_is_noted_whether_its_block_is_recorded_or_not() {
        let mut shadow = shadow();
        let block = Block { node: 7, bytes: 200 };
        shadow.put(0x10000, block).unwrap();
        shadow.mark_code_object(0x10000).unwrap();
        shadow.mark_code_object(0x20000).unwrap();
        assert_eq!(shadow.peek(0x20000), None);
        assert_eq!(shadow.take(0x10000), Some(Taken { block: Some(block), held_code: true }));
        assert_eq!(shadow.take(0x20000), Some(Taken { block: None, held_code: true }));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_map(events in prop::collection::vec((0usize..200, 0u64..100, any::<bool>()), 0..400)) {
            let mut shadow = shadow();
            let mut map = BTreeMap::new();
            for (node, (place, bytes, is_put)) in events.into_iter().enumerate() {
                // Blocks lie 112 bytes apart, around the border of two tables, so that none overlap.
                let address = (1 << TABLE_BITS) - 100 * 112 + place * 112;
                let expected = map.remove(&address);
                let taken = if is_put {
                    let block = Block { node: node as u32, bytes };
                    map.insert(address, block);
                    shadow.put(address, block).unwrap()
                } else {
                    shadow.take(address)
                };
                prop_assert_eq!(taken.and_then(|taken| taken.block), expected);
            }
            let mut seen = BTreeMap::new();
            shadow.for_each_block(|address, block| { seen.insert(address, block); });
            prop_assert_eq!(seen, map);
        }
    }
}
