//! Which process this is, and which recorded one it comes from.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

static OWN: AtomicU32 = AtomicU32::new(0);
static PARENT: AtomicU32 = AtomicU32::new(0);
/// The last process of the line that began to record.
static RECORDED: AtomicU32 = AtomicU32::new(0);

/// Whether `PARENT` is a recorded process that executed this one.
static WAS_STARTED: AtomicBool = AtomicBool::new(false);

/// Says which recorded process started this one, before `begin`; 0: none.
pub(super) fn set_parent(pid: u32) {
    PARENT.store(pid, Ordering::Relaxed);
    WAS_STARTED.store(pid != 0, Ordering::Relaxed);
}

/// Whether a recorded process started this one with exec; not so of a forked child.
pub(super) fn was_started() -> bool {
    WAS_STARTED.load(Ordering::Relaxed)
}

/// A recording of this process begins: its own process id and its parent's.
pub(super) fn begin() -> (u32, u32) {
    let own = current();
    OWN.store(own, Ordering::Relaxed);
    RECORDED.store(own, Ordering::Relaxed);
    if PARENT.load(Ordering::Relaxed) == 0 {
        // SAFETY: no preconditions.
        PARENT.store(unsafe { libc::getppid() }.cast_unsigned(), Ordering::Relaxed);
    }
    (own, PARENT.load(Ordering::Relaxed))
}

/// The forked child knows its parent even if that is gone by now.
pub(super) fn after_fork_in_child() {
    PARENT.store(OWN.load(Ordering::Relaxed), Ordering::Relaxed);
    WAS_STARTED.store(false, Ordering::Relaxed);
    OWN.store(current(), Ordering::Relaxed);
}

/// Who starts the programs that this process executes: it itself, or the last of its ancestors that recorded. In a child
/// of vfork(2), which borrows its parent's memory, that is the parent.
pub(super) fn starter() -> u32 {
    RECORDED.load(Ordering::Relaxed)
}

/// Whether the memory that this thread sees is its process's own: not so in a child of vfork(2).
pub(super) fn is_own() -> bool {
    OWN.load(Ordering::Relaxed) == current()
}

fn current() -> u32 {
    // SAFETY: no preconditions.
    unsafe { libc::getpid() }.cast_unsigned()
}
