use super::chunk::{Chunk, MOST_GRANULES};
use crate::raw::own_memory;
use std::ptr::{self, NonNull};

/// Slots start where a cache line does.
const ALIGNMENT: usize = 64;
/// Memory is taken from the kernel in slabs that grow with what there is.
const FIRST_SLAB_BYTES: usize = 16 << 10;
const LARGEST_SLAB_BYTES: usize = 1 << 20;

/// Gives out zeroed slots for chunks and takes them back.
pub(super) struct SlotStore {
    /// What is left of the latest slab.
    next: usize,
    left_bytes: usize,
    /// Slabs, the latest first; each begins with a [`Slab`].
    slabs: *mut Slab,
    total_bytes: usize,
    /// Slots that were given back, by what kind of chunk they are for. Each begins with the address of the next.
    free: [*mut u32; MOST_GRANULES + 1],
}

struct Slab {
    previous: *mut Slab,
    bytes: usize,
}

impl SlotStore {
    pub(super) const EMPTY: Self = Self {
        next: 0,
        left_bytes: 0,
        slabs: ptr::null_mut(),
        total_bytes: 0,
        free: [ptr::null_mut(); MOST_GRANULES + 1],
    };

    /// Zeroed slots for a chunk of that many granules a place; `None` when the kernel refuses memory.
    pub(super) fn take(&mut self, granules: usize) -> Option<*mut u32> {
        let free = self.free[granules];
        if free.is_null() {
            return self.carve(Chunk::slots_for(granules) * size_of::<u32>());
        }
        // SAFETY: slots in the list are nobody's, and begin with a link.
        unsafe {
            self.free[granules] = free.cast::<*mut u32>().read_unaligned();
            free.cast::<*mut u32>().write_unaligned(ptr::null_mut());
        }
        Some(free)
    }

    /// # Safety
    /// `slots` came from [`Self::take`] for the same `granules`, are all zero, and nobody uses them any more.
    pub(super) unsafe fn give_back(&mut self, slots: *mut u32, granules: usize) {
        // SAFETY: the caller's promise; any chunk has more than two slots.
        unsafe { slots.cast::<*mut u32>().write_unaligned(self.free[granules]) };
        self.free[granules] = slots;
    }

    fn carve(&mut self, bytes: usize) -> Option<*mut u32> {
        let bytes = bytes.next_multiple_of(ALIGNMENT);
        if bytes > self.left_bytes {
            self.add_slab()?;
        }
        let slots = self.next as *mut u32;
        self.next += bytes;
        self.left_bytes -= bytes;
        Some(slots)
    }

    fn add_slab(&mut self) -> Option<()> {
        let wanted = (self.total_bytes / 8).clamp(FIRST_SLAB_BYTES, LARGEST_SLAB_BYTES);
        let bytes = wanted & !(FIRST_SLAB_BYTES - 1);
        let start = own_memory::map(bytes)?;
        // SAFETY: mapped just now with this size, zeroed, and aligned to a page.
        unsafe {
            own_memory::populate(start, bytes);
            start.cast::<Slab>().write(Slab { previous: self.slabs, bytes });
        }
        self.slabs = start.as_ptr().cast();
        self.next = start.as_ptr() as usize + ALIGNMENT;
        self.left_bytes = bytes - ALIGNMENT;
        self.total_bytes += bytes;
        Some(())
    }
}

impl Drop for SlotStore {
    fn drop(&mut self) {
        while let Some(slab) = NonNull::new(self.slabs) {
            // SAFETY: each slab begins with what `add_slab` wrote; nobody uses its slots any more.
            unsafe {
                let Slab { previous, bytes } = slab.read();
                self.slabs = previous;
                own_memory::unmap(slab.cast(), bytes);
            }
        }
    }
}
