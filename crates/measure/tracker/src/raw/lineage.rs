//! Which process this is, and which recorded one it comes from.

use std::sync::atomic::{AtomicU32, Ordering};

static OWN: AtomicU32 = AtomicU32::new(0);
static PARENT: AtomicU32 = AtomicU32::new(0);
/// The last process of the line that began to record.
static RECORDED: AtomicU32 = AtomicU32::new(0);

/// Says which recorded process started this one, before `begin`.
pub(super) fn set_parent(pid: u32) {
    PARENT.store(pid, Ordering::Relaxed);
}

/// A recording of this process begins: its own process id and its parent's.
pub(super) fn begin() -> (u32, u32) {
    let own = current();
    OWN.store(own, Ordering::Relaxed);
    RECORDED.store(own, Ordering::Relaxed);
    if PARENT.load(Ordering::Relaxed) == 0 {
        // SAFETY: no preconditions.
        set_parent(unsafe { libc::getppid() }.cast_unsigned());
    }
    (own, PARENT.load(Ordering::Relaxed))
}

/// The forked child knows its parent even if that is gone by now.
pub(super) fn after_fork_in_child() {
    PARENT.store(OWN.load(Ordering::Relaxed), Ordering::Relaxed);
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
