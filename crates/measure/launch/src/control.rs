//! A running program is told to begin and end recordings, and its captures are copied, without anything being sent to it.

use crate::raw;
use crate::raw::SharedNumbers;
use lowtide_capture::control::{
    CONTROL_BYTES, beside, capture_of_recording, recordings, wants_recording,
};
use lowtide_capture::{SnapshotError, children_of, snapshot_of};
use signal_hook::iterator::{Handle, Signals};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// How a running program can be controlled: by signals to this process.
#[derive(Clone, Debug)]
pub struct Control {
    /// Whether nothing is recorded before the first order to.
    pub paused: bool,
    /// The first of three signals: to begin a recording, to end it, and to copy the capture.
    pub first_signal: i32,
    /// What copies are named after.
    pub snapshots: PathBuf,
    /// Called when an order was carried out, or could not be.
    pub tell: fn(&Carried),
}

/// What became of an order.
#[derive(Debug)]
pub enum Carried {
    /// None was given yet, and nothing is recorded before: this is the signal that begins it.
    Awaited(i32),
    /// The program's next allocations will be recorded, in this file.
    Begun(PathBuf),
    /// The recording ends with the program's next allocations.
    Ended,
    /// The capture was copied to this file.
    Copied(PathBuf),
    /// It could not be.
    NotCopied(SnapshotError),
    /// Nothing was recorded yet.
    NothingToCopy,
}

/// Signals are taken for orders as long as this lives.
pub(crate) struct Controlled {
    desk: Arc<Desk>,
    handle: Handle,
}

/// Where orders are noted.
struct Desk {
    control: Control,
    capture: PathBuf,
    /// Orders given, and recordings ended.
    page: SharedNumbers<{ CONTROL_BYTES / size_of::<u32>() }>,
    copies: AtomicU32,
    obeying: Gate,
    looking: Gate,
}

/// Called with a capture when something has ended that might be its recording, while the program goes on.
pub(crate) type Look = Arc<dyn Fn(&Path) + Send + Sync>;

/// Lets a thread do its work until it is closed. Who closes it waits for work under way, but not for the thread to end.
#[derive(Default)]
struct Gate {
    is_closed: Mutex<bool>,
}

impl Gate {
    /// Whether it was open.
    fn pass(&self, work: impl FnOnce()) -> bool {
        let is_closed = self.is_closed.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_closed {
            work();
        }
        !*is_closed
    }

    fn close(&self) {
        *self.is_closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

impl Controlled {
    pub(crate) fn new(control: &Control, capture: &Path) -> io::Result<Self> {
        let desk = Arc::new(Desk {
            control: control.clone(),
            capture: capture.to_owned(),
            page: SharedNumbers::new(c"lowtide-control")?,
            copies: AtomicU32::new(0),
            obeying: Gate::default(),
            looking: Gate::default(),
        });
        desk.orders().store(u32::from(!control.paused), Ordering::SeqCst);
        let first = control.first_signal;
        let mut signals = Signals::new([first, first + 1, first + 2])?;
        let (handle, of_thread) = (signals.handle(), Arc::clone(&desk));
        thread::spawn(move || {
            for signal in signals.forever() {
                of_thread.obeying.pass(|| of_thread.obey(signal));
            }
        });
        if control.paused {
            (control.tell)(&Carried::Awaited(first));
        }
        Ok(Self { desk, handle })
    }

    /// Where a program finds the orders.
    pub(crate) fn path(&self) -> PathBuf {
        self.desk.page.path()
    }

    /// The last recording that was begun: its number.
    pub(crate) fn last_recording(&self) -> Option<u32> {
        self.desk.last_recording()
    }

    /// What `wait` returns; has `look` called until then. Where there can be no thread for it, it is not called.
    pub(crate) fn looking_while<T>(&self, look: Look, wait: impl FnOnce() -> T) -> T {
        let of_thread = Arc::clone(&self.desk);
        // If it panics nothing is looked at any more.
        let _ = thread::Builder::new().spawn(move || of_thread.look_at_ends(&look));
        let waited = wait();
        self.desk.looking.close();
        self.desk.ends().fetch_add(1, Ordering::SeqCst);
        raw::wake(self.desk.ends());
        waited
    }
}

impl Drop for Controlled {
    fn drop(&mut self) {
        self.handle.close();
        self.desk.obeying.close();
    }
}

impl Desk {
    fn orders(&self) -> &AtomicU32 {
        &self.page.get()[0]
    }

    fn ends(&self) -> &AtomicU32 {
        &self.page.get()[1]
    }

    fn last_recording(&self) -> Option<u32> {
        let begun = recordings(self.orders().load(Ordering::SeqCst));
        let is_begun = |number: &u32| {
            let capture = capture_of_recording(&self.capture, *number);
            fs::metadata(capture).is_ok_and(|facts| facts.len() > 0)
        };
        (1..=begun).rev().find(is_begun)
    }

    fn look_at_ends(&self, look: &Look) {
        let mut seen = 0;
        loop {
            let ends = self.ends().load(Ordering::SeqCst);
            if ends == seen {
                raw::wait_while(self.ends(), ends);
            } else if !self.looking.pass(|| self.look(look)) {
                return;
            }
            seen = ends;
        }
    }

    fn look(&self, look: &Look) {
        if let Some(number) = self.last_recording() {
            look(&capture_of_recording(&self.capture, number));
        }
    }

    fn obey(&self, signal: i32) {
        let carried = match signal - self.control.first_signal {
            0 => self.switch(true),
            1 => self.switch(false),
            _ => self.copy(),
        };
        (self.control.tell)(&carried);
    }

    fn switch(&self, is_on: bool) -> Carried {
        let given = self.orders().load(Ordering::SeqCst);
        let orders = if wants_recording(given) == is_on { given } else { given + 1 };
        let capture = capture_of_recording(&self.capture, recordings(orders));
        if orders != given {
            if is_on {
                // What an earlier run left there would pass for this recording.
                let _ = fs::remove_file(&capture);
            }
            self.orders().store(orders, Ordering::SeqCst);
        }
        if is_on { Carried::Begun(capture) } else { Carried::Ended }
    }

    fn copy(&self) -> Carried {
        let number = recordings(self.orders().load(Ordering::SeqCst));
        let capture = capture_of_recording(&self.capture, number);
        if number == 0 || fs::metadata(&capture).map_or(0, |facts| facts.len()) == 0 {
            return Carried::NothingToCopy;
        }
        let number = self.copies.fetch_add(1, Ordering::SeqCst) + 1;
        let copy = beside(&self.control.snapshots, &format!("-snapshot-{number}"));
        let copied = snapshot_of(&capture, &copy).and_then(|()| {
            children_of(&capture)
                .iter()
                .try_for_each(|child| snapshot_of(child, &beside_copy(&copy, &capture, child)))
        });
        match copied {
            Ok(()) => Carried::Copied(copy),
            Err(error) => Carried::NotCopied(error),
        }
    }
}

/// The name of a child's copy: what its capture's name has more than its parent's follows the copy's.
fn beside_copy(copy: &Path, capture: &Path, child: &Path) -> PathBuf {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let more = name(child).strip_prefix(&name(capture)).unwrap_or_default().to_owned();
    copy.with_file_name(name(copy) + &more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::os::unix::fs::FileExt;
    use std::sync::mpsc::channel;

    #[test]
    fn a_capture_is_looked_at_when_a_recording_has_ended_and_the_program_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let capture = folder.path().join("a.capture");
        fs::write(&capture, "begun").unwrap();
        let (snapshots, first_signal) = (capture.clone(), libc::SIGRTMIN() + 1);
        let control = Control { paused: false, first_signal, snapshots, tell: |_| () };
        let controlled = Controlled::new(&control, &capture).unwrap();
        let page = OpenOptions::new().write(true).open(controlled.path()).unwrap();
        let (sender, looked_at) = channel();
        let look = move |capture: &Path| sender.send(capture.to_owned()).unwrap();
        let seen = controlled.looking_while(Arc::new(look), || {
            page.write_all_at(&1_u32.to_le_bytes(), 4).unwrap();
            raw::wake(controlled.desk.ends());
            looked_at.recv().unwrap()
        });
        assert_eq!(seen, capture);
    }

    #[test]
    fn a_gate_closes_when_work_is_done_and_lets_none_pass_afterwards() {
        let gate = Arc::new(Gate::default());
        let (of_thread, done) = (Arc::clone(&gate), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&done);
        let (begun, is_begun) = channel();
        let work = move || {
            begun.send(()).unwrap();
            thread::yield_now();
            counted.fetch_add(1, Ordering::SeqCst);
        };
        let thread = thread::spawn(move || while of_thread.pass(&work) {});
        is_begun.recv().unwrap();
        gate.close();
        let at_close = done.load(Ordering::SeqCst);
        thread.join().unwrap();
        assert!(at_close > 0);
        assert_eq!(done.load(Ordering::SeqCst), at_close);
    }
}
