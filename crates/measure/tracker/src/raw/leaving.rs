//! The end of a process that Python does not see coming: the recording ends in order as well. And the ends of its
//! children.

use super::entered::{self, Entered};
use super::errno::with_errno_kept;
use super::{interpreter, lineage, session};
use lowtide_capture::{ChildEnding, Way};
use std::ffi::c_int;

/// The process is about to end.
pub(super) fn for_good(status: c_int) {
    if let Some(mut entered) = last_look() {
        entered.note_leaving(Way::Exit(status));
        entered.end();
    }
}

/// `call` replaces the process, or fails and returns: then the recording goes on. Nobody records meanwhile.
pub(super) fn unless_it_returns<T>(call: impl FnOnce() -> T) -> T {
    let Some(mut entered) = last_look() else { return call() };
    entered.note_leaving(Way::Exec);
    entered.pause();
    let result = call();
    with_errno_kept(|| {
        entered.resume();
        drop(entered);
    });
    result
}

/// A child has ended with this status, as wait(2) gives it.
pub(super) fn child_ended(pid: libc::pid_t, wait_status: c_int) {
    if let Some(mut entered) = own_recording() {
        let pid = pid.cast_unsigned();
        entered.note_child(ChildEnding { pid, wait_status, ended_unix_ns: session::unix_ns() });
    }
}

/// `None` in a child of vfork(2), whose parent records on, and where nothing is recorded.
fn own_recording() -> Option<Entered> {
    if lineage::is_own() { entered::try_enter() } else { None }
}

fn last_look() -> Option<Entered> {
    let mut entered = own_recording()?;
    let own = interpreter::own_thread_state();
    if own != 0 && own == interpreter::current_thread_state() {
        entered.census_at_end();
    }
    Some(entered)
}
