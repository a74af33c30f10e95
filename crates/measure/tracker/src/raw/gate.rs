//! Lets one thread at a time into the recording, at no cost for the thread that holds the GIL.
//!
//! The holder of the GIL writes `busy`, then looks at `state`. Any other thread takes the lock, closes `state`, makes
//! every running thread of the process execute a memory barrier (membarrier(2)), and then waits until nobody is busy.
//! After the barrier either that thread sees `busy`, or the holder of the GIL sees the closed state: the classic
//! handshake of Dekker, with its fence moved to the rare side. When the rare side is not rare, both use the lock.

use std::hint;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, compiler_fence};

/// Set while a thread without the GIL is inside, or about to be.
const CLAIMED: u32 = 1;
/// The holder of the GIL takes the lock as well.
const SHARED: u32 = 2;
/// Nobody records.
const CLOSED: u32 = 4;
/// This process is a forked child that has not begun a recording of its own.
const FORKED: u32 = 8;
/// Everybody takes the lock, since who leaves looks at the level of the heap.
const WATCHED: u32 = 16;

/// A barrier costs some microseconds, the lock some nanoseconds per event.
const MOST_CLAIMS: u32 = 1000;
const SPINS_BEFORE_YIELD: u32 = 64;
/// A yield takes about a microsecond.
const YIELDS_AWHILE: u32 = 100_000;

pub(super) struct Gate {
    state: AtomicU32,
    busy: AtomicBool,
    lock: AtomicBool,
    claims: AtomicU32,
}

/// How a thread came in, and so how it must leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Pass {
    /// By holding the GIL.
    Biased,
    /// With the lock.
    Locked,
    /// With the lock, and the state claimed.
    Claimed,
}

/// Why nobody may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    Closed,
    Forked,
}

impl Gate {
    pub(super) const fn closed() -> Self {
        Self {
            state: AtomicU32::new(CLOSED),
            busy: AtomicBool::new(false),
            lock: AtomicBool::new(false),
            claims: AtomicU32::new(0),
        }
    }

    /// For a thread that holds the GIL, and keeps it until it leaves.
    #[inline]
    pub(super) fn enter_with_gil(&self) -> Result<Pass, Shut> {
        if self.enter_unhindered() { Ok(Pass::Biased) } else { self.enter_locked() }
    }

    /// As `enter_with_gil`, but `false` where that might wait or be refused.
    #[inline]
    pub(super) fn enter_unhindered(&self) -> bool {
        self.busy.store(true, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        if self.state.load(Ordering::Relaxed) == 0 {
            return true;
        }
        self.busy.store(false, Ordering::Release);
        false
    }

    /// For any other thread.
    pub(super) fn enter_without_gil(&self) -> Result<Pass, Shut> {
        let pass = self.enter_locked()?;
        if self.state.load(Ordering::Relaxed) & (SHARED | WATCHED) != 0 {
            return Ok(pass);
        }
        self.claim()
    }

    /// For a thread that has the lock.
    fn claim(&self) -> Result<Pass, Shut> {
        if self.claims.fetch_add(1, Ordering::Relaxed) >= MOST_CLAIMS {
            self.state.fetch_or(SHARED, Ordering::Relaxed);
        } else {
            self.state.fetch_or(CLAIMED, Ordering::Relaxed);
        }
        self.wait_for_holder_of_gil();
        // Whom this thread waited for may have ended the recording.
        if self.state.load(Ordering::Relaxed) & CLOSED == 0 {
            return Ok(Pass::Claimed);
        }
        self.leave(Pass::Claimed);
        Err(Shut::Closed)
    }

    /// For a thread that was interrupted inside, perhaps: it gives up instead of waiting for itself.
    pub(super) fn try_enter(&self) -> Option<Pass> {
        let is_shut = || self.state.load(Ordering::Relaxed) & (CLOSED | FORKED) != 0;
        if is_shut() || !wait_awhile(|| !self.lock.swap(true, Ordering::Acquire)) {
            return None;
        }
        self.state.fetch_or(CLAIMED, Ordering::Relaxed);
        membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED);
        if !is_shut() && wait_awhile(|| !self.busy.load(Ordering::Acquire)) {
            return Some(Pass::Claimed);
        }
        self.leave(Pass::Claimed);
        None
    }

    #[inline]
    pub(super) fn leave(&self, pass: Pass) {
        match pass {
            Pass::Biased => self.busy.store(false, Ordering::Release),
            Pass::Locked => self.unlock(),
            Pass::Claimed => {
                self.state.fetch_and(!CLAIMED, Ordering::Relaxed);
                self.unlock();
            }
        }
    }

    /// Lets threads in after `prepare`. `with_barrier` says whether the kernel has the barrier and knows that this process
    /// uses it. Threads that were turned away before may be on their way in again: the lock keeps them until all is ready.
    pub(super) fn open(&self, with_barrier: bool, prepare: impl FnOnce()) {
        self.acquire();
        prepare();
        self.claims.store(0, Ordering::Relaxed);
        self.state.store(if with_barrier { 0 } else { SHARED }, Ordering::Release);
        self.unlock();
    }

    /// Whether everybody takes the lock from now on. The caller's pass is none of `Biased`.
    pub(super) fn watch(&self, is_watched: bool) {
        if is_watched {
            self.state.fetch_or(WATCHED, Ordering::Relaxed);
        } else {
            self.state.fetch_and(!WATCHED, Ordering::Relaxed);
        }
    }

    /// Runs `look` while nobody without the GIL is inside, whether the gate is open or not.
    pub(super) fn with_lock<T>(&self, look: impl FnOnce() -> T) -> T {
        self.acquire();
        let result = look();
        self.unlock();
        result
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.load(Ordering::Relaxed) & CLOSED != 0
    }

    /// Lets nobody in any more; the caller has a pass.
    pub(super) fn close(&self) {
        self.state.fetch_or(CLOSED, Ordering::Relaxed);
    }

    /// Before a fork: nobody is inside, and nobody gets in until `after_fork_in_parent`.
    pub(super) fn before_fork(&self) {
        self.acquire();
        if self.state.load(Ordering::Relaxed) & SHARED == 0 {
            self.state.fetch_or(CLAIMED, Ordering::Relaxed);
            self.wait_for_holder_of_gil();
        }
    }

    pub(super) fn after_fork_in_parent(&self) {
        self.leave(Pass::Claimed);
    }

    /// The child has one thread, and nothing of its parent's recording is its own.
    pub(super) fn after_fork_in_child(&self) {
        let was_closed = self.state.load(Ordering::Relaxed) & CLOSED != 0;
        self.state.store(if was_closed { CLOSED } else { FORKED }, Ordering::Relaxed);
        self.busy.store(false, Ordering::Relaxed);
        self.unlock();
    }

    #[cold]
    fn enter_locked(&self) -> Result<Pass, Shut> {
        // While it is closed, nobody need wait for another to be told so.
        if self.state.load(Ordering::Relaxed) & CLOSED != 0 {
            return Err(Shut::Closed);
        }
        self.acquire();
        let shut = match self.state.load(Ordering::Relaxed) {
            state if state & CLOSED != 0 => Shut::Closed,
            state if state & FORKED != 0 => Shut::Forked,
            _ => return Ok(Pass::Locked),
        };
        self.unlock();
        Err(shut)
    }

    fn wait_for_holder_of_gil(&self) {
        membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED);
        wait_until(|| !self.busy.load(Ordering::Acquire));
    }

    fn acquire(&self) {
        wait_until(|| !self.lock.swap(true, Ordering::Acquire));
    }

    fn unlock(&self) {
        self.lock.store(false, Ordering::Release);
    }
}

/// Tells the kernel that this process will ask for barriers; `false` where it cannot give them.
pub(super) fn register_barrier() -> bool {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: this call changes no memory.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

fn wait_until(is_met: impl Fn() -> bool) {
    while !wait_awhile(&is_met) {}
}

/// `false` if it took too long.
fn wait_awhile(is_met: impl Fn() -> bool) -> bool {
    for spins in 0..SPINS_BEFORE_YIELD + YIELDS_AWHILE {
        if is_met() {
            return true;
        }
        if spins < SPINS_BEFORE_YIELD {
            hint::spin_loop();
        } else {
            // SAFETY: no preconditions.
            unsafe { libc::sched_yield() };
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::thread;

    const ROUNDS: u64 = 20_000;

    /// Counts without atomics: a lost update shows that two threads were inside at once.
    struct Counted {
        gate: Gate,
        count: std::cell::UnsafeCell<u64>,
    }

    // SAFETY: the count is touched with a pass only, which is what the tests check.
    unsafe impl Sync for Counted {}

    impl Counted {
        fn open() -> Self {
            let counted = Self { gate: Gate::closed(), count: 0.into() };
            counted.gate.open(register_barrier(), || ());
            counted
        }

        fn add_with(&self, pass: Result<Pass, Shut>) {
            let pass = pass.unwrap();
            // SAFETY: this thread has the pass.
            unsafe { *self.count.get() += 1 };
            self.gate.leave(pass);
        }
    }

    #[test]
    fn holders_of_the_gil_and_others_are_never_inside_at_once() {
        let counted = Counted::open();
        let gil = Mutex::new(());
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        let _held = gil.lock().unwrap();
                        counted.add_with(counted.gate.enter_with_gil());
                    }
                });
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        counted.add_with(counted.gate.enter_without_gil());
                    }
                });
            }
        });
        assert_eq!(counted.count.into_inner(), 4 * ROUNDS);
    }

    #[test]
    fn nobody_gets_in_who_waited_for_the_one_that_closed_the_gate() {
        for _ in 0..ROUNDS / 20 {
            let gate = Gate::closed();
            gate.open(register_barrier(), || ());
            let pass = gate.enter_with_gil().unwrap();
            thread::scope(|scope| {
                let other = scope.spawn(|| gate.enter_without_gil());
                wait_until(|| gate.state.load(Ordering::Relaxed) & (CLAIMED | SHARED) != 0);
                gate.close();
                gate.leave(pass);
                assert_eq!(other.join().unwrap(), Err(Shut::Closed));
            });
        }
    }

    #[test]
    fn a_watched_gate_lets_one_thread_in_at_a_time() {
        let counted = Counted::open();
        let gil = Mutex::new(());
        thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    let _held = gil.lock().unwrap();
                    if round % 16 == 0 {
                        let pass = counted.gate.enter_without_gil().unwrap();
                        counted.gate.watch(round % 32 == 0);
                        counted.gate.leave(pass);
                    }
                    counted.add_with(counted.gate.enter_with_gil());
                }
            });
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    counted.add_with(counted.gate.enter_without_gil());
                }
            });
        });
        assert_eq!(counted.count.into_inner(), 2 * ROUNDS);
    }

    #[test]
    fn a_thread_that_may_be_inside_already_does_not_wait_for_itself() {
        let gate = Gate::closed();
        assert_eq!(gate.try_enter(), None);
        gate.open(register_barrier(), || ());
        let pass = gate.enter_with_gil().unwrap();
        assert_eq!(gate.try_enter(), None);
        gate.leave(pass);
        let pass = gate.try_enter().unwrap();
        assert_eq!(gate.try_enter(), None);
        gate.leave(pass);
        assert_eq!(gate.enter_with_gil(), Ok(Pass::Biased));
    }

    #[test]
    fn a_closed_gate_stays_closed_over_a_fork() {
        let gate = Gate::closed();
        gate.open(register_barrier(), || ());
        gate.close();
        gate.before_fork();
        gate.after_fork_in_child();
        assert_eq!(gate.enter_with_gil(), Err(Shut::Closed));
        assert_eq!(gate.enter_without_gil(), Err(Shut::Closed));
    }

    #[test]
    fn a_forked_child_must_begin_anew() {
        let gate = Gate::closed();
        gate.open(register_barrier(), || ());
        gate.before_fork();
        gate.after_fork_in_child();
        assert_eq!(gate.enter_with_gil(), Err(Shut::Forked));
        gate.open(register_barrier(), || ());
        assert_eq!(gate.enter_with_gil(), Ok(Pass::Biased));
    }
}
