//! Signals reach the program exactly once, whoever they were sent to.
//!
//! A terminal sends to every process of the group, so the program has its own copy and nothing is passed on. `kill` of
//! lowtide's process alone is meant for the program: the launcher asks the shim to pass it on. `kill` of the whole
//! group (`timeout`, a shell that leaves) strikes the program, the shim and the launcher alike: the shim, whose process
//! id nobody knows, tells this case from the other by having got a copy itself.

use crate::raw::{self, Action};
use std::sync::atomic::{AtomicI32, AtomicI64, Ordering};

/// Signals that would end lowtide, or that programs commonly handle.
const PASSED_ON: [i32; 6] =
    [libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2];
/// Copies of one group signal arrive within this time, on a busy machine too.
const SAME_SIGNAL_MS: i64 = 2_000;
const NOBODY: i32 = 0;

/// In the launcher: the shim. In the shim: the program.
static NEXT: AtomicI32 = AtomicI32::new(NOBODY);
/// In the shim: the launcher.
static LAUNCHER: AtomicI32 = AtomicI32::new(NOBODY);
/// A signal to pass on that came before there was anybody.
static EARLY: AtomicI32 = AtomicI32::new(0);
/// In the launcher: the last signal received.
static RECEIVED: AtomicI32 = AtomicI32::new(0);
/// In the shim, for each signal of `PASSED_ON`: the copies from outside that the launcher has not spoken of yet.
static COPIES: [Copies; PASSED_ON.len()] = [const { Copies::none() }; PASSED_ON.len()];

struct Copies {
    count: AtomicI32,
    latest_ms: AtomicI64,
}

impl Copies {
    const fn none() -> Self {
        Self { count: AtomicI32::new(0), latest_ms: AtomicI64::new(i64::MIN) }
    }

    fn add(&self, now_ms: i64) {
        let before = if self.is_recent(now_ms) { self.count.load(Ordering::SeqCst) } else { 0 };
        self.count.store(before + 1, Ordering::SeqCst);
        self.latest_ms.store(now_ms, Ordering::SeqCst);
    }

    /// Whether there was one of the signal that the launcher got.
    fn take(&self, now_ms: i64) -> bool {
        let count = self.count.load(Ordering::SeqCst);
        let is_there = count > 0 && self.is_recent(now_ms);
        self.count.store(if is_there { count - 1 } else { 0 }, Ordering::SeqCst);
        is_there
    }

    fn is_recent(&self, now_ms: i64) -> bool {
        now_ms.saturating_sub(self.latest_ms.load(Ordering::SeqCst)) <= SAME_SIGNAL_MS
    }
}

/// While this lives, signals are handled for the program's sake.
pub(crate) struct Guard {
    old: Vec<(i32, Action)>,
}

impl Guard {
    /// In the launcher, before the shim is started; [`Guard::pass_to`] follows.
    pub(crate) fn of_launcher() -> Self {
        RECEIVED.store(0, Ordering::SeqCst);
        EARLY.store(0, Ordering::SeqCst);
        Self::new(launcher_got)
    }

    /// In the shim.
    pub(crate) fn of_shim(launcher: i32) -> Self {
        LAUNCHER.store(launcher, Ordering::SeqCst);
        let guard = Self::new(shim_got);
        // Not one of PASSED_ON: nobody else sends it here.
        raw::handle(libc::SIGRTMAX(), launcher_died);
        raw::ask_for_parents_death(libc::SIGRTMAX());
        guard
    }

    fn new(handler: raw::Handler) -> Self {
        let old = PASSED_ON
            .iter()
            .filter_map(|&signal| Some((signal, raw::handle(signal, handler)?)))
            .collect();
        Self { old }
    }

    /// Who gets the signals that are passed on.
    #[expect(clippy::unused_self, reason = "only while signals are handled")]
    pub(crate) fn pass_to(&self, pid: i32) {
        NEXT.store(pid, Ordering::SeqCst);
        let early = EARLY.swap(0, Ordering::SeqCst);
        if early != 0 {
            raw::send(pid, early);
        }
    }

    /// The last signal that came, if any.
    #[expect(clippy::unused_self, reason = "only while signals are handled")]
    pub(crate) fn received(&self) -> Option<i32> {
        Some(RECEIVED.load(Ordering::SeqCst)).filter(|&signal| signal != 0)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        NEXT.store(NOBODY, Ordering::SeqCst);
        for (signal, action) in &self.old {
            raw::restore_action(*signal, action);
        }
    }
}

/// Ends this process by `signal`, as the program was, so that who called lowtide sees the same. Returns only if the
/// signal does not end processes; 128 + `signal` is then the customary exit status.
pub fn die_by(signal: i32) {
    raw::die_by(signal);
}

fn pass_on(signal: i32) {
    match NEXT.load(Ordering::SeqCst) {
        NOBODY => EARLY.store(signal, Ordering::SeqCst),
        next => raw::send(next, signal),
    }
}

extern "C" fn launcher_got(signal: i32, facts: *mut libc::siginfo_t, _: *mut libc::c_void) {
    RECEIVED.store(signal, Ordering::SeqCst);
    if raw::sender(facts).is_some() {
        pass_on(signal);
    }
}

extern "C" fn shim_got(signal: i32, facts: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let Some(index) = PASSED_ON.iter().position(|&known| known == signal) else { return };
    let Some(copies) = COPIES.get(index) else { return };
    let Some(sender) = raw::sender(facts) else { return };
    let now_ms = raw::monotonic_ms();
    if sender != LAUNCHER.load(Ordering::SeqCst) {
        copies.add(now_ms);
    } else if !copies.take(now_ms) {
        pass_on(signal);
    }
}

/// A killed launcher takes the program with it, as killing the plain program would.
extern "C" fn launcher_died(_: i32, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
    pass_on(libc::SIGKILL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_copy_answers_one_signal_of_the_launcher_and_not_for_ever() {
        let copies = Copies::none();
        assert!(!copies.take(0));
        copies.add(1_000);
        copies.add(1_010);
        assert!(copies.take(1_900));
        assert!(copies.take(2_500));
        assert!(!copies.take(2_510));
        copies.add(5_000);
        assert!(!copies.take(5_001 + SAME_SIGNAL_MS));
        assert!(!copies.take(5_001));
    }
}
