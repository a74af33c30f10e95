//! The one place through which threads get at what is recorded.

use super::gate::{Gate, Pass, Shut};
use super::recording::{ArenaUse, Recording};
use super::sampling;
use crate::windows::Figures;
use lowtide_capture::StopReason;
use std::cell::UnsafeCell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::{Deref, DerefMut};

struct Shared {
    gate: Gate,
    recording: UnsafeCell<MaybeUninit<Recording>>,
    last: UnsafeCell<Option<Ended>>,
}

/// What a recording says when it ends, and why if it ended in doubt.
#[derive(Clone, Copy)]
pub(super) struct Ended {
    pub(super) figures: Figures,
    pub(super) stop_reason: Option<StopReason>,
}

// SAFETY: the cells are touched by the thread that the gate let in only, `last` with the gate's lock besides.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared {
    gate: Gate::closed(),
    recording: UnsafeCell::new(MaybeUninit::uninit()),
    last: UnsafeCell::new(None),
};

/// The right to record: from entering to being dropped.
pub(super) struct Entered {
    pass: Pass,
}

/// For a thread that holds the GIL and keeps it until the result is dropped.
#[inline]
pub(super) fn enter_with_gil() -> Result<Entered, Shut> {
    SHARED.gate.enter_with_gil().map(|pass| Entered { pass })
}

/// For a thread that holds the GIL, if it need not wait; what it does inside raises no doubt.
#[inline]
pub(super) fn pass_through() -> Option<Passing> {
    SHARED.gate.enter_unhindered().then_some(Passing)
}

/// For any other thread.
pub(super) fn enter_without_gil() -> Result<Entered, Shut> {
    SHARED.gate.enter_without_gil().map(|pass| Entered { pass })
}

/// For a thread that was interrupted inside, perhaps: `None` rather than a wait without end.
pub(super) fn try_enter() -> Option<Entered> {
    SHARED.gate.try_enter().map(|pass| Entered { pass })
}

pub(super) fn gate() -> &'static Gate {
    &SHARED.gate
}

/// Lets threads in to this recording.
///
/// # Safety
/// The gate is closed, or this is a forked child whose thread holds the GIL; no recording is going on.
pub(super) unsafe fn begin(recording: Recording, has_barrier: bool) {
    sampling::begin(recording.sample_bytes());
    // SAFETY: nobody can be inside, by the caller's promise, and the lock keeps everybody out.
    SHARED.gate.open(has_barrier, || unsafe {
        (*SHARED.recording.get()).write(recording);
        *SHARED.last.get() = None;
    });
}

/// What the last recording said when it ended, if that was in doubt; told once.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn take_ended_in_doubt() -> Option<Ended> {
    // SAFETY: who ends a recording has the lock, or the GIL.
    SHARED.gate.with_lock(|| unsafe { (*SHARED.last.get()).take() })
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
        sampling::end();
        // SAFETY: the gate lets nobody in any more, and `this` is not used after the recording was moved out.
        let in_doubt = unsafe { (*SHARED.recording.get()).assume_init_read() }.finish();
        if in_doubt.is_some() {
            // SAFETY: this thread still has its pass: with the lock, or with the GIL.
            unsafe { *SHARED.last.get() = in_doubt };
        }
        SHARED.gate.leave(this.pass);
    }

    /// Opens a window; the caller has entered without the GIL's privilege. `false` when the kernel refuses memory.
    pub(super) fn open_window(&mut self, id: u64) -> bool {
        let is_open = self.open_window_now(id);
        SHARED.gate.watch(self.has_windows());
        is_open
    }

    /// Closes a window; the caller has entered without the GIL's privilege. `None` if it is not open.
    pub(super) fn close_window(&mut self, id: u64) -> Option<Figures> {
        let figures = self.close_window_now(id);
        SHARED.gate.watch(self.has_windows());
        figures
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

/// As [`Entered`], of a thread that does little.
pub(super) struct Passing;

impl Deref for Passing {
    type Target = Recording;

    #[inline]
    fn deref(&self) -> &Recording {
        // SAFETY: as in `Entered::deref`.
        unsafe { (*SHARED.recording.get()).assume_init_ref() }
    }
}

impl DerefMut for Passing {
    #[inline]
    fn deref_mut(&mut self) -> &mut Recording {
        // SAFETY: as in `Entered::deref`.
        unsafe { (*SHARED.recording.get()).assume_init_mut() }
    }
}

impl Drop for Passing {
    #[inline]
    fn drop(&mut self) {
        SHARED.gate.leave(Pass::Biased);
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        if self.is_in_doubt() {
            end_in_doubt(self.pass);
        } else if self.pass == Pass::Biased {
            SHARED.gate.leave(Pass::Biased);
        } else {
            self.leave_with_lock();
        }
    }
}

impl Entered {
    /// While a window is open everybody comes by here.
    fn leave_with_lock(&mut self) {
        self.look_at_level();
        SHARED.gate.leave(self.pass);
    }
}

#[cold]
fn end_in_doubt(pass: Pass) {
    Entered { pass }.end();
}
