//! Python's own allocation domains: `PyMem_Raw`, `PyMem` and `PyObject`, hooked through `PyMem_SetAllocator`.

use super::events;
use super::thread;
use lowtide_capture::layout::node_kind;
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::ptr;

type Malloc = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;
type Calloc = unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void;
type Realloc = unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> *mut c_void;
type Free = unsafe extern "C" fn(*mut c_void, *mut c_void);

/// `PyMemAllocatorEx` (Include/cpython/pymem.h).
#[repr(C)]
#[derive(Clone, Copy)]
struct Allocator {
    context: *mut c_void,
    malloc: Option<Malloc>,
    calloc: Option<Calloc>,
    realloc: Option<Realloc>,
    free: Option<Free>,
}

unsafe extern "C" {
    fn PyMem_GetAllocator(domain: c_int, allocator: *mut Allocator);
    fn PyMem_SetAllocator(domain: c_int, allocator: *mut Allocator);
}

/// `PyMemAllocatorDomain`: `PYMEM_DOMAIN_RAW` is called with or without the GIL, the other two with it only.
const RAW: c_int = 0;
const DOMAINS: [c_int; 3] = [RAW, 1, 2];

/// The allocators that were there before, one per domain; each hook gets the address of its own as context.
struct Originals(UnsafeCell<[Allocator; DOMAINS.len()]>);

// SAFETY: written by `install` before a hook that reads it is set, never afterwards.
unsafe impl Sync for Originals {}

const NO_ALLOCATOR: Allocator =
    Allocator { context: ptr::null_mut(), malloc: None, calloc: None, realloc: None, free: None };
static ORIGINALS: Originals = Originals(UnsafeCell::new([NO_ALLOCATOR; DOMAINS.len()]));

/// Puts the hooks in front of what each domain uses now.
///
/// # Safety
/// This thread holds the GIL, and the hooks are not installed.
pub(super) unsafe fn install() {
    for domain in DOMAINS {
        // SAFETY: `PyMem_GetAllocator` fills the whole structure. No hook reads this entry yet.
        unsafe {
            let original = original_of(domain);
            PyMem_GetAllocator(domain, original);
            let mut hooks = hooks_of(domain);
            PyMem_SetAllocator(domain, &raw mut hooks);
        }
    }
}

/// Takes the hooks out where they are still in front. Where somebody else wrapped them since, they stay and only pass on.
///
/// # Safety
/// This thread holds the GIL, and the hooks are installed.
pub(super) unsafe fn remove() {
    for domain in DOMAINS {
        let mut current = NO_ALLOCATOR;
        // SAFETY: as in `install`.
        unsafe {
            PyMem_GetAllocator(domain, &raw mut current);
            if current.context == original_of(domain).cast() {
                PyMem_SetAllocator(domain, original_of(domain));
            }
        }
    }
}

fn original_of(domain: c_int) -> *mut Allocator {
    // SAFETY: the domain is one of three, so the pointer stays inside the array.
    unsafe { ORIGINALS.0.get().cast::<Allocator>().add(domain.unsigned_abs() as usize) }
}

fn hooks_of(domain: c_int) -> Allocator {
    let context = original_of(domain).cast();
    if domain == RAW { hooks::<false>(context) } else { hooks::<true>(context) }
}

fn hooks<const HAS_GIL: bool>(context: *mut c_void) -> Allocator {
    Allocator {
        context,
        malloc: Some(malloc::<HAS_GIL>),
        calloc: Some(calloc::<HAS_GIL>),
        realloc: Some(realloc::<HAS_GIL>),
        free: Some(free::<HAS_GIL>),
    }
}

unsafe extern "C" fn malloc<const HAS_GIL: bool>(
    context: *mut c_void,
    bytes: usize,
) -> *mut c_void {
    // SAFETY: `context` is the original that `hooks_of` gave; the arguments are passed on as they came.
    let call = || unsafe {
        original(context)
            .malloc
            .map_or(ptr::null_mut(), |call| call(original(context).context, bytes))
    };
    allocated::<HAS_GIL>(call, bytes)
}

unsafe extern "C" fn calloc<const HAS_GIL: bool>(
    context: *mut c_void,
    count: usize,
    bytes: usize,
) -> *mut c_void {
    // SAFETY: as in `malloc`.
    let call = || unsafe {
        original(context)
            .calloc
            .map_or(ptr::null_mut(), |call| call(original(context).context, count, bytes))
    };
    // Where the product overflows the original returns null.
    allocated::<HAS_GIL>(call, count.wrapping_mul(bytes))
}

#[inline]
fn allocated<const HAS_GIL: bool>(call: impl FnOnce() -> *mut c_void, bytes: usize) -> *mut c_void {
    if thread::is_inside() {
        return call();
    }
    let block = thread::inside(call);
    if !block.is_null() {
        events::allocated::<HAS_GIL>(block as usize, bytes, node_kind::FRAME);
    }
    block
}

unsafe extern "C" fn realloc<const HAS_GIL: bool>(
    context: *mut c_void,
    block: *mut c_void,
    bytes: usize,
) -> *mut c_void {
    // SAFETY: as in `malloc`.
    let call = || unsafe {
        original(context)
            .realloc
            .map_or(ptr::null_mut(), |call| call(original(context).context, block, bytes))
    };
    if thread::is_inside() {
        return call();
    }
    let old = if block.is_null() { None } else { events::about_to_move::<HAS_GIL>(block as usize) };
    let moved = thread::inside(call);
    if moved.is_null() {
        events::not_moved::<HAS_GIL>(old, block as usize);
    } else {
        events::moved::<HAS_GIL>(old, moved as usize, bytes, node_kind::FRAME);
    }
    moved
}

unsafe extern "C" fn free<const HAS_GIL: bool>(context: *mut c_void, block: *mut c_void) {
    // SAFETY: as in `malloc`.
    let call = || unsafe {
        if let Some(call) = original(context).free {
            call(original(context).context, block);
        }
    };
    if thread::is_inside() {
        return call();
    }
    if !block.is_null() {
        events::about_to_free::<HAS_GIL>(block as usize);
    }
    thread::inside(call);
}

/// # Safety
/// `context` is one that `hooks_of` gave, so the hooks were installed.
#[inline]
unsafe fn original<'a>(context: *mut c_void) -> &'a Allocator {
    // SAFETY: the caller's promise; nothing writes the entry any more.
    unsafe { &*context.cast::<Allocator>() }
}
