use crate::InterposeError;
use std::{ptr, slice};

/// The objects already patched, in memory of its own: this crate must not allocate.
pub(super) struct SeenObjects {
    entries: *mut usize,
    used: usize,
    capacity: usize,
    /// When every object was in the list; `None` when one is missing.
    complete_at: Option<Generation>,
    /// When the list was begun.
    unloaded: u64,
}

/// How many objects the process has loaded and unloaded so far.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation {
    pub(super) loaded: u64,
    pub(super) unloaded: u64,
}

impl SeenObjects {
    pub(super) const fn new() -> Self {
        Self { entries: ptr::null_mut(), used: 0, capacity: 0, complete_at: None, unloaded: 0 }
    }

    /// Whether there may be an object that is not in the list. Takes it that they will all be: see `mark_incomplete`.
    pub(super) fn begin(&mut self, generation: Generation) -> bool {
        if self.complete_at == Some(generation) {
            return false;
        }
        // The address of an object that was unloaded may have come back as that of another.
        if self.unloaded != generation.unloaded {
            self.unloaded = generation.unloaded;
            self.used = 0;
        }
        self.complete_at = Some(generation);
        true
    }

    /// An object could not be patched, or not yet.
    pub(super) fn mark_incomplete(&mut self) {
        self.complete_at = None;
    }

    pub(super) fn clear(&mut self) {
        self.used = 0;
        self.complete_at = None;
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
