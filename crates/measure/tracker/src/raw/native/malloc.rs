//! Each hook has the signature and the contract of the function that it is named after (malloc(3), `posix_memalign(3)`).

use super::{original, place};
use crate::raw::recording::Family;
use crate::raw::{events, thread};
use std::ffi::{c_int, c_void};
use std::ptr;

type Sized = unsafe extern "C" fn(usize) -> *mut c_void;
type TwiceSized = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type Moved = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;
type MovedArray = unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void;
type Freed = unsafe extern "C" fn(*mut c_void);
type Placed = unsafe extern "C" fn(*mut *mut c_void, usize, usize) -> c_int;

pub(super) unsafe extern "C" fn malloc(bytes: usize) -> *mut c_void {
    // SAFETY: passed on as it came.
    allocated(bytes, move || unsafe { original::<Sized>(place::MALLOC)(bytes) })
}

pub(super) unsafe extern "C" fn calloc(count: usize, bytes: usize) -> *mut c_void {
    // SAFETY: passed on as it came. Where the product overflows the original returns null.
    allocated(count.wrapping_mul(bytes), move || unsafe {
        original::<TwiceSized>(place::CALLOC)(count, bytes)
    })
}

pub(super) unsafe extern "C" fn aligned_alloc(alignment: usize, bytes: usize) -> *mut c_void {
    // SAFETY: passed on as it came.
    allocated(bytes, move || unsafe {
        original::<TwiceSized>(place::ALIGNED_ALLOC)(alignment, bytes)
    })
}

pub(super) unsafe extern "C" fn memalign(alignment: usize, bytes: usize) -> *mut c_void {
    // SAFETY: passed on as it came.
    allocated(bytes, move || unsafe { original::<TwiceSized>(place::MEMALIGN)(alignment, bytes) })
}

pub(super) unsafe extern "C" fn valloc(bytes: usize) -> *mut c_void {
    // SAFETY: passed on as it came.
    allocated(bytes, move || unsafe { original::<Sized>(place::VALLOC)(bytes) })
}

pub(super) unsafe extern "C" fn pvalloc(bytes: usize) -> *mut c_void {
    // SAFETY: passed on as it came.
    allocated(bytes, move || unsafe { original::<Sized>(place::PVALLOC)(bytes) })
}

pub(super) unsafe extern "C" fn posix_memalign(
    block: *mut *mut c_void,
    alignment: usize,
    bytes: usize,
) -> c_int {
    // SAFETY: passed on as it came.
    let call = || unsafe { original::<Placed>(place::POSIX_MEMALIGN)(block, alignment, bytes) };
    if thread::is_inside() {
        return call();
    }
    let mut status = 0;
    let placed = || {
        status = thread::inside(call);
        // SAFETY: on success the original stored the block's address there.
        if status == 0 { unsafe { *block } } else { ptr::null_mut() }
    };
    events::allocated::<false>(placed, bytes, Family::Native);
    status
}

pub(super) unsafe extern "C" fn realloc(block: *mut c_void, bytes: usize) -> *mut c_void {
    // SAFETY: passed on as it came.
    moved(block, bytes, || unsafe { original::<Moved>(place::REALLOC)(block, bytes) })
}

pub(super) unsafe extern "C" fn reallocarray(
    block: *mut c_void,
    count: usize,
    bytes: usize,
) -> *mut c_void {
    // SAFETY: passed on as it came.
    let call = || unsafe { original::<MovedArray>(place::REALLOCARRAY)(block, count, bytes) };
    moved(block, count.wrapping_mul(bytes), call)
}

pub(super) unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: passed on as it came.
    let call = move || unsafe { original::<Freed>(place::FREE)(block) };
    if block.is_null() || thread::is_inside() || !events::may_know(block as usize) {
        return call();
    }
    free_known(call, block);
}

/// It does not unwind, so that who calls it last need not come back.
#[inline(never)]
extern "C" fn free_known(call: impl FnOnce(), block: *mut c_void) {
    events::about_to_free::<false>(block as usize);
    thread::inside(call);
}

#[inline]
fn allocated(bytes: usize, call: impl FnOnce() -> *mut c_void) -> *mut c_void {
    if thread::is_inside() {
        return call();
    }
    events::allocated::<false>(move || thread::inside(call), bytes, Family::Native)
}

fn moved(block: *mut c_void, bytes: usize, call: impl FnOnce() -> *mut c_void) -> *mut c_void {
    if thread::is_inside() {
        return call();
    }
    let old = if block.is_null() { None } else { events::about_to_move::<false>(block as usize) };
    let moved = thread::inside(call);
    if !moved.is_null() {
        events::moved::<false>(old, moved as usize, bytes, Family::Native);
    } else if bytes == 0 {
        // glibc frees the block and returns null.
        events::gone::<false>(old);
    } else {
        events::not_moved::<false>(old, block as usize);
    }
    moved
}
