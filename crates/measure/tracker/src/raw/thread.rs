//! Two words of each thread, at a fixed distance from its thread pointer: reading one is a single instruction, where a
//! thread-local variable of a loaded library costs a call.

use std::arch::{asm, global_asm};

global_asm!(
    ".pushsection .tbss,\"awT\",@nobits",
    ".balign 16",
    ".globl lowtide_thread_words",
    ".hidden lowtide_thread_words",
    ".type lowtide_thread_words, @object",
    ".size lowtide_thread_words, 16",
    "lowtide_thread_words: .zero 16",
    ".popsection",
);

const INSIDE: usize = 0;
const THREAD_STATE: usize = 8;

#[inline]
fn read<const WORD: usize>() -> usize {
    let value: usize;
    // SAFETY: reads an aligned word of this thread's static thread-local storage, which the symbol above reserves.
    unsafe {
        asm!(
            "mov {value}, qword ptr [rip + lowtide_thread_words@GOTTPOFF]",
            "mov {value}, qword ptr fs:[{value} + {word}]",
            value = out(reg) value,
            word = const WORD,
            options(nostack, preserves_flags, readonly),
        );
    }
    value
}

#[inline]
fn write<const WORD: usize>(value: usize) {
    // SAFETY: as in `read`; no Rust object lies there.
    unsafe {
        asm!(
            "mov {offset}, qword ptr [rip + lowtide_thread_words@GOTTPOFF]",
            "mov qword ptr fs:[{offset} + {word}], {value}",
            offset = out(reg) _,
            word = const WORD,
            value = in(reg) value,
            options(nostack, preserves_flags),
        );
    }
}

/// Whether this thread is inside a hooked function: what that calls must not be recorded again.
#[inline]
pub(super) fn is_inside() -> bool {
    read::<INSIDE>() != 0
}

/// Calls `original` as inside a hooked function.
#[inline]
pub(super) fn inside<T>(original: impl FnOnce() -> T) -> T {
    write::<INSIDE>(1);
    let result = original();
    write::<INSIDE>(0);
    result
}

/// The thread state that this thread was last seen with.
#[inline]
pub(super) fn known_thread_state() -> usize {
    read::<THREAD_STATE>()
}

pub(super) fn remember_thread_state(thread_state: usize) {
    write::<THREAD_STATE>(thread_state);
}

/// The word at this distance from the thread pointer.
///
/// # Safety
/// Every thread has readable storage there.
#[inline]
pub(super) unsafe fn word_at(distance: usize) -> usize {
    let value: usize;
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "mov {value}, qword ptr fs:[{distance}]",
            value = out(reg) value,
            distance = in(reg) distance,
            options(nostack, preserves_flags, readonly),
        );
    }
    value
}

/// The thread pointer: differs between the threads that live at one time.
#[inline]
pub(super) fn pointer() -> usize {
    let pointer: usize;
    // SAFETY: the x86-64 ABI keeps the thread pointer itself in the first word of the thread's storage.
    unsafe {
        asm!("mov {pointer}, qword ptr fs:[0]", pointer = out(reg) pointer, options(nostack, preserves_flags, readonly, pure));
    }
    pointer
}
