use crate::InterposeError;
use std::{ptr, slice};

/// The objects already patched, in memory of its own: this crate must not allocate.
pub(super) struct SeenObjects {
    entries: *mut usize,
    used: usize,
    capacity: usize,
    /// How many objects had been unloaded when this list was made: their addresses may come back as other objects.
    unloaded: u64,
}

impl SeenObjects {
    pub(super) const fn new() -> Self {
        Self { entries: ptr::null_mut(), used: 0, capacity: 0, unloaded: 0 }
    }

    pub(super) fn forget_if_unloaded(&mut self, unloaded: u64) {
        if self.unloaded != unloaded {
            self.unloaded = unloaded;
            self.used = 0;
        }
    }

    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    pub(super) fn contains(&self, identity: usize) -> bool {
        if self.entries.is_null() {
            return false;
        }
        // SAFETY: `entries` maps at least `used` initialised words.
        unsafe { slice::from_raw_parts(self.entries, self.used) }.contains(&identity)
    }

    pub(super) fn insert(&mut self, identity: usize) -> Result<(), InterposeError> {
        if self.used == self.capacity {
            self.grow()?;
        }
        // SAFETY: `used < capacity` words are mapped.
        unsafe { self.entries.add(self.used).write(identity) };
        self.used += 1;
        Ok(())
    }

    fn grow(&mut self) -> Result<(), InterposeError> {
        let capacity = (self.capacity * 2).max(512);
        let bytes = capacity * size_of::<usize>();
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new anonymous mapping touches nothing that exists.
        let grown = unsafe {
            libc::mmap(ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
        };
        if grown == libc::MAP_FAILED {
            return Err(InterposeError::OutOfMemory);
        }
        let grown = grown.cast::<usize>();
        if !self.entries.is_null() {
            // SAFETY: both mappings hold `used` words; the old one is used no more.
            unsafe {
                ptr::copy_nonoverlapping(self.entries, grown, self.used);
                libc::munmap(self.entries.cast(), self.capacity * size_of::<usize>());
            }
        }
        (self.entries, self.capacity) = (grown, capacity);
        Ok(())
    }
}
