//! What hooked functions report of blocks that come and go as most of them do, see `recording::fast_path`. Anything else
//! goes on to `events`.

use super::events::{self, Caller, Moving};
use super::recording::Family;
use super::{entered, interpreter, only_thread, thread};
use std::ffi::c_void;

impl Caller {
    /// One that may pass through: who holds the GIL, or is the only thread.
    #[inline]
    fn easily_told() -> Option<Self> {
        let is_alone = only_thread::is_alone();
        if let Some(current) = interpreter::confirmed_thread_state()
            && (is_alone || interpreter::knows_own_only())
        {
            return Some(Self { holds_gil: true, thread_state: current.get() });
        }
        let own = if is_alone { interpreter::own_thread_state() } else { 0 };
        if own == 0 || own != thread::known_thread_state() {
            return None;
        }
        // It is not the current one, if that was seen.
        let is_seen = interpreter::sees_current_thread_state();
        let holds_gil = !is_seen && interpreter::current_thread_state() == own;
        Some(Self { holds_gil, thread_state: own })
    }
}

/// Records a small block that pymalloc has given out, to a caller that holds the GIL. The block.
///
/// It does not unwind, so that who calls it last need not come back.
#[inline(never)]
pub(super) extern "C" fn allocated_small(block: *mut c_void, bytes: usize) -> *mut c_void {
    if let Some(thread_state) = interpreter::confirmed_thread_state()
        && let Some(mut passing) = entered::pass_through()
        // SAFETY: the thread state is that of this thread.
        && unsafe { passing.allocated_fast(block as usize, bytes, thread_state.get()) }
    {
        return block;
    }
    allocated_before(block, bytes)
}

/// As above.
#[inline(never)]
extern "C" fn allocated_before(block: *mut c_void, bytes: usize) -> *mut c_void {
    events::allocated::<true>(|| block, bytes, Family::Objects)
}

/// Forgets a small block that is about to be freed, by a caller that holds the GIL; `false` if `events::about_to_free` is
/// to be told.
#[expect(clippy::inline_always, reason = "every small object comes by here")]
#[inline(always)]
pub(super) fn about_to_free_small(address: usize) -> bool {
    interpreter::confirmed_thread_state().is_some()
        && entered::pass_through().is_some_and(|mut passing| passing.freed_fast(address))
}

/// As `events::about_to_move`, for a small block and a caller that holds the GIL; `None` says nothing.
#[expect(clippy::inline_always, reason = "a string that grows comes by here")]
#[inline(always)]
pub(super) fn about_to_move_small(address: usize) -> Option<Moving> {
    interpreter::confirmed_thread_state()?;
    let mut passing = entered::pass_through()?;
    let block = passing.take_fast(address)?;
    Some(Moving { address, block, recording: passing.number() })
}

/// As `events::moved`, where `about_to_move_small` knew the block, and so does pymalloc that of now.
#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
pub(super) fn moved_small(old: Moving, block: *mut c_void, bytes: usize) -> *mut c_void {
    if let Some(thread_state) = interpreter::confirmed_thread_state()
        && let Some(mut passing) = entered::pass_through()
        && let Some(known) = old.known_to(&passing)
        // SAFETY: the thread state is that of this thread.
        && unsafe {
            passing.moved_fast((old.address, known), block as usize, bytes, thread_state.get())
        }
    {
        return block;
    }
    moved_before(old, block, bytes)
}

/// As `allocated_before`.
#[inline(never)]
extern "C" fn moved_before(old: Moving, block: *mut c_void, bytes: usize) -> *mut c_void {
    if block.is_null() {
        events::not_moved::<true>(Some(old), old.address);
    } else {
        events::moved::<true>(Some(old), block as usize, bytes, Family::Objects);
    }
    block
}

/// Whether a block outside of pools is recorded now.
#[inline(never)]
pub(super) fn is_recorded_outside(address: usize, bytes: usize, family: Family) -> bool {
    Caller::easily_told().is_some_and(|caller| {
        // SAFETY: the thread state is that of this thread.
        entered::pass_through().is_some_and(|mut passing| unsafe {
            passing.allocated_outside_fast(address, bytes, caller.thread_state, family)
        })
    })
}

/// The bytes of a block outside of pools that is forgotten now; `None` says nothing.
#[inline]
pub(super) fn forgotten_outside(address: usize) -> Option<usize> {
    let caller = Caller::easily_told()?;
    let block = entered::pass_through()?.freed_outside_fast(address, caller.holds_gil)?;
    Some(block.bytes as usize)
}
