//! Each hook has the signature and the contract of the function that it is named after (CPython, `Include/ceval.h`):
//! native code lets other threads run while it works, and often waits for threads of its own.
//!
//! Python may end a thread that asks for the GIL too late, which unwinds its stack: hooks let that pass.

use super::{original, place};
use crate::raw::events;
use std::ffi::c_void;

type Save = unsafe extern "C-unwind" fn() -> *mut c_void;
type Give = unsafe extern "C-unwind" fn(*mut c_void);

pub(super) unsafe extern "C-unwind" fn save_thread() -> *mut c_void {
    let here = 0u8;
    events::about_to_wait((&raw const here) as usize);
    // SAFETY: passed on as it came.
    unsafe { original::<Save>(place::SAVE_THREAD)() }
}

pub(super) unsafe extern "C-unwind" fn restore_thread(thread_state: *mut c_void) {
    // SAFETY: passed on as it came.
    unsafe { original::<Give>(place::RESTORE_THREAD)(thread_state) };
    events::waited();
}

pub(super) unsafe extern "C-unwind" fn release_thread(thread_state: *mut c_void) {
    let here = 0u8;
    events::about_to_wait((&raw const here) as usize);
    // SAFETY: passed on as it came.
    unsafe { original::<Give>(place::RELEASE_THREAD)(thread_state) }
}

pub(super) unsafe extern "C-unwind" fn acquire_thread(thread_state: *mut c_void) {
    // SAFETY: passed on as it came.
    unsafe { original::<Give>(place::ACQUIRE_THREAD)(thread_state) };
    events::waited();
}
