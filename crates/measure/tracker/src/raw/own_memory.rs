use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

/// The same on every x86-64.
pub(super) const PAGE_BYTES: usize = 4096;

static MAPPED_BYTES: AtomicU64 = AtomicU64::new(0);

/// All that the tracker has mapped for itself, but for its capture.
pub(super) fn mapped_bytes() -> u64 {
    MAPPED_BYTES.load(Ordering::Relaxed)
}

/// Zeroed memory straight from the kernel, or `None` when it refuses.
pub(super) fn map(bytes: usize) -> Option<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new anonymous mapping touches nothing that exists.
    let start = unsafe {
        libc::mmap(ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
    };
    if start == libc::MAP_FAILED {
        return None;
    }
    MAPPED_BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
    NonNull::new(start.cast())
}

/// Has the kernel provide the pages of this memory now, which costs far less than one fault for each of them. In vain is
/// no harm.
///
/// # Safety
/// `start` and `bytes` are those of one call of [`map`], or whole pages of what it gave.
pub(super) unsafe fn populate(start: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller's promise; the content is not changed.
    unsafe { libc::madvise(start.as_ptr().cast::<c_void>(), bytes, libc::MADV_POPULATE_WRITE) };
}

/// # Safety
/// `start` and `bytes` are those of one call of [`map`] or [`remap`], and nobody uses the memory any more.
pub(super) unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller's promise. The result does not matter: a refusal leaks the memory.
    unsafe { libc::munmap(start.as_ptr().cast::<c_void>(), bytes) };
    MAPPED_BYTES.fetch_sub(bytes as u64, Ordering::Relaxed);
}

/// The same memory with other bounds, what is new of it zeroed, or `None` when the kernel refuses.
///
/// # Safety
/// `start` and `bytes` are those of one call of [`map`] or this, and nobody uses the old address any more.
unsafe fn remap(start: NonNull<u8>, bytes: usize, new_bytes: usize) -> Option<NonNull<u8>> {
    // SAFETY: the caller's promise.
    let moved =
        unsafe { libc::mremap(start.as_ptr().cast(), bytes, new_bytes, libc::MREMAP_MAYMOVE) };
    if moved == libc::MAP_FAILED {
        return None;
    }
    MAPPED_BYTES.fetch_add(new_bytes as u64, Ordering::Relaxed);
    MAPPED_BYTES.fetch_sub(bytes as u64, Ordering::Relaxed);
    NonNull::new(moved.cast())
}

/// An array of zeroed `T` in memory of its own. Zero bytes must be a valid `T`.
#[derive(Debug)]
pub(super) struct OwnArray<T: Copy> {
    start: NonNull<T>,
    capacity: usize,
}

impl<T: Copy> OwnArray<T> {
    pub(super) const EMPTY: Self = Self { start: NonNull::dangling(), capacity: 0 };

    pub(super) fn zeroed(capacity: usize) -> Option<Self> {
        Some(Self { start: map(capacity * size_of::<T>())?.cast(), capacity })
    }

    /// Where all of it will be used soon.
    pub(super) fn populated(capacity: usize) -> Option<Self> {
        let array = Self::zeroed(capacity)?;
        // SAFETY: mapped just now with this size.
        unsafe { populate(array.start.cast(), capacity * size_of::<T>()) };
        Some(array)
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    #[inline]
    pub(super) fn as_mut_ptr(&mut self) -> *mut T {
        self.start.as_ptr()
    }

    /// # Safety
    /// `index` is less than the capacity.
    #[inline]
    pub(super) unsafe fn get_unchecked(&self, index: usize) -> &T {
        // SAFETY: the caller's promise.
        unsafe { self.as_slice().get_unchecked(index) }
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[T] {
        // SAFETY: `capacity` elements are mapped and initialised; borrowed as `self` is.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.capacity) }
    }

    #[inline]
    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`, exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.capacity) }
    }

    /// The same elements with room for `capacity`, which is not less, the new ones zero; `false` when the kernel refuses.
    /// Pages move as they are: nothing is copied.
    #[must_use]
    pub(super) fn grow(&mut self, capacity: usize) -> bool {
        let size = size_of::<T>();
        let start = if self.capacity == 0 {
            map(capacity * size)
        } else {
            // SAFETY: mapped with this size; `self` is borrowed exclusively, and forgets the old address.
            unsafe { remap(self.start.cast(), self.capacity * size, capacity * size) }
        };
        let Some(start) = start else { return false };
        (self.start, self.capacity) = (start.cast(), capacity);
        true
    }

    /// As [`Self::grow`], where what is new will be used soon. Capacities are those of whole pages.
    #[must_use]
    pub(super) fn grow_populated(&mut self, capacity: usize) -> bool {
        let old = self.capacity;
        if !self.grow(capacity) {
            return false;
        }
        // SAFETY: the elements from `old` to `capacity` are mapped, and whole pages.
        unsafe { populate(self.start.add(old).cast(), (capacity - old) * size_of::<T>()) };
        true
    }
}

impl<T: Copy> Drop for OwnArray<T> {
    fn drop(&mut self) {
        if self.capacity > 0 {
            // SAFETY: mapped in `zeroed` with this size; `self` goes away.
            unsafe { unmap(self.start.cast(), self.capacity * size_of::<T>()) };
        }
    }
}
