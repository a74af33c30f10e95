/// This thread's `errno`.
pub(super) fn current() -> libc::c_int {
    // SAFETY: the C library returns a valid pointer to this thread's own errno.
    unsafe { *libc::__errno_location() }
}

/// What `work` does to `errno` is undone: the program that frees memory may be about to look at it.
pub(super) fn with_errno_kept<T>(work: impl FnOnce() -> T) -> T {
    let before = current();
    let result = work();
    // SAFETY: the C library returns a valid pointer to this thread's own errno.
    unsafe { *libc::__errno_location() = before };
    result
}
