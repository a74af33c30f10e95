//! Whether the process has but one thread: then nobody else can be inside, and nobody works for a thread that waits.

use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

/// glibc's own word for it, by which its malloc decides whether to lock, from 2.32 on. It is set before the second thread
/// begins, by the only one.
const NAME: &CStr = c"__libc_single_threaded";
/// Null where it does not exist.
static WORD: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// `symbol` tells where the dynamic linker has what is called so.
pub(super) fn find(symbol: impl Fn(&CStr) -> *mut c_void) {
    WORD.store(symbol(NAME).cast(), Ordering::Relaxed);
}

/// `false` where it is not known.
#[inline]
pub(super) fn is_alone() -> bool {
    let word = WORD.load(Ordering::Relaxed);
    // SAFETY: a byte of the C library, which lives as long as the process.
    !word.is_null() && unsafe { AtomicU8::from_ptr(word) }.load(Ordering::Relaxed) != 0
}
