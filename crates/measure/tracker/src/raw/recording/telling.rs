//! What a recording tells of itself: figures, windows, copies, and its last words.

use super::Recording;
use crate::ledger;
use crate::raw::clock::Look;
use crate::raw::control;
use crate::raw::entered::Ended;
use crate::raw::residency;
use crate::raw::thread;
use crate::windows::{Figures, Totals};
use lowtide_capture::{ChildEnding, Leaving, SnapshotError, StopReason, Way};
use std::ffi::CStr;

/// A program may start very many; a capture's size must not follow.
const MOST_CHILDREN: u32 = 1024;

/// Why a recording ends although nobody calls for its end here and now.
#[derive(Clone, Copy)]
pub(in crate::raw) enum End {
    InDoubt(StopReason),
    Ordered,
}

impl End {
    fn stop_reason(self) -> Option<StopReason> {
        match self {
            Self::InDoubt(reason) => Some(reason),
            Self::Ordered => None,
        }
    }
}

impl Recording {
    /// Average bytes between samples; 0: every block is recorded.
    pub(in crate::raw) fn sample_bytes(&self) -> u64 {
        self.sample_bytes
    }

    /// What tells this recording from others of this process.
    pub(in crate::raw) fn number(&self) -> u32 {
        self.number
    }

    pub(in crate::raw) fn open_window_now(&mut self, id: u64) -> bool {
        let now = self.totals();
        self.windows.open(id, now)
    }

    pub(in crate::raw) fn close_window_now(&mut self, id: u64) -> Option<Figures> {
        let now = self.totals();
        self.windows.close(id, now)
    }

    pub(in crate::raw) fn has_windows(&self) -> bool {
        !self.windows.is_empty()
    }

    pub(in crate::raw) fn look_at_level(&mut self) {
        let live_bytes = self.header().live_bytes;
        self.windows.look(live_bytes);
    }

    /// What the whole recording saw until now.
    pub(in crate::raw) fn figures(&mut self) -> Figures {
        let now = self.totals();
        Figures {
            peak_bytes: ledger::peak_bytes(self.header()),
            before_bytes: 0,
            after_bytes: now.live_bytes,
            churn: now.churn,
            temporary: now.temporary,
            duration_ns: now.elapsed_ns,
        }
    }

    fn totals(&mut self) -> Totals {
        let elapsed_ns = self.clock.elapsed_ns();
        let live_bytes = self.header().live_bytes;
        let nothing = Totals { live_bytes, elapsed_ns, ..Totals::default() };
        (0..self.writer.node_count()).fold(nothing, |mut totals, id| {
            let node = self.counters(id).1;
            totals.churn.add(node.churn_bytes, node.churn_blocks);
            let temporary = self.temporary(id);
            totals.temporary.add(temporary.bytes, temporary.blocks);
            totals
        })
    }

    /// A point of the timeline that says what is so now.
    pub(super) fn bring_up_to_date(&mut self) {
        let arenas = self.arenas_now();
        let shared_heap_bytes = self.shared_heap_bytes;
        let look = Look { shadow: &self.shadow, arenas, shared_heap_bytes };
        self.clock.mark(&mut self.writer, look);
    }

    /// Whether the capture itself is at this path.
    pub(in crate::raw) fn writes_to(&self, path: &CStr) -> bool {
        self.writer.is_at(path)
    }

    /// Copies the capture as it is now. The GIL is held.
    pub(in crate::raw) fn snapshot(&mut self, path: &CStr) -> Result<(), SnapshotError> {
        self.census_at_end();
        self.bring_up_to_date();
        // What the C library allocates for it must not be recorded in the midst of this.
        thread::inside(|| self.writer.snapshot(path))
    }

    /// Notes the stack on which this process was forked, but for functions that have returned since.
    ///
    /// # Safety
    /// `thread_state` is 0 or the live thread state of the calling thread.
    pub(in crate::raw) unsafe fn note_fork(&mut self, thread_state: usize) {
        // SAFETY: the caller's promise.
        let noted =
            unsafe { self.fork_node(thread_state) }.and_then(|node| self.writer.add_fork(node));
        self.unless_noted(noted);
    }

    /// Notes how the recording ends.
    pub(in crate::raw) fn note_leaving(&mut self, way: Way) {
        let leaving = Leaving { way, peak_rss_bytes: residency::most_resident_bytes() };
        let noted = self.writer.add_leaving(leaving);
        self.unless_noted(noted);
    }

    /// Notes the end of a child, unless very many have been noted.
    pub(in crate::raw) fn note_child(&mut self, ending: ChildEnding) {
        if self.children_noted < MOST_CHILDREN {
            self.children_noted += 1;
            let noted = self.writer.add_child_ending(ending);
            self.unless_noted(noted);
        }
    }

    fn unless_noted(&mut self, noted: Result<(), StopReason>) {
        if let Err(reason) = noted {
            self.doubt(reason);
        }
    }

    /// Leaves the capture as `finish` does, but for its length: the process may be replaced by the next instruction.
    pub(in crate::raw) fn pause(&mut self) {
        self.bring_up_to_date();
        self.writer.pause_recording();
    }

    /// It was not replaced.
    pub(in crate::raw) fn resume(&mut self) {
        self.writer.start_recording();
    }

    /// What it saw, if it ends in doubt.
    pub(in crate::raw) fn finish(mut self) -> Option<Ended> {
        self.bring_up_to_date();
        let stop_reason = self.end.and_then(End::stop_reason);
        let ended =
            stop_reason.map(|reason| Ended { figures: self.figures(), stop_reason: Some(reason) });
        self.writer.finish(self.clock.elapsed_ns(), stop_reason);
        control::tell_end();
        ended
    }
}
