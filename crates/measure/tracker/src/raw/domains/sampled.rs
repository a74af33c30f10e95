//! Hooks of the domains with the GIL for recordings that sample, where pymalloc itself stands behind them: almost every
//! block is none of the samples, and goes straight on. Anything else goes through the hooks for any recording.

use super::{Allocator, DOMAINS, MEM, NO_ALLOCATOR, hooks, is_in_arena};
use crate::raw::{sampling, thread};
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// What the hooks of a domain go on to.
struct Passage {
    /// `original` while samples are taken, else `careful`. One word, so that whoever reads it meanwhile, under the GIL of
    /// another interpreter, never sees the context of one with the function of the other.
    next: AtomicPtr<Allocator>,
    original: *mut Allocator,
    /// The hooks for any recording, in front of `original`.
    careful: Allocator,
}

/// Of the domains with the GIL.
struct Passages([UnsafeCell<Passage>; DOMAINS.len() - 1]);

// SAFETY: `hooks_of` writes a passage with the GIL, before a hook that reads it can be called; later on only what is atomic
// changes.
unsafe impl Sync for Passages {}

static PASSAGES: Passages = Passages(
    [const {
        UnsafeCell::new(Passage {
            next: AtomicPtr::new(ptr::null_mut()),
            original: ptr::null_mut(),
            careful: NO_ALLOCATOR,
        })
    }; DOMAINS.len() - 1],
);

/// The hooks in front of what a domain with the GIL used so far; `None` if that lacks a function.
///
/// # Safety
/// This thread holds the GIL, no call reaches the hooks of that domain, and `original` was filled.
pub(super) unsafe fn hooks_of(domain: c_int, original: *mut Allocator) -> Option<Allocator> {
    let passage = PASSAGES.0[(domain - MEM).unsigned_abs() as usize].get();
    // SAFETY: the caller's promise: nobody reads the passage.
    unsafe {
        if (&(*original).addresses())[1..].contains(&0) {
            return None;
        }
        let careful = hooks::<true, true>(original.cast());
        passage.write(Passage { next: AtomicPtr::new(ptr::null_mut()), original, careful });
        (*passage).look_at_all();
    }
    Some(Allocator {
        context: passage.cast(),
        malloc: Some(malloc),
        calloc: Some(calloc),
        realloc: Some(realloc),
        free: Some(free),
    })
}

/// From here on a recording takes samples: what is none goes straight to pymalloc.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn let_pass() {
    // SAFETY: the caller's promise.
    for passage in unsafe { installed() } {
        passage.next.store(passage.original, Ordering::Relaxed);
    }
}

/// From here on whatever happens gets as far as the hooks for any recording.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn look_at_all() {
    // SAFETY: the caller's promise.
    unsafe { installed() }.for_each(Passage::look_at_all);
}

/// # Safety
/// This thread holds the GIL.
unsafe fn installed() -> impl Iterator<Item = &'static Passage> {
    // SAFETY: with the GIL nobody writes a passage.
    let passages = PASSAGES.0.iter().map(|passage| unsafe { &*passage.get() });
    passages.filter(|passage| !passage.original.is_null())
}

impl Passage {
    fn look_at_all(&self) {
        self.next.store((&raw const self.careful).cast_mut(), Ordering::Relaxed);
    }

    #[inline]
    fn next(&self) -> &Allocator {
        // SAFETY: either is there as long as the process.
        unsafe { &*self.next.load(Ordering::Relaxed) }
    }
}

/// # Safety
/// `context` is one that `hooks_of` gave.
#[inline]
unsafe fn passage<'a>(context: *mut c_void) -> &'a Passage {
    // SAFETY: the caller's promise; nothing writes it while hooks are called.
    unsafe { &*context.cast::<Passage>() }
}

/// Whether a small block uses the distance up; whoever hands out a large one asks for itself.
#[inline]
fn is_due(bytes: usize) -> bool {
    is_in_arena(bytes) && thread::spend_in_place(bytes)
}

unsafe extern "C" fn malloc(context: *mut c_void, bytes: usize) -> *mut c_void {
    // SAFETY: the context is that of the hooks; `hooks_of` saw that no function is missing.
    unsafe {
        let passage = passage(context);
        if is_due(bytes) {
            return super::malloc::<true, true>(passage.original.cast(), bytes);
        }
        let next = passage.next();
        next.malloc.unwrap_unchecked()(next.context, bytes)
    }
}

unsafe extern "C" fn calloc(context: *mut c_void, count: usize, bytes: usize) -> *mut c_void {
    // SAFETY: as in `malloc`.
    unsafe {
        let passage = passage(context);
        if is_due(count.wrapping_mul(bytes)) {
            return super::calloc::<true, true>(passage.original.cast(), count, bytes);
        }
        let next = passage.next();
        next.calloc.unwrap_unchecked()(next.context, count, bytes)
    }
}

unsafe extern "C" fn realloc(
    context: *mut c_void,
    block: *mut c_void,
    bytes: usize,
) -> *mut c_void {
    // SAFETY: as in `malloc`.
    unsafe {
        let passage = passage(context);
        let next = passage.next();
        if !ptr::eq(next, passage.original) || sampling::is_near_sample(block as usize) {
            return super::realloc::<true>(passage.original.cast(), block, bytes);
        }
        let call = || next.realloc.unwrap_unchecked()(next.context, block, bytes);
        if !is_in_arena(bytes) {
            return call();
        }
        if thread::spend_in_place(bytes) {
            return super::realloc::<true>(passage.original.cast(), block, bytes);
        }
        // A large block that becomes small is moved by functions that are hooked.
        thread::inside(call)
    }
}

unsafe extern "C" fn free(context: *mut c_void, block: *mut c_void) {
    // SAFETY: as in `malloc`.
    unsafe {
        let passage = passage(context);
        if sampling::is_near_sample(block as usize) {
            return super::free::<true, true>(passage.original.cast(), block);
        }
        let next = passage.next();
        next.free.unwrap_unchecked()(next.context, block);
    }
}
