//! From `start` to `stop`, and over a fork: what a recording needs to begin again in a child.

use super::entered::{self, Entered};
use super::gate;
use super::own_memory::OwnArray;
use super::recording::{ArenaUse, Recording};
use super::{arenas, domains, interpreter, native};
use crate::StartError;
use lowtide_capture::{CaptureWriter, CreateError, Start, StopReason};
use lowtide_cpython::Layout;
use std::cell::UnsafeCell;
use std::ffi::CStr;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a recording is begun from. Kept for forked children, in memory of its own.
struct Session {
    path: OwnArray<u8>,
    process_texts: OwnArray<u8>,
    process_text_count: u32,
    hexversion: u32,
    layout: Layout,
}

struct Slot(UnsafeCell<Option<Session>>);

// SAFETY: written by `start`, read by a forked child; both hold the GIL.
unsafe impl Sync for Slot {}

static SESSION: Slot = Slot(UnsafeCell::new(None));
static IS_STARTED: AtomicBool = AtomicBool::new(false);

/// The longest suffix is a dot, ten digits of a process id, and the final zero.
const SUFFIX_BYTES: usize = 12;

/// What the capture says of the process, encoded for [`CaptureWriter::add_process`].
pub(super) struct ProcessTexts {
    pub(super) count: u32,
    pub(super) encoded: OwnArray<u8>,
}

/// Begins to record this process, whose capture goes to the absolute `path`.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn start(path: &CStr, process: ProcessTexts) -> Result<(), StartError> {
    if IS_STARTED.load(Ordering::Relaxed) {
        return Err(StartError::AlreadyStarted);
    }
    // A defect of the tracker stops the recording; the program's standard error is not the place to tell.
    panic::set_hook(Box::new(|_| ()));
    // SAFETY: the caller holds the GIL.
    let (hexversion, layout) = unsafe { interpreter::find() }?;
    let bytes = path.to_bytes();
    let mut kept = OwnArray::zeroed(bytes.len() + SUFFIX_BYTES)
        .ok_or(CreateError::Begin(StopReason::OutOfMemory))?;
    kept.as_mut_slice()[..bytes.len()].copy_from_slice(bytes);
    let session = Session {
        path: kept,
        process_texts: process.encoded,
        process_text_count: process.count,
        hexversion,
        layout,
    };
    // SAFETY: the caller holds the GIL.
    let recording = session.record(path, unsafe { arenas::current_use() })?;
    // SAFETY: the gate is closed, as nothing was started; the hooks are set once, with the GIL.
    unsafe {
        *SESSION.0.get() = Some(session);
        IS_STARTED.store(true, Ordering::Relaxed);
        entered::begin(recording, gate::register_barrier());
        domains::install();
        arenas::install();
        if let Err(error) = native::install() {
            stop();
            return Err(error.into());
        }
        libc::pthread_atfork(
            Some(before_fork),
            Some(after_fork_in_parent),
            Some(after_fork_in_child),
        );
    }
    Ok(())
}

/// Ends the recording, if one is going on, and takes the hooks out.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn stop() {
    if !IS_STARTED.swap(false, Ordering::Relaxed) {
        return;
    }
    // SAFETY: the caller holds the GIL; the hooks were installed by `start`.
    unsafe {
        domains::remove();
        arenas::remove();
    }
    native::remove();
    if let Ok(mut entered) = entered::enter_with_gil() {
        entered.census_at_end();
        entered.end();
    }
}

/// Begins a recording of a forked child, next to its parent's. In vain, the child goes unrecorded.
///
/// # Safety
/// This thread holds the GIL, in a child whose gate says `Shut::Forked`.
#[cold]
pub(super) unsafe fn restart_in_child() -> Option<Entered> {
    // SAFETY: the gate is shut, so nobody else is inside; the session was written before the fork.
    unsafe {
        let arenas = entered::abandon();
        let session = (*SESSION.0.get()).as_mut()?;
        match session.record_child(arenas) {
            Some(recording) => entered::begin(recording, gate::register_barrier()),
            None => entered::gate().close(),
        }
    }
    entered::enter_with_gil().ok()
}

impl Session {
    fn record(&self, path: &CStr, arenas: ArenaUse) -> Result<Recording, CreateError> {
        // SAFETY: no preconditions.
        let (pid, parent_pid) = unsafe { (libc::getpid(), libc::getppid()) };
        let start = Start {
            hexversion: self.hexversion,
            pid: pid.cast_unsigned(),
            parent_pid: parent_pid.cast_unsigned(),
            started_unix_ns: unix_ns(),
        };
        let mut writer = CaptureWriter::create(path, &start)?;
        writer.add_process(self.process_text_count, self.process_texts.as_slice())?;
        let recording = Recording::new(writer, self.layout, arenas);
        recording.ok_or(CreateError::Begin(StopReason::OutOfMemory))
    }

    /// `<path>.<pid>`; a grandchild's pid takes the place of its parent's.
    fn record_child(&mut self, arenas: ArenaUse) -> Option<Recording> {
        let room = self.path.capacity();
        // SAFETY: no preconditions.
        let pid = unsafe { libc::getpid() }.cast_unsigned();
        let path = self.path.as_mut_slice();
        write_suffix(path.get_mut(room.checked_sub(SUFFIX_BYTES)?..)?, pid);
        let path = CStr::from_bytes_until_nul(self.path.as_slice()).ok()?;
        self.record(path, arenas).ok()
    }
}

fn write_suffix(room: &mut [u8], pid: u32) {
    let digits = pid.checked_ilog10().unwrap_or(0) + 1;
    room.fill(0);
    room[0] = b'.';
    let mut rest = pid;
    for digit in room[1..].iter_mut().take(digits as usize).rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

fn unix_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is writable; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now) };
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

extern "C" fn before_fork() {
    entered::gate().before_fork();
}

extern "C" fn after_fork_in_parent() {
    entered::gate().after_fork_in_parent();
}

extern "C" fn after_fork_in_child() {
    entered::gate().after_fork_in_child();
}
