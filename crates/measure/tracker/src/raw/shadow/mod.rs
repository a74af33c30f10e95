//! Which node each live block is charged to, and its size.
//!
//! Addresses come in chunks of 16 KiB, each with slots of 32 bits in memory of the shadow's own. A pool of pymalloc has
//! places of one size behind a small header, and its chunk a slot for each; any other chunk has a slot for each granule
//! of 16 bytes. What a chunk is shows in what is put there: nothing is read from the program's memory.

mod chunk;
mod fit;
mod slot;
mod slot_store;
#[cfg(test)]
mod tests;
mod touched_regions;
mod walk;

use self::chunk::Chunk;
use self::slot::Slot;
use self::slot_store::SlotStore;
use self::touched_regions::{Touched, TouchedRegions};
use super::address_map::AddressMap;
use super::own_memory::{self, OwnArray};
use super::sampling;
pub(super) use slot::LAST_NODE;
use std::ptr::NonNull;

const GRANULE_BITS: usize = 4;
const CHUNK_BITS: usize = 14;
const REGION_BITS: usize = 30;
const ADDRESS_BITS: usize = 47;
const REGIONS: usize = 1 << (ADDRESS_BITS - REGION_BITS);
const CHUNKS: usize = 1 << (REGION_BITS - CHUNK_BITS);
/// Chunks that lie in a page.
const PAGE_CHUNKS: usize = own_memory::PAGE_BYTES / size_of::<Chunk>();
const REGION_BYTES: usize = CHUNKS * size_of::<Chunk>();

/// A recorded block.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) node: u32,
    pub(crate) bytes: u64,
}

/// Who gave a block out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// pymalloc, for a request that it serves from a pool unless it has none left.
    Pool,
    Other,
}

/// A block in a pool, as it was found.
pub(super) struct InPool<'a> {
    pub(super) block: Block,
    chunk: &'a mut Chunk,
    place: *mut u32,
}

impl InPool<'_> {
    /// Forgets the block.
    #[inline]
    pub(super) fn take(self) {
        // SAFETY: the slot is one of the chunk's.
        unsafe { self.place.write(0) };
        self.chunk.live -= 1;
    }
}

/// A block in a chunk that is no pool, as it was found.
pub(super) struct AmongGranules<'a> {
    pub(super) block: Block,
    chunk: &'a mut Chunk,
    place: *mut u32,
}

impl AmongGranules<'_> {
    /// Forgets the block.
    #[inline]
    pub(super) fn take(self) {
        // SAFETY: the slot is one of the chunk's, and the first of a block.
        unsafe { slot::clear_sized(self.place) };
        self.chunk.live -= 1;
    }
}

/// What was recorded of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// `None` when it was only watched.
    pub(super) block: Option<Block>,
    /// Whether its end was waited for: it held a code object that was seen on a stack, or a function that makes an anchor.
    pub(super) was_watched: bool,
}

/// Why a block cannot be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unrecordable {
    /// The address is not a multiple of 16, or not in user space.
    Address,
    /// The kernel refused memory for slots.
    OutOfMemory,
}

/// See the module's text.
pub(super) struct Shadow {
    /// The chunks of each region of 1 GiB that was touched.
    regions: OwnArray<*mut Chunk>,
    touched: TouchedRegions,
    store: SlotStore,
    /// Sizes of blocks in pools that leave more of their places than a slot can say.
    odd_sizes: AddressMap,
    /// What is watched although its own block is not recorded, or is a sample.
    watched_elsewhere: AddressMap,
    /// In place of all else where blocks are sampled: they are few and far apart, and slots of the chunks that they lie in
    /// would take more. No census goes through them.
    samples: Option<AddressMap<Block>>,
}

impl Shadow {
    /// An empty shadow, of all blocks or of samples; `None` when the kernel refuses memory.
    pub(super) fn new(has_samples: bool) -> Option<Self> {
        Some(Self {
            regions: OwnArray::zeroed(REGIONS)?,
            touched: TouchedRegions::EMPTY,
            store: SlotStore::EMPTY,
            odd_sizes: AddressMap::EMPTY,
            watched_elsewhere: AddressMap::EMPTY,
            samples: has_samples.then_some(AddressMap::EMPTY),
        })
    }

    /// Records a block in a pool whose places are known to be of its size; whether that was possible.
    #[expect(clippy::inline_always, reason = "a block that goes through memory waits there")]
    #[inline(always)]
    pub(super) fn put_in_known_pool(&mut self, address: usize, block: Block) -> bool {
        let Some(mut at) = self.chunk_at(address) else { return false };
        // SAFETY: a chunk of the shadow's own, and the slot is one of its.
        unsafe {
            let chunk = at.as_mut();
            let Some(place) = chunk.slot_in_pool(address) else { return false };
            let Some(slot) = Slot::in_pool(block, chunk.place_bytes()) else { return false };
            if !Slot::read(place).is_empty() {
                return false;
            }
            slot.write(place);
            chunk.live += 1;
        }
        true
    }

    /// The block at `address` if it is in a pool and not watched, as almost all; `None` says nothing.
    #[expect(clippy::inline_always, reason = "a block that goes through memory waits there")]
    #[inline(always)]
    pub(super) fn find_in_pool(&mut self, address: usize) -> Option<InPool<'_>> {
        // SAFETY: a chunk of the shadow's own, which is borrowed as long as the result lives.
        let chunk = unsafe { self.chunk_at(address)?.as_mut() };
        let place = chunk.slot_in_pool(address)?;
        // SAFETY: the slot is one of the chunk's.
        let block = unsafe { Slot::read(place) }.plain_block_in_pool(chunk.place_bytes())?;
        Some(InPool { block, chunk, place })
    }

    /// The block at `address` if it is in a chunk that is no pool, not watched, and has less than 4 GiB, as almost
    /// all that are not small; `None` says nothing.
    #[inline]
    pub(super) fn find_among_granules(&mut self, address: usize) -> Option<AmongGranules<'_>> {
        // SAFETY: a chunk of the shadow's own, which is borrowed as long as the result lives.
        let chunk = unsafe { self.chunk_at(address)?.as_mut() };
        if chunk.live == 0 || chunk.is_pool() {
            return None;
        }
        let place = chunk.slot_of_granule(address);
        // SAFETY: the chunk has a slot for each granule, and two more.
        let block = unsafe { slot::read_plain_sized(place) }?;
        Some(AmongGranules { block, chunk, place })
    }

    /// Forgets what begins at `address`.
    #[inline(never)]
    pub(super) fn take(&mut self, address: usize) -> Option<Taken> {
        let Some((block, place)) = self.find(address) else {
            let block = self.samples.as_mut().and_then(|samples| samples.remove(address as u64));
            let was_watched = self.watched_elsewhere.remove(address as u64).is_some();
            return (block.is_some() || was_watched).then_some(Taken { block, was_watched });
        };
        let mut at = self.chunk_at(address)?;
        // SAFETY: as above; `find` gave the first slot of a block.
        let slot = unsafe {
            let chunk = at.as_mut();
            let slot = Slot::read(place);
            if chunk.is_pool() {
                place.write(0);
            } else {
                slot::clear_sized(place);
            }
            chunk.live -= 1;
            slot
        };
        if slot.is_odd() {
            self.odd_sizes.remove(address as u64);
        }
        Some(Taken { block: Some(block), was_watched: slot.is_watched() })
    }

    /// What begins at `address`, without forgetting it, and who gave it out: only a pool's chunk says surely.
    #[inline]
    pub(super) fn peek(&self, address: usize) -> Option<(Block, Source)> {
        // SAFETY: a chunk of the shadow's own.
        let source = unsafe { self.chunk_at(address)?.read() }.source();
        self.find(address).map(|(block, _)| (block, source))
    }

    /// Waits for the end of the block at `address`: `Taken::was_watched` will tell.
    pub(super) fn watch(&mut self, address: usize) -> Result<(), Unrecordable> {
        if let Some((_, place)) = self.find(address) {
            // SAFETY: `find` gave the first slot of a block.
            unsafe { Slot::read(place).watched().write(place) };
            return Ok(());
        }
        if !self.watched_elsewhere.insert(address as u64, 0) {
            return Err(Unrecordable::OutOfMemory);
        }
        if self.samples.is_some() {
            sampling::note(address);
        }
        Ok(())
    }

    /// Of what the shadow has mapped but may hardly touch: its bytes, and those of pages that were written to.
    pub(super) fn sparse_bytes(&self) -> (u64, u64) {
        let entries_bytes = size_of_val(self.regions.as_slice());
        let tables = self.touched_regions().map(|(_, chunks)| chunks);
        let written: u64 = tables.map(written_bytes).sum();
        let mapped = entries_bytes + self.touched.as_slice().len() * REGION_BYTES;
        (mapped as u64, self.touched_entries_bytes() + written)
    }

    /// Bytes of the pages that hold the entries of touched regions.
    fn touched_entries_bytes(&self) -> u64 {
        const ENTRIES: u32 = (own_memory::PAGE_BYTES / size_of::<*mut Chunk>()) as u32;
        let page_of = |region: &Touched| region.number / ENTRIES;
        let same_page = |a: &Touched, b: &Touched| page_of(a) == page_of(b);
        (self.touched.as_slice().chunk_by(same_page).count() * own_memory::PAGE_BYTES) as u64
    }

    /// Each with those of its chunks that it names.
    fn touched_regions(&self) -> impl Iterator<Item = (Touched, &[Chunk])> {
        self.touched.as_slice().iter().map(|&region| {
            let first = self.regions.as_slice()[region.number as usize];
            // SAFETY: a region that was touched maps `CHUNKS` chunks; they are read while the shadow is borrowed.
            let chunks = unsafe { std::slice::from_raw_parts(first, CHUNKS) };
            (region, &chunks[region.chunks()])
        })
    }

    /// The block that begins at `address`, and its first slot.
    #[inline]
    fn find(&self, address: usize) -> Option<(Block, *mut u32)> {
        // SAFETY: a chunk of the shadow's own.
        let chunk = unsafe { self.chunk_at(address)?.read() };
        if chunk.slots.is_null() {
            return None;
        }
        let place = if chunk.is_pool() {
            chunk.slot_in_pool(address)?
        } else {
            chunk.slot_of_granule(address)
        };
        // SAFETY: the slot is one of this chunk's.
        Some((unsafe { self.block_at(chunk, address, place) }?, place))
    }

    /// # Safety
    /// `place` is the slot of `address` in this chunk of the shadow's own.
    #[inline]
    unsafe fn block_at(&self, chunk: Chunk, address: usize, place: *const u32) -> Option<Block> {
        if !chunk.is_pool() {
            // SAFETY: the caller's promise; such chunks have two slots more than granules.
            return unsafe { slot::read_sized(place) };
        }
        // SAFETY: the caller's promise.
        self.block_in_pool(unsafe { Slot::read(place) }, address, chunk.place_bytes())
    }

    /// What the slot of `address` says in a pool whose places have `place_bytes`.
    #[inline]
    fn block_in_pool(&self, slot: Slot, address: usize, place_bytes: u64) -> Option<Block> {
        let is_odd = slot.is_odd();
        slot.block_in_pool(place_bytes)
            .or_else(|| if is_odd { self.odd_block(slot, address) } else { None })
    }

    #[cold]
    fn odd_block(&self, slot: Slot, address: usize) -> Option<Block> {
        let bytes = self.odd_sizes.get(address as u64)?.into();
        Some(Block { node: slot.node(), bytes })
    }

    /// Where the chunk of an address is, if its region was touched.
    #[inline]
    fn chunk_at(&self, address: usize) -> Option<NonNull<Chunk>> {
        if address & 15 != 0 || address >> ADDRESS_BITS != 0 {
            return None;
        }
        // SAFETY: the address has 47 bits, so there is an entry for its region, and a chunk for it where that is mapped.
        unsafe {
            let chunks = *self.regions.get_unchecked(address >> REGION_BITS);
            NonNull::new(chunks).map(|first| first.add(chunk_index(address)))
        }
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        for region in self.touched.as_slice() {
            let chunks = self.regions.as_slice()[region.number as usize];
            if let Some(start) = NonNull::new(chunks.cast()) {
                // SAFETY: mapped by `touch` with this size, and reached from here only.
                unsafe { own_memory::unmap(start, REGION_BYTES) };
            }
        }
    }
}

/// Bytes of pages that hold anything.
fn written_bytes(chunks: &[Chunk]) -> u64 {
    let pages = chunks.chunks(PAGE_CHUNKS);
    let written = pages.filter(|page| page.iter().any(|chunk| !chunk.slots.is_null()));
    (written.count() * own_memory::PAGE_BYTES) as u64
}

#[inline]
fn chunk_index(address: usize) -> usize {
    address >> CHUNK_BITS & (CHUNKS - 1)
}
