//! pymalloc's arenas: what backs small Python blocks is no heap of its own, but tells how much of it nobody uses.

use super::entered::Entered;
use super::recording::ArenaUse;
use super::{entered, interpreter, thread};
use crate::number_in_text::number_after;
use std::cell::UnsafeCell;
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{mem, ptr};

type PrintStatistics = unsafe extern "C" fn(*mut libc::FILE) -> i32;
type Allocate = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;
type Free = unsafe extern "C" fn(*mut c_void, *mut c_void, usize);

/// `PyObjectArenaAllocator` (Include/cpython/objimpl.h).
#[repr(C)]
#[derive(Clone, Copy)]
struct ArenaAllocator {
    context: *mut c_void,
    allocate: Option<Allocate>,
    free: Option<Free>,
}

unsafe extern "C" {
    fn PyObject_GetArenaAllocator(allocator: *mut ArenaAllocator);
    fn PyObject_SetArenaAllocator(allocator: *mut ArenaAllocator);
}

struct Original(UnsafeCell<ArenaAllocator>);

// SAFETY: written by `install` before the hooks that read it are set, never afterwards.
unsafe impl Sync for Original {}

const NO_ALLOCATOR: ArenaAllocator =
    ArenaAllocator { context: ptr::null_mut(), allocate: None, free: None };
static ORIGINAL: Original = Original(UnsafeCell::new(NO_ALLOCATOR));

/// From 3.10 on an arena has 1 MiB, where pymalloc finds its blocks by a radix tree, else 256 KiB. The interpreter takes
/// memory for its frames from the same allocator, in pieces of other sizes.
const ARENA_BYTES: [usize; 2] = [1 << 20, 256 << 10];

/// Whether the hooks were left in place, as somebody had wrapped them.
static ARE_WRAPPED: AtomicBool = AtomicBool::new(false);

/// Puts the hooks in front of what allocates arenas now.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn install() {
    if ARE_WRAPPED.load(Ordering::Relaxed) {
        return;
    }
    // SAFETY: the first call fills a structure, and no hook reads the original before the second.
    unsafe {
        let context = ORIGINAL.0.get().cast();
        let mut current = NO_ALLOCATOR;
        PyObject_GetArenaAllocator(&raw mut current);
        if current.context == context {
            return;
        }
        ORIGINAL.0.get().write(current);
        let mut hooks = ArenaAllocator { context, allocate: Some(allocate), free: Some(free) };
        PyObject_SetArenaAllocator(&raw mut hooks);
    }
}

/// Takes the hooks out, unless somebody else wrapped them since.
///
/// # Safety
/// This thread holds the GIL, and the hooks are installed.
pub(super) unsafe fn remove() {
    let mut current = NO_ALLOCATOR;
    // SAFETY: as in `install`.
    unsafe {
        PyObject_GetArenaAllocator(&raw mut current);
        let is_in_front = current.context == ORIGINAL.0.get().cast();
        if is_in_front {
            PyObject_SetArenaAllocator(ORIGINAL.0.get());
        }
        ARE_WRAPPED.store(!is_in_front, Ordering::Relaxed);
    }
}

unsafe extern "C" fn allocate(_context: *mut c_void, bytes: usize) -> *mut c_void {
    // SAFETY: written before the hooks were installed.
    let original = unsafe { *ORIGINAL.0.get() };
    let Some(call) = original.allocate else { return ptr::null_mut() };
    if !ARENA_BYTES.contains(&bytes) {
        // Memory for frames: a mapping like any other.
        // SAFETY: passed on as it came.
        return unsafe { call(original.context, bytes) };
    }
    // SAFETY: as above.
    let arena = inside(|| unsafe { call(original.context, bytes) });
    if !arena.is_null() {
        count(|entered| entered.arena_made(bytes as u64));
    }
    arena
}

unsafe extern "C" fn free(_context: *mut c_void, arena: *mut c_void, bytes: usize) {
    // SAFETY: as in `allocate`.
    let original = unsafe { *ORIGINAL.0.get() };
    let Some(call) = original.free else { return };
    if !ARENA_BYTES.contains(&bytes) {
        // SAFETY: passed on as it came.
        return unsafe { call(original.context, arena, bytes) };
    }
    // SAFETY: as above.
    inside(|| unsafe { call(original.context, arena, bytes) });
    count(|entered| entered.arena_freed(bytes as u64));
}

/// Arenas come and go within a hooked function of a domain, but not always.
fn inside<T>(call: impl FnOnce() -> T) -> T {
    if thread::is_inside() { call() } else { thread::inside(call) }
}

fn count(change: impl FnOnce(&mut Entered)) {
    // pymalloc runs with the GIL; what a forked child does before it records is counted when it begins.
    if let Ok(mut entered) = entered::enter_with_gil() {
        change(&mut entered);
    }
}

/// `_PyObject_DebugMallocStats`, which is no part of the C API.
fn print_statistics() -> Option<PrintStatistics> {
    let address = interpreter::symbol(c"_PyObject_DebugMallocStats");
    // SAFETY: null is `None`, and otherwise it is that function, whose type has not changed since 3.3.
    unsafe { mem::transmute::<*mut c_void, Option<PrintStatistics>>(address) }
}

/// What pymalloc says of itself (`sys._debugmallocstats`); nothing where it is not in use.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn current_use() -> ArenaUse {
    let (mut text, mut length): (*mut c_char, usize) = (ptr::null_mut(), 0);
    // SAFETY: the stream is closed before its text is read, and the text freed after that.
    unsafe {
        let stream = libc::open_memstream(&raw mut text, &raw mut length);
        if stream.is_null() {
            return ArenaUse::default();
        }
        if let Some(print) = print_statistics() {
            print(stream);
        }
        libc::fclose(stream);
        let report = std::slice::from_raw_parts(text.cast::<u8>(), length);
        let found = ArenaUse {
            bytes: number_after(report, b"bytes/arena"),
            count: number_after(report, b"# arenas allocated current"),
            used_bytes: number_after(report, b"# bytes in allocated blocks"),
        };
        libc::free(text.cast());
        found
    }
}
