//! Python's own allocation domains: `PyMem_Raw`, `PyMem` and `PyObject`, hooked through `PyMem_SetAllocator`.

mod sampled;

use super::recording::{Family, LARGEST_IN_ARENA_BYTES};
use super::{events, fast_path, interpreter, sampling, thread};
use std::cell::UnsafeCell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{mem, ptr};

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
    fn PyMem_RawMalloc(bytes: usize) -> *mut c_void;
    fn PyMem_RawFree(block: *mut c_void);
    fn PyMem_Malloc(bytes: usize) -> *mut c_void;
    fn PyMem_Free(block: *mut c_void);
    fn PyObject_Malloc(bytes: usize) -> *mut c_void;
    fn PyObject_Free(block: *mut c_void);
}

/// `PyMemAllocatorDomain`: `PYMEM_DOMAIN_RAW` is called with or without the GIL, the other two with it only.
const RAW: c_int = 0;
const MEM: c_int = 1;
const DOMAINS: [c_int; 3] = [RAW, MEM, 2];

/// One allocator per domain.
struct Allocators(UnsafeCell<[Allocator; DOMAINS.len()]>);

// SAFETY: written by `install` only, with the GIL, before a hook that reads it can be called.
unsafe impl Sync for Allocators {}

impl Allocators {
    const fn none() -> Self {
        Self(UnsafeCell::new([NO_ALLOCATOR; DOMAINS.len()]))
    }

    fn of(&self, domain: c_int) -> *mut Allocator {
        // SAFETY: the domain is one of three, so the pointer stays inside the array.
        unsafe { self.0.get().cast::<Allocator>().add(domain.unsigned_abs() as usize) }
    }
}

const NO_ALLOCATOR: Allocator =
    Allocator { context: ptr::null_mut(), malloc: None, calloc: None, realloc: None, free: None };
/// Those that were there before.
static ORIGINALS: Allocators = Allocators::none();
/// The hooks as they were last set.
static HOOKS: Allocators = Allocators::none();
/// Whether a hook was called while nobody records.
static WAS_PASSED: AtomicBool = AtomicBool::new(false);

/// Puts the hooks in front of what each domain uses now, unless calls reach them already: whoever wrapped them in an
/// earlier recording may still do so.
///
/// # Safety
/// This thread holds the GIL, and nobody records.
pub(super) unsafe fn install() {
    // SAFETY: the caller holds the GIL.
    let is_pymalloc = unsafe { is_plain_pymalloc() };
    // SAFETY: the caller holds the GIL.
    unsafe { sampled::look_at_all() };
    for domain in DOMAINS {
        // SAFETY: the caller's promise. `PyMem_GetAllocator` fills the whole structure. As no call reaches the hooks, none
        // reads the original that is written.
        unsafe {
            if reaches_hooks(domain) {
                continue;
            }
            let original = ORIGINALS.of(domain);
            PyMem_GetAllocator(domain, original);
            let hooks = HOOKS.of(domain);
            hooks.write(hooks_of(domain, is_pymalloc));
            PyMem_SetAllocator(domain, hooks);
        }
    }
}

/// Takes the hooks out where they are still in front. Where somebody else wrapped them since, they stay and only pass on.
///
/// # Safety
/// This thread holds the GIL, and the hooks are installed.
pub(super) unsafe fn remove() {
    // SAFETY: the caller holds the GIL.
    unsafe { sampled::look_at_all() };
    for domain in DOMAINS {
        let mut current = NO_ALLOCATOR;
        // SAFETY: as in `install`.
        unsafe {
            PyMem_GetAllocator(domain, &raw mut current);
            if current.addresses() == (*HOOKS.of(domain)).addresses() {
                PyMem_SetAllocator(domain, ORIGINALS.of(domain));
            }
        }
    }
}

/// A recording has begun.
///
/// # Safety
/// This thread holds the GIL, and the hooks are installed.
pub(super) unsafe fn begin() {
    if sampling::wanted() != 0 {
        // SAFETY: the caller holds the GIL.
        unsafe { sampled::let_pass() };
    }
}

/// A hook was called while nobody records.
#[cold]
pub(super) fn note_passage() {
    WAS_PASSED.store(true, Ordering::Relaxed);
}

/// Whether a call of this domain gets to the hooks.
///
/// # Safety
/// This thread holds the GIL, and nobody records.
unsafe fn reaches_hooks(domain: c_int) -> bool {
    WAS_PASSED.store(false, Ordering::Relaxed);
    // SAFETY: the caller's promise; each block goes back to where it came from.
    unsafe {
        match domain {
            RAW => PyMem_RawFree(PyMem_RawMalloc(1)),
            MEM => PyMem_Free(PyMem_Malloc(1)),
            _ => PyObject_Free(PyObject_Malloc(1)),
        }
    }
    WAS_PASSED.load(Ordering::Relaxed)
}

impl Allocator {
    fn addresses(&self) -> [usize; 5] {
        [
            self.context as usize,
            self.malloc.map_or(0, |call| call as usize),
            self.calloc.map_or(0, |call| call as usize),
            self.realloc.map_or(0, |call| call as usize),
            self.free.map_or(0, |call| call as usize),
        ]
    }
}

/// Whether pymalloc itself stands behind the domains with the GIL, nobody in between.
///
/// # Safety
/// This thread holds the GIL.
unsafe fn is_plain_pymalloc() -> bool {
    type Name = unsafe extern "C" fn() -> *const c_char;
    let address = interpreter::symbol(c"_PyMem_GetCurrentAllocatorName");
    // SAFETY: null is `None`, and otherwise it is that function, whose type has not changed since 3.7.
    let Some(name) = (unsafe { mem::transmute::<*mut c_void, Option<Name>>(address) }) else {
        return false;
    };
    // SAFETY: it compares pointers, and returns null or a C string that lives as long as the process.
    unsafe {
        let name = name();
        !name.is_null() && CStr::from_ptr(name) == c"pymalloc"
    }
}

/// Threads without the GIL may call the raw domain while its hooks are set, and see the context of one allocator with the
/// function of another: so there both have the same.
///
/// # Safety
/// This thread holds the GIL, no call reaches the hooks of this domain, and its original is known.
unsafe fn hooks_of(domain: c_int, is_pymalloc: bool) -> Allocator {
    let original = ORIGINALS.of(domain);
    match (domain, is_pymalloc) {
        (MEM.., true) if sampling::wanted() == 0 => fast_hooks(original),
        // SAFETY: the caller's promise.
        (RAW, _) => hooks::<false, false>(unsafe { (*original).context }),
        (_, false) => hooks::<true, false>(original.cast()),
        // SAFETY: as above.
        (_, true) => unsafe { sampled::hooks_of(domain, original) }
            .unwrap_or_else(|| hooks::<true, true>(original.cast())),
    }
}

/// For the domains with the GIL where pymalloc itself stands behind them, and every block is recorded: the same in effect
/// as `hooks::<true, true>`.
fn fast_hooks(original: *mut Allocator) -> Allocator {
    Allocator {
        malloc: Some(malloc_fast),
        calloc: Some(calloc_fast),
        realloc: Some(realloc_fast),
        free: Some(free_fast),
        ..hooks::<true, true>(original.cast())
    }
}

unsafe extern "C" fn malloc_fast(context: *mut c_void, bytes: usize) -> *mut c_void {
    // SAFETY: as in `malloc`.
    unsafe {
        match original::<true>(context).malloc.filter(|_| is_in_arena(bytes)) {
            Some(call) => {
                fast_path::allocated_small(call(original::<true>(context).context, bytes), bytes)
            }
            None => malloc::<true, true>(context, bytes),
        }
    }
}

unsafe extern "C" fn calloc_fast(context: *mut c_void, count: usize, bytes: usize) -> *mut c_void {
    let in_all = count.checked_mul(bytes).filter(|&in_all| is_in_arena(in_all));
    // SAFETY: as in `malloc`.
    unsafe {
        match original::<true>(context).calloc.zip(in_all) {
            Some((call, in_all)) => fast_path::allocated_small(
                call(original::<true>(context).context, count, bytes),
                in_all,
            ),
            None => calloc::<true, true>(context, count, bytes),
        }
    }
}

unsafe extern "C" fn realloc_fast(
    context: *mut c_void,
    block: *mut c_void,
    bytes: usize,
) -> *mut c_void {
    // SAFETY: as in `malloc`. A small block that stays one calls no hook that records.
    unsafe {
        match original::<true>(context).realloc.filter(|_| is_in_arena(bytes)) {
            Some(call) if let Some(old) = fast_path::about_to_move_small(block as usize) => {
                let moved = call(original::<true>(context).context, block, bytes);
                fast_path::moved_small(old, moved, bytes)
            }
            _ => realloc::<true>(context, block, bytes),
        }
    }
}

unsafe extern "C" fn free_fast(context: *mut c_void, block: *mut c_void) {
    // SAFETY: as in `malloc`.
    unsafe {
        match original::<true>(context).free {
            Some(call) if fast_path::about_to_free_small(block as usize) => {
                call(original::<true>(context).context, block);
            }
            _ => free::<true, true>(context, block),
        }
    }
}

/// With `IS_PYMALLOC`, small blocks come out of arenas: the original calls no other hook for them that records.
fn hooks<const HAS_GIL: bool, const IS_PYMALLOC: bool>(context: *mut c_void) -> Allocator {
    Allocator {
        context,
        malloc: Some(malloc::<HAS_GIL, IS_PYMALLOC>),
        calloc: Some(calloc::<HAS_GIL, IS_PYMALLOC>),
        realloc: Some(realloc::<HAS_GIL>),
        free: Some(free::<HAS_GIL, IS_PYMALLOC>),
    }
}

unsafe extern "C" fn malloc<const HAS_GIL: bool, const IS_PYMALLOC: bool>(
    context: *mut c_void,
    bytes: usize,
) -> *mut c_void {
    // SAFETY: `context` is the original that `hooks_of` gave; the arguments are passed on as they came.
    let call = move || unsafe {
        original::<HAS_GIL>(context)
            .malloc
            .map_or(ptr::null_mut(), |call| call(original::<HAS_GIL>(context).context, bytes))
    };
    allocated::<HAS_GIL, IS_PYMALLOC>(call, bytes)
}

unsafe extern "C" fn calloc<const HAS_GIL: bool, const IS_PYMALLOC: bool>(
    context: *mut c_void,
    count: usize,
    bytes: usize,
) -> *mut c_void {
    // SAFETY: as in `malloc`.
    let call = move || unsafe {
        original::<HAS_GIL>(context).calloc.map_or(ptr::null_mut(), |call| {
            call(original::<HAS_GIL>(context).context, count, bytes)
        })
    };
    // Where the product overflows the original returns null.
    allocated::<HAS_GIL, IS_PYMALLOC>(call, count.wrapping_mul(bytes))
}

#[inline]
fn allocated<const HAS_GIL: bool, const IS_PYMALLOC: bool>(
    call: impl FnOnce() -> *mut c_void,
    bytes: usize,
) -> *mut c_void {
    let family = family_of::<HAS_GIL>();
    if IS_PYMALLOC && is_in_arena(bytes) {
        events::allocated::<HAS_GIL>(call, bytes, family)
    } else if thread::is_inside() {
        call()
    } else {
        events::allocated::<HAS_GIL>(move || thread::inside(call), bytes, family)
    }
}

#[inline]
const fn family_of<const HAS_GIL: bool>() -> Family {
    if HAS_GIL { Family::Objects } else { Family::Raw }
}

#[inline]
fn is_in_arena(bytes: usize) -> bool {
    bytes as u64 <= LARGEST_IN_ARENA_BYTES
}

unsafe extern "C" fn realloc<const HAS_GIL: bool>(
    context: *mut c_void,
    block: *mut c_void,
    bytes: usize,
) -> *mut c_void {
    // SAFETY: as in `malloc`.
    let call = move || unsafe {
        original::<HAS_GIL>(context).realloc.map_or(ptr::null_mut(), |call| {
            call(original::<HAS_GIL>(context).context, block, bytes)
        })
    };
    if thread::is_inside() {
        return call();
    }
    let old = if block.is_null() { None } else { events::about_to_move::<HAS_GIL>(block as usize) };
    let moved = thread::inside(call);
    if moved.is_null() {
        events::not_moved::<HAS_GIL>(old, block as usize);
    } else {
        events::moved::<HAS_GIL>(old, moved as usize, bytes, family_of::<HAS_GIL>());
    }
    moved
}

unsafe extern "C" fn free<const HAS_GIL: bool, const IS_PYMALLOC: bool>(
    context: *mut c_void,
    block: *mut c_void,
) {
    // SAFETY: as in `malloc`.
    let call = move || unsafe {
        if let Some(call) = original::<HAS_GIL>(context).free {
            call(original::<HAS_GIL>(context).context, block);
        }
    };
    if !IS_PYMALLOC && thread::is_inside() || block.is_null() {
        return call();
    }
    // What is not known here is not known farther down either.
    if events::may_know(block as usize) {
        free_known::<HAS_GIL, IS_PYMALLOC>(call, block);
    } else {
        call();
    }
}

/// It does not unwind, so that who calls it last need not come back.
#[inline(never)]
extern "C" fn free_known<const HAS_GIL: bool, const IS_PYMALLOC: bool>(
    call: impl FnOnce(),
    block: *mut c_void,
) {
    let freed = events::about_to_free::<HAS_GIL>(block as usize);
    if IS_PYMALLOC && freed.is_none_or(is_in_arena) { call() } else { thread::inside(call) }
}

/// # Safety
/// `context` is one that `hooks_of` gave, so the hooks were installed.
#[inline]
unsafe fn original<'a, const HAS_GIL: bool>(context: *mut c_void) -> &'a Allocator {
    // SAFETY: the caller's promise; nothing writes the entry while hooks are called. Without the GIL the domain is raw.
    unsafe { if HAS_GIL { &*context.cast::<Allocator>() } else { &*ORIGINALS.of(RAW) } }
}
