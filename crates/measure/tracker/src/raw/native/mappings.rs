//! Each hook has the signature and the contract of the function that it is named after (mmap(2), mremap(2), mprotect(2)).
//!
//! Heap is what is anonymous and may be used. A file's pages belong to the file, and a reservation (`PROT_NONE`) is only
//! addresses, until mprotect makes them memory.

use super::{original, place};
use crate::raw::mapped_ranges::Mapping;
use crate::raw::{events, thread};
use std::ffi::{c_int, c_void};

type Map =
    unsafe extern "C" fn(*mut c_void, usize, c_int, c_int, c_int, libc::off_t) -> *mut c_void;
type Unmap = unsafe extern "C" fn(*mut c_void, usize) -> c_int;
type Protect = unsafe extern "C" fn(*mut c_void, usize, c_int) -> c_int;
/// The last argument is there only if a flag asks for it; passing one more is harmless in this calling convention.
type Remap = unsafe extern "C" fn(*mut c_void, usize, usize, c_int, *mut c_void) -> *mut c_void;

/// Leaves the old addresses mapped, to empty memory (linux/mman.h).
const MREMAP_DONTUNMAP: c_int = 4;

pub(super) unsafe extern "C" fn mmap(
    wanted: *mut c_void,
    bytes: usize,
    protection: c_int,
    flags: c_int,
    file: c_int,
    offset: libc::off_t,
) -> *mut c_void {
    // SAFETY: passed on as it came.
    let call =
        || unsafe { original::<Map>(place::MMAP)(wanted, bytes, protection, flags, file, offset) };
    if thread::is_inside() {
        return call();
    }
    let start = thread::inside(call);
    if start != libc::MAP_FAILED {
        let use_ = match (flags & libc::MAP_ANONYMOUS != 0, protection == libc::PROT_NONE) {
            (true, false) if flags & libc::MAP_SHARED != 0 => Mapping::SharedHeap,
            (true, false) => Mapping::Heap,
            (true, true) => Mapping::Reserved,
            (false, _) => Mapping::File,
        };
        events::mapped(start as usize, bytes, use_);
    }
    start
}

pub(super) unsafe extern "C" fn munmap(start: *mut c_void, bytes: usize) -> c_int {
    // SAFETY: passed on as it came.
    let call = || unsafe { original::<Unmap>(place::MUNMAP)(start, bytes) };
    if thread::is_inside() {
        return call();
    }
    // Before the call: afterwards another thread may get these addresses. The kernel refuses only what is not aligned.
    if (start as usize).is_multiple_of(events::PAGE_BYTES) && bytes > 0 {
        events::about_to_unmap(start as usize, bytes);
    }
    thread::inside(call)
}

pub(super) unsafe extern "C" fn mprotect(
    start: *mut c_void,
    bytes: usize,
    protection: c_int,
) -> c_int {
    // SAFETY: passed on as it came.
    let call = || unsafe { original::<Protect>(place::MPROTECT)(start, bytes, protection) };
    if thread::is_inside() {
        return call();
    }
    let status = thread::inside(call);
    if status == 0 && protection != libc::PROT_NONE {
        events::made_usable(start as usize, bytes);
    }
    status
}

pub(super) unsafe extern "C" fn mremap(
    old: *mut c_void,
    old_bytes: usize,
    bytes: usize,
    flags: c_int,
    wanted: *mut c_void,
) -> *mut c_void {
    // SAFETY: passed on as it came.
    let call = || unsafe { original::<Remap>(place::MREMAP)(old, old_bytes, bytes, flags, wanted) };
    if thread::is_inside() {
        return call();
    }
    let start = thread::inside(call);
    if start != libc::MAP_FAILED {
        let stays = flags & MREMAP_DONTUNMAP != 0;
        events::remapped((old as usize, old_bytes), (start as usize, bytes), stays);
    }
    start
}
