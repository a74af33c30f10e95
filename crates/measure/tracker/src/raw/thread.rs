//! A few words of each thread, at a fixed distance from its thread pointer: reading one is a single instruction, where a
//! thread-local variable of a loaded library costs a call.

use std::arch::{asm, global_asm};
use std::sync::atomic::{AtomicU32, Ordering};

global_asm!(
    ".pushsection .tbss,\"awT\",@nobits",
    ".balign 16",
    ".globl lowtide_thread_words",
    ".hidden lowtide_thread_words",
    ".type lowtide_thread_words, @object",
    ".size lowtide_thread_words, 72",
    "lowtide_thread_words: .zero 72",
    ".popsection",
);

const INSIDE: usize = 0;
const THREAD_STATE: usize = 8;
/// The thread's number, and the place of its wait above it.
const NUMBER_AND_WAIT: usize = 16;
const CREATOR: usize = 24;
/// Node, and the number of the recording above it.
const BIRTH: usize = 32;

/// Bytes to allocate before the next is sampled.
const DISTANCE: usize = 40;
/// State of the random numbers that distances are drawn with; 0: none was drawn yet.
const RANDOM: usize = 48;
/// How many allocations are still counted one by one, and the distance that is put aside meanwhile.
const FOLLOWED: usize = 56;
const DISTANCE_ASIDE: usize = 64;

static LAST_NUMBER: AtomicU32 = AtomicU32::new(0);

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
            options(nostack, preserves_flags, readonly, pure),
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
    enter();
    let result = original();
    leave();
    result
}

/// From here to `leave` this thread is inside a hooked function.
#[inline]
pub(super) fn enter() {
    say_inside::<1>();
}

#[inline]
pub(super) fn leave() {
    say_inside::<0>();
}

#[inline]
fn say_inside<const VALUE: usize>() {
    // SAFETY: as in `write`.
    unsafe {
        asm!(
            "mov {offset}, qword ptr [rip + lowtide_thread_words@GOTTPOFF]",
            "mov qword ptr fs:[{offset} + {word}], {value}",
            offset = out(reg) _,
            word = const INSIDE,
            value = const VALUE,
            options(nostack, preserves_flags),
        );
    }
}

/// The thread state that this thread was last seen with.
#[inline]
pub(super) fn known_thread_state() -> usize {
    read::<THREAD_STATE>()
}

pub(super) fn remember_thread_state(thread_state: usize) {
    write::<THREAD_STATE>(thread_state);
}

/// Allocates `bytes` of the distance to the next sample; whether that is used up.
#[inline]
pub(super) fn spend(bytes: usize) -> bool {
    let (left, is_used_up) = read::<DISTANCE>().overflowing_sub(bytes);
    if !is_used_up {
        write::<DISTANCE>(left);
    }
    is_used_up
}

/// As `spend`, in fewer instructions. Functions that do more than to go on have the compiler save registers for it.
#[inline]
pub(super) fn spend_in_place(bytes: usize) -> bool {
    // SAFETY: as in `write`.
    unsafe {
        asm!(
            "mov {offset}, qword ptr [rip + lowtide_thread_words@GOTTPOFF]",
            "sub qword ptr fs:[{offset} + {word}], {bytes}",
            "jb {used_up}",
            offset = out(reg) _,
            word = const DISTANCE,
            bytes = in(reg) bytes,
            used_up = label {
                write::<DISTANCE>(read::<DISTANCE>().wrapping_add(bytes));
                return true;
            },
            options(nostack),
        );
    }
    false
}

/// Any byte uses the distance up, and the next recording that samples draws another.
pub(super) fn forget_distance() {
    write::<DISTANCE>(0);
    write::<FOLLOWED>(0);
    write::<RANDOM>(0);
}

pub(super) fn set_distance(bytes: u64) {
    write::<DISTANCE>(bytes as usize);
}

/// How many allocations of this thread are counted one by one from here on.
pub(super) fn followed() -> usize {
    read::<FOLLOWED>()
}

pub(super) fn set_followed(allocations: usize) {
    write::<FOLLOWED>(allocations);
}

/// Until it is taken back, any byte that is allocated uses the distance up.
pub(super) fn put_distance_aside() {
    write::<DISTANCE_ASIDE>(read::<DISTANCE>());
    write::<DISTANCE>(0);
}

pub(super) fn take_distance_back() {
    write::<DISTANCE>(read::<DISTANCE_ASIDE>());
}

/// Whether no distance was drawn for this thread yet.
pub(super) fn is_without_distance() -> bool {
    read::<RANDOM>() == 0
}

/// The next of a sequence that differs from thread to thread and from run to run.
pub(super) fn next_random() -> u64 {
    let state = match read::<RANDOM>() as u64 {
        0 => seed(),
        state => state.wrapping_add(0x9e37_79b9_7f4a_7c15),
    };
    write::<RANDOM>(state as usize);
    state
}

fn seed() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is writable; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    (u64::from(number()) << 40 ^ now.tv_nsec.unsigned_abs() << 8 ^ pointer() as u64) | 1
}

/// A number that no other thread of the process has, nor has had; never 0.
pub(super) fn number() -> u32 {
    let (number, wait) = halves(read::<NUMBER_AND_WAIT>());
    if number != 0 {
        return number;
    }
    let number = LAST_NUMBER.fetch_add(1, Ordering::Relaxed) + 1;
    write::<NUMBER_AND_WAIT>(word(number, wait));
    number
}

/// Where this thread waits, as it was last told.
pub(super) fn wait() -> u32 {
    halves(read::<NUMBER_AND_WAIT>()).1
}

pub(super) fn remember_wait(wait: u32) {
    write::<NUMBER_AND_WAIT>(word(number(), wait));
}

/// What `remember_origin` was told; zeros before.
pub(super) fn origin() -> [u32; 3] {
    let (node, recording) = halves(read::<BIRTH>());
    [halves(read::<CREATOR>()).0, node, recording]
}

pub(super) fn remember_origin([creator, node, recording]: [u32; 3]) {
    write::<CREATOR>(word(creator, 0));
    write::<BIRTH>(word(node, recording));
}

fn word(low: u32, high: u32) -> usize {
    low as usize | (high as usize) << 32
}

fn halves(word: usize) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
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
