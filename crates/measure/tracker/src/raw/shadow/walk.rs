//! Going through all that is recorded, in the order of addresses: pools, and what lies elsewhere.

use super::chunk::{CHUNK_GRANULES, Chunk, granules_of};
use super::slot::{self, Slot};
use super::{Block, CHUNK_BITS, GRANULE_BITS, REGION_BITS, Shadow, Source};

impl Shadow {
    /// Calls `visit` with every block in a pool: pymalloc gave it out.
    #[inline]
    pub(in crate::raw) fn for_each_in_pools(&self, mut visit: impl FnMut(usize, Block)) {
        self.for_each_chunk(Source::Pool, |start, chunk| {
            let place_bytes = chunk.place_bytes();
            for (address, place) in chunk.places(start) {
                // SAFETY: the chunk is one of the shadow's own, and so are its slots.
                let slot = unsafe { Slot::read(place) };
                if let Some(block) = self.block_in_pool(slot, address, place_bytes) {
                    visit(address, block);
                }
            }
        });
    }

    /// Calls `visit` with every block in a chunk that is no pool, whoever gave it out.
    #[inline]
    pub(in crate::raw) fn for_each_among_granules(&self, mut visit: impl FnMut(usize, Block)) {
        self.for_each_chunk(Source::Other, |start, chunk| {
            let (mut granule, mut left) = (0, chunk.live);
            while left > 0 && granule < CHUNK_GRANULES {
                // SAFETY: the chunk is one of the shadow's own, with a slot for each granule, and two more.
                let block = unsafe { slot::read_sized(chunk.slots.wrapping_add(granule)) };
                let Some(block) = block else {
                    granule += 1;
                    continue;
                };
                visit(start + (granule << GRANULE_BITS), block);
                // No other block begins in these granules, whose slots hold its size.
                granule += granules_of(block.bytes);
                left -= 1;
            }
        });
    }

    /// Those with blocks of that source, and where they begin.
    #[inline]
    fn for_each_chunk(&self, source: Source, mut visit: impl FnMut(usize, Chunk)) {
        let mut chunks =
            self.used_chunks().filter(|(_, chunk)| chunk.source() == source).peekable();
        while let Some((start, chunk)) = chunks.next() {
            if let Some((_, next)) = chunks.peek() {
                next.prefetch();
            }
            visit(start, chunk);
        }
    }

    fn used_chunks(&self) -> impl Iterator<Item = (usize, Chunk)> {
        self.touched_regions().flat_map(|(region, chunks)| {
            let first = (region.number as usize) << REGION_BITS;
            let numbered = region.chunks().zip(chunks);
            let used = numbered.filter(|(_, chunk)| chunk.live > 0);
            used.map(move |(index, &chunk)| (first | index << CHUNK_BITS, chunk))
        })
    }
}
