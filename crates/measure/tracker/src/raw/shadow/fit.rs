//! What is put where nothing was before, or where something of another shape was: chunks become what their blocks need.

use super::chunk::{Chunk, MOST_GRANULES, granules_of};
use super::slot::{self, Slot};
use super::{
    ADDRESS_BITS, Block, CHUNK_BITS, REGION_BITS, REGION_BYTES, Shadow, Source, Taken,
    Unrecordable, chunk_index, own_memory,
};
use std::ptr::NonNull;

impl Shadow {
    /// Records a block. One that was there before is forgotten, and returned: its free was not seen.
    pub(in crate::raw) fn put(
        &mut self,
        address: usize,
        block: Block,
        source: Source,
    ) -> Result<Option<Taken>, Unrecordable> {
        if source == Source::Other && self.put_among_granules(address, block) {
            return Ok(None);
        }
        let stale = self.take(address);
        if let Some(samples) = &mut self.samples {
            let is_there = samples.insert(address as u64, block);
            return if is_there { Ok(stale) } else { Err(Unrecordable::OutOfMemory) };
        }
        let mut at = self.touch(address)?;
        // SAFETY: a chunk of the shadow's own, to which nothing else refers meanwhile.
        let chunk = unsafe { at.as_mut() };
        if chunk.live == 0 {
            if chunk.slots.is_null() {
                self.touched.widen(address);
            }
            self.reshape(chunk, wanted_granules(block, source))?;
        }
        if let Some(place) = chunk.slot_in_pool(address).filter(|_| source == Source::Pool) {
            self.put_at_place(address, block, *chunk, place)?;
        } else {
            if chunk.is_pool() {
                self.spread_out(chunk, address >> CHUNK_BITS << CHUNK_BITS)?;
            }
            // SAFETY: the chunk has a slot for each granule, and two more.
            unsafe { slot::write_sized(chunk.slot_of_granule(address), block) };
        }
        chunk.live += 1;
        Ok(stale)
    }

    /// Records a block where there are others and each granule has a slot; whether that was possible. Nothing that was
    /// noted of the address before may be lost.
    #[inline]
    pub(in crate::raw) fn put_among_granules(&mut self, address: usize, block: Block) -> bool {
        let Some(mut at) = self.chunk_at(address) else { return false };
        // SAFETY: a chunk of the shadow's own, with slots as blocks live in it: one for each granule, and two more.
        unsafe {
            let chunk = at.as_mut();
            if chunk.live == 0 || chunk.is_pool() {
                return false;
            }
            let place = chunk.slot_of_granule(address);
            if !Slot::read(place).is_empty() || self.watched_elsewhere.get(address as u64).is_some()
            {
                return false;
            }
            slot::write_sized(place, block);
            chunk.live += 1;
        }
        true
    }

    fn put_at_place(
        &mut self,
        address: usize,
        block: Block,
        chunk: Chunk,
        place: *mut u32,
    ) -> Result<(), Unrecordable> {
        let slot = if let Some(slot) = Slot::in_pool(block, chunk.place_bytes()) {
            slot
        } else {
            let bytes = u32::try_from(block.bytes).map_err(|_| Unrecordable::Address)?;
            if !self.odd_sizes.insert(address as u64, bytes) {
                return Err(Unrecordable::OutOfMemory);
            }
            Slot::odd(block.node)
        };
        // SAFETY: the caller found the place in this chunk.
        unsafe { slot.write(place) };
        Ok(())
    }

    /// Gives a chunk without blocks the slots that it needs now.
    fn reshape(&mut self, chunk: &mut Chunk, granules: usize) -> Result<(), Unrecordable> {
        let had = usize::from(chunk.granules);
        if chunk.slots.is_null() || had != granules {
            let slots = self.store.take(granules).ok_or(Unrecordable::OutOfMemory)?;
            if !chunk.slots.is_null() {
                // SAFETY: without blocks all slots are zero; the chunk gets others.
                unsafe { self.store.give_back(chunk.slots, had) };
            }
            *chunk = Chunk::new(slots, granules);
        }
        Ok(())
    }

    /// Makes a pool, which `start` is the address of, a chunk like any other: it was none, or is none any more.
    fn spread_out(&mut self, chunk: &mut Chunk, start: usize) -> Result<(), Unrecordable> {
        let slots = self.store.take(0).ok_or(Unrecordable::OutOfMemory)?;
        let pool = *chunk;
        *chunk = Chunk::new(slots, 0);
        chunk.live = pool.live;
        // SAFETY: a chunk of the shadow's own, with its slots; the new one has a slot for each granule, and two more.
        unsafe {
            for (address, place) in pool.places(start) {
                let Some(block) = self.block_at(pool, address, place) else { continue };
                let to = chunk.slot_of_granule(address);
                slot::write_sized(to, block);
                if Slot::read(place).is_watched() {
                    Slot::read(to).watched().write(to);
                }
                place.write(0);
            }
            self.store.give_back(pool.slots, pool.granules.into());
        }
        Ok(())
    }

    /// The chunk of an address, in a region that is mapped now.
    fn touch(&mut self, address: usize) -> Result<NonNull<Chunk>, Unrecordable> {
        if address & 15 != 0 || address >> ADDRESS_BITS != 0 {
            return Err(Unrecordable::Address);
        }
        let number = address >> REGION_BITS;
        let chunks = match NonNull::new(self.regions.as_slice()[number]) {
            Some(chunks) => chunks,
            None => self.map_region(address).ok_or(Unrecordable::OutOfMemory)?,
        };
        // SAFETY: a region maps as many chunks as there are indices, zero at first, which is an untouched one.
        Ok(unsafe { chunks.add(chunk_index(address)) })
    }

    #[cold]
    fn map_region(&mut self, address: usize) -> Option<NonNull<Chunk>> {
        let chunks = own_memory::map(REGION_BYTES)?;
        if !self.touched.insert(address) {
            // SAFETY: mapped just now with this size.
            unsafe { own_memory::unmap(chunks, REGION_BYTES) };
            return None;
        }
        self.regions.as_mut_slice()[address >> REGION_BITS] = chunks.cast().as_ptr();
        Some(chunks.cast())
    }
}

/// Places of which shape would suit this block.
fn wanted_granules(block: Block, source: Source) -> usize {
    let granules = granules_of(block.bytes);
    if source == Source::Pool && granules <= MOST_GRANULES { granules } else { 0 }
}
