//! The one place through which threads get at what is recorded.

use super::gate::{Gate, Pass, Shut};
use super::recording::{ArenaUse, Recording};
use std::cell::UnsafeCell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::{Deref, DerefMut};

struct Shared {
    gate: Gate,
    recording: UnsafeCell<MaybeUninit<Recording>>,
}

// SAFETY: the cell is touched by the thread that the gate let in only.
unsafe impl Sync for Shared {}

static SHARED: Shared =
    Shared { gate: Gate::closed(), recording: UnsafeCell::new(MaybeUninit::uninit()) };

/// The right to record: from entering to being dropped.
pub(super) struct Entered {
    pass: Pass,
}

/// For a thread that holds the GIL and keeps it until the result is dropped.
#[inline]
pub(super) fn enter_with_gil() -> Result<Entered, Shut> {
    SHARED.gate.enter_with_gil().map(|pass| Entered { pass })
}

/// For any other thread.
pub(super) fn enter_without_gil() -> Result<Entered, Shut> {
    SHARED.gate.enter_without_gil().map(|pass| Entered { pass })
}

pub(super) fn gate() -> &'static Gate {
    &SHARED.gate
}

/// Lets threads in to this recording.
///
/// # Safety
/// The gate is closed, or this is a forked child whose thread holds the GIL; no recording is going on.
pub(super) unsafe fn begin(recording: Recording, has_barrier: bool) {
    // SAFETY: nobody can be inside, by the caller's promise.
    unsafe { (*SHARED.recording.get()).write(recording) };
    SHARED.gate.open(has_barrier);
}

/// Lets go of the recording of the parent process, and says what the arenas hold.
///
/// # Safety
/// This is a forked child whose thread holds the GIL, and it has not begun a recording of its own.
pub(super) unsafe fn abandon() -> ArenaUse {
    // SAFETY: the gate is shut until the next `begin`, so nobody sees that the recording was moved out.
    unsafe { (*SHARED.recording.get()).assume_init_read() }.abandon()
}

impl Entered {
    /// Ends the recording for good.
    #[cold]
    pub(super) fn end(self) {
        let this = ManuallyDrop::new(self);
        SHARED.gate.close();
        // SAFETY: the gate lets nobody in any more, and `this` is not used after the recording was moved out.
        unsafe { (*SHARED.recording.get()).assume_init_read() }.finish();
        SHARED.gate.leave(this.pass);
    }
}

impl Deref for Entered {
    type Target = Recording;

    #[inline]
    fn deref(&self) -> &Recording {
        // SAFETY: a pass is handed out to one thread at a time, and only between `begin` and `end`.
        unsafe { (*SHARED.recording.get()).assume_init_ref() }
    }
}

impl DerefMut for Entered {
    #[inline]
    fn deref_mut(&mut self) -> &mut Recording {
        // SAFETY: as in `deref`.
        unsafe { (*SHARED.recording.get()).assume_init_mut() }
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        if self.is_in_doubt() {
            end_in_doubt(self.pass);
        } else {
            SHARED.gate.leave(self.pass);
        }
    }
}

#[cold]
fn end_in_doubt(pass: Pass) {
    Entered { pass }.end();
}
