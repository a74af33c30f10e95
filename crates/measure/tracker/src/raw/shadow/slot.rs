//! What a slot of 32 bits holds: 26 bits of the node, 5 that lead to the size, one for a block that is watched. 0 is no
//! block.

use super::Block;

/// Highest node id that a slot holds.
pub(in crate::raw) const LAST_NODE: u32 = (1 << FIELD_SHIFT) - 1;
const FIELD_SHIFT: u32 = 26;
const FIELD_MASK: u32 = 31;
const WATCHED: u32 = 1 << 31;

/// Fields up to here are a number plus 1, so that no used slot is 0: in a pool, by how many bytes the block is smaller
/// than its place; elsewhere the size itself.
const LARGEST_INLINE: u64 = 16;
const LARGEST_FIELD: u32 = LARGEST_INLINE as u32 + 1;
/// In a pool: the size is kept elsewhere.
const ODD: u32 = 18;
/// Elsewhere: the size is in the second slot.
const SECOND: u32 = 19;
/// Elsewhere: the size is in the second and third slot.
const THIRD: u32 = 20;

#[derive(Clone, Copy)]
pub(super) struct Slot(u32);

impl Slot {
    /// Of a block in a pool whose places have `place_bytes`; `None` if the block leaves more of its place than a slot can
    /// say.
    #[inline]
    pub(super) fn in_pool(block: Block, place_bytes: u64) -> Option<Self> {
        let spare_bytes = place_bytes.wrapping_sub(block.bytes);
        (spare_bytes <= LARGEST_INLINE).then(|| Self::new(block.node, spare_bytes as u32 + 1))
    }

    /// Of a block in a pool whose size is kept elsewhere.
    pub(super) fn odd(node: u32) -> Self {
        Self::new(node, ODD)
    }

    #[inline]
    fn new(node: u32, field: u32) -> Self {
        Self(node | field << FIELD_SHIFT)
    }

    /// # Safety
    /// `place` points to a slot.
    #[inline]
    pub(super) unsafe fn read(place: *const u32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { *place })
    }

    /// # Safety
    /// `place` points to a slot.
    #[inline]
    pub(super) unsafe fn write(self, place: *mut u32) {
        // SAFETY: the caller's promise.
        unsafe { *place = self.0 };
    }

    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn watched(self) -> Self {
        Self(self.0 | WATCHED)
    }

    #[inline]
    pub(super) fn is_watched(self) -> bool {
        self.0 & WATCHED != 0
    }

    #[inline]
    pub(super) fn node(self) -> u32 {
        self.0 & LAST_NODE
    }

    pub(super) fn is_odd(self) -> bool {
        self.field() == ODD
    }

    #[inline]
    fn field(self) -> u32 {
        self.0 >> FIELD_SHIFT & FIELD_MASK
    }

    /// As `block_in_pool`, if it is not watched.
    #[inline]
    pub(super) fn plain_block_in_pool(self, place_bytes: u64) -> Option<Block> {
        // With that bit the number is larger than any field.
        let spare_bytes = u64::from((self.0 >> FIELD_SHIFT).wrapping_sub(1));
        (spare_bytes <= LARGEST_INLINE).then(|| Block {
            node: self.0 & LAST_NODE,
            bytes: place_bytes.wrapping_sub(spare_bytes),
        })
    }

    /// The block in a pool whose places have `place_bytes`, if the slot itself says its size.
    #[inline]
    pub(super) fn block_in_pool(self, place_bytes: u64) -> Option<Block> {
        let spare_bytes = u64::from(self.field().wrapping_sub(1));
        (spare_bytes <= LARGEST_INLINE)
            .then(|| Block { node: self.node(), bytes: place_bytes.wrapping_sub(spare_bytes) })
    }
}

/// Writes a block outside of pools: a larger one covers a second granule, whose slot holds the size, and one of 4 GiB or
/// more a third.
///
/// # Safety
/// `place` points to a slot with two more behind it.
#[inline]
pub(super) unsafe fn write_sized(place: *mut u32, block: Block) {
    // SAFETY: the caller's promise.
    unsafe {
        if block.bytes <= LARGEST_INLINE {
            Slot::new(block.node, block.bytes as u32 + 1).write(place);
        } else if u32::try_from(block.bytes).is_ok() {
            let first = u64::from(Slot::new(block.node, SECOND).0);
            place.cast::<u64>().write_unaligned(first | block.bytes << 32);
        } else {
            Slot::new(block.node, THIRD).write(place);
            place.add(1).cast::<u64>().write_unaligned(block.bytes);
        }
    }
}

/// The block that [`write_sized`] wrote, if one was.
///
/// # Safety
/// As there.
#[inline]
pub(super) unsafe fn read_sized(place: *const u32) -> Option<Block> {
    // SAFETY: the caller's promise.
    unsafe {
        let slot = Slot::read(place);
        let bytes = match slot.field() {
            SECOND => u64::from(*place.add(1)),
            THIRD => place.add(1).cast::<u64>().read_unaligned(),
            0 => return None,
            field => u64::from(field - 1),
        };
        Some(Block { node: slot.node(), bytes })
    }
}

/// As [`read_sized`], of a block that is smaller than 4 GiB and not watched.
///
/// # Safety
/// As there.
#[inline]
pub(super) unsafe fn read_plain_sized(place: *const u32) -> Option<Block> {
    // SAFETY: the caller's promise.
    unsafe {
        let slot = Slot::read(place);
        // With the bit of a watched block the number is larger than any field.
        let bytes = match slot.0 >> FIELD_SHIFT {
            SECOND => *place.add(1),
            field @ 1..=LARGEST_FIELD => field - 1,
            _ => return None,
        };
        Some(Block { node: slot.node(), bytes: bytes.into() })
    }
}

/// Takes away what [`write_sized`] wrote.
///
/// # Safety
/// As there; a block owns the slots that hold its size.
#[inline]
pub(super) unsafe fn clear_sized(place: *mut u32) {
    // SAFETY: the caller's promise.
    unsafe {
        match Slot::read(place).field() {
            SECOND => place.cast::<u64>().write_unaligned(0),
            THIRD => {
                place.write(0);
                place.add(1).cast::<u64>().write_unaligned(0);
            }
            _ => place.write(0),
        }
    }
}
