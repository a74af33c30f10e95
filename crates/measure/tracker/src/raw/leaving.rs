//! The end of a process that Python does not see coming: the recording ends in order as well.

use super::entered::{self, Entered};
use super::{interpreter, lineage};

/// The process is about to end.
pub(super) fn for_good() {
    if let Some(entered) = last_look() {
        entered.end();
    }
}

/// `call` replaces the process, or fails and returns: then the recording goes on. Nobody records meanwhile.
pub(super) fn unless_it_returns<T>(call: impl FnOnce() -> T) -> T {
    let Some(mut entered) = last_look() else { return call() };
    entered.pause();
    let result = call();
    // SAFETY: the C library returns a valid pointer to this thread's own errno.
    let errno = unsafe { *libc::__errno_location() };
    entered.resume();
    drop(entered);
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
    result
}

/// `None` in a child of vfork(2), whose parent records on, and where nothing is recorded.
fn last_look() -> Option<Entered> {
    if !lineage::is_own() {
        return None;
    }
    let mut entered = entered::try_enter()?;
    let own = interpreter::own_thread_state();
    if own != 0 && own == interpreter::current_thread_state() {
        entered.census_at_end();
    }
    Some(entered)
}
