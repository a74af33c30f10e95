#![expect(unsafe_code, reason = "errno is a thread-local of the C library")]

/// Puts `errno` back when dropped: an allocation that succeeds must not change the target's.
pub struct ErrnoKept(i32);

impl ErrnoKept {
    pub fn new() -> Self {
        Self(current())
    }
}

impl Drop for ErrnoKept {
    fn drop(&mut self) {
        // SAFETY: the C library returns a valid pointer to this thread's own errno.
        unsafe { *libc::__errno_location() = self.0 }
    }
}

/// This thread's `errno`.
pub fn current() -> i32 {
    // SAFETY: the C library returns a valid pointer to this thread's own errno.
    unsafe { *libc::__errno_location() }
}
