//! From `start` to `stop`, and over a fork: what a recording needs to begin again in a child.

use super::capture_path::CapturePath;
use super::control::{self, Order};
use super::entered::{self, Ended, Entered};
use super::gate::{self, Shut};
use super::own_memory::OwnArray;
use super::recording::{ArenaUse, Recording};
use super::{arenas, domains, errno, fork_place, interpreter, lineage, native, thread};
use crate::StartError;
use crate::windows::Figures;
use lowtide_capture::control::capture_of_recording;
use lowtide_capture::{CaptureWriter, CreateError, Start, StopReason, Way};
use lowtide_cpython::Layout;
use std::cell::UnsafeCell;
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::panic;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a recording is begun from. Kept for forked children, in memory of its own.
struct Session {
    path: CapturePath,
    process: ProcessTexts,
    /// Of the process that this was made in, unless another started it.
    pid: u32,
    hexversion: u32,
    layout: Layout,
}

struct Slot(UnsafeCell<Option<Session>>);

// SAFETY: written when a recording begins, read by a forked child; both hold the GIL.
unsafe impl Sync for Slot {}

impl Slot {
    const fn empty() -> Self {
        Self(UnsafeCell::new(None))
    }

    /// # Safety
    /// This thread holds the GIL, and keeps it as long as it uses the result.
    unsafe fn get(&self) -> Option<&Session> {
        // SAFETY: the caller's promise.
        unsafe { (*self.0.get()).as_ref() }
    }

    /// # Safety
    /// As [`Self::get`], and nobody else uses the session.
    #[expect(clippy::mut_from_ref, reason = "the GIL is the lock")]
    unsafe fn get_mut(&self) -> Option<&mut Session> {
        // SAFETY: the caller's promise.
        unsafe { (*self.0.get()).as_mut() }
    }

    /// # Safety
    /// As [`Self::get_mut`].
    unsafe fn set(&self, session: Session) {
        // SAFETY: the caller's promise.
        unsafe { *self.0.get() = Some(session) };
    }
}

static SESSION: Slot = Slot::empty();
/// What recordings that the launcher orders are begun from.
static ORDERED_SESSION: Slot = Slot::empty();
/// Whether the hooks are in.
static IS_STARTED: AtomicBool = AtomicBool::new(false);
/// Whether forks are seen; once that is so, it stays so.
static HANDLES_FORKS: AtomicBool = AtomicBool::new(false);
/// Whether the recording goes on for the sake of its open windows only.
static ENDS_WITH_WINDOWS: AtomicBool = AtomicBool::new(false);

/// No process has this id.
const NOBODY: u32 = 0;

const OUT_OF_MEMORY: CreateError = CreateError::Begin(StopReason::OutOfMemory);

/// What the capture says of the process, encoded for [`CaptureWriter::add_process`].
pub(super) struct ProcessTexts {
    pub(super) count: u32,
    pub(super) encoded: OwnArray<u8>,
}

impl ProcessTexts {
    fn copied(&self) -> Option<Self> {
        let mut encoded = OwnArray::zeroed(self.encoded.capacity())?;
        encoded.as_mut_slice().copy_from_slice(self.encoded.as_slice());
        Some(Self { count: self.count, encoded })
    }
}

/// Begins to record this process, whose capture goes to the absolute `path`. Any number of times, one after the other.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn start(path: &CStr, process: ProcessTexts) -> Result<(), StartError> {
    if is_recording() {
        return Err(StartError::AlreadyStarted);
    }
    // SAFETY: the caller holds the GIL. What ended in doubt, or waits for an order, has left its hooks.
    unsafe {
        take_out();
        let session = Session::new(path, process)?;
        let (writer, arenas) = (session.record(path)?, arenas::current_use());
        control::set_ordered(false);
        begin(session, writer, arenas)
    }
}

/// Records this process when the launcher orders it, through the file at `orders`; from now on if there is none. What
/// another process started `is_child`, whose capture has a name of its own beside `path`.
///
/// # Safety
/// This thread holds the GIL, and no hooks are in.
pub(super) unsafe fn start_on_order(
    path: &CStr,
    is_child: bool,
    process: ProcessTexts,
    orders: &CStr,
) -> Result<(), StartError> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut session = Session::new(path, process)?;
        if is_child {
            session.pid = NOBODY;
        }
        if control::follow(orders).is_err() {
            let (session, writer) = session.begin_ordered(1)?;
            return begin(session, writer, arenas::current_use());
        }
        ORDERED_SESSION.set(session);
        wait_for_order();
        carry_out_order()
    }
}

/// Puts in what notices an order.
///
/// # Safety
/// This thread holds the GIL, and nobody records.
unsafe fn wait_for_order() {
    IS_STARTED.store(true, Ordering::Relaxed);
    // SAFETY: the caller's promise.
    unsafe {
        domains::install();
        arenas::install();
    }
}

/// A hook was called while nobody records.
///
/// # Safety
/// This thread holds the GIL.
#[cold]
pub(super) unsafe fn passed_by() {
    domains::note_passage();
    thread::forget_distance();
    if control::is_followed() {
        // SAFETY: the caller's promise. The program may be in the midst of anything: nothing here calls Python.
        // In vain the program goes on unrecorded, and the launcher finds no capture.
        let _ = errno::with_errno_kept(|| unsafe { carry_out_order() });
    }
}

/// # Safety
/// This thread holds the GIL, and nobody records.
unsafe fn carry_out_order() -> Result<(), StartError> {
    let Some(order) = control::take() else { return Ok(()) };
    // SAFETY: the caller's promise; pymalloc tells what it holds while it has no hooks.
    unsafe {
        native::remove();
        domains::remove();
        let arenas = arenas::current_use();
        domains::install();
        let (Order::Begin(number), Some(ordered)) = (order, ORDERED_SESSION.get()) else {
            return Ok(());
        };
        let (session, writer) = ordered.begin_ordered(number)?;
        control::set_ordered(true);
        begin(session, writer, arenas)
    }
}

/// # Safety
/// This thread holds the GIL, and nobody records.
unsafe fn begin(
    session: Session,
    writer: CaptureWriter,
    arenas: ArenaUse,
) -> Result<(), StartError> {
    // Made here and not farther up: a recording is large, and stacks keep the pages that were once used.
    let recording = Recording::new(writer, session.layout, arenas).ok_or(OUT_OF_MEMORY)?;
    ENDS_WITH_WINDOWS.store(false, Ordering::Relaxed);
    // SAFETY: the gate is closed, so nobody reads the session, and no hook records before all are set.
    unsafe {
        SESSION.set(session);
        IS_STARTED.store(true, Ordering::Relaxed);
        domains::install();
        arenas::install();
        entered::begin(recording, gate::register_barrier());
        domains::begin();
        if let Err(error) = native::install() {
            stop();
            return Err(error.into());
        }
        if !HANDLES_FORKS.swap(true, Ordering::Relaxed) {
            libc::pthread_atfork(
                Some(before_fork),
                Some(after_fork_in_parent),
                Some(after_fork_in_child),
            );
        }
    }
    Ok(())
}

/// Where the interpreter keeps its frames is looked for once: that asks Python, and does not change.
///
/// # Safety
/// This thread holds the GIL.
unsafe fn known_layout() -> Result<(u32, Layout), StartError> {
    // SAFETY: the caller holds the GIL.
    let known = unsafe { SESSION.get().or(ORDERED_SESSION.get()) };
    match known {
        Some(session) => Ok((session.hexversion, session.layout)),
        // SAFETY: as above.
        None => Ok(unsafe { interpreter::find() }?),
    }
}

/// Whether a recording is going on.
pub(super) fn is_recording() -> bool {
    IS_STARTED.load(Ordering::Relaxed) && !entered::gate().is_closed()
}

/// Ends the recording, if one is going on, and takes the hooks out, but for what notices an order. What it saw, unless
/// none was begun.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn stop() -> Option<Ended> {
    // SAFETY: the caller holds the GIL.
    unsafe {
        let ended = take_out();
        if control::is_followed() {
            wait_for_order();
        }
        ended
    }
}

/// Ends all for good, and says nothing of it: figures are a sum over all nodes, and the process is about to end.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn leave() {
    control::leave();
    // SAFETY: the caller holds the GIL.
    if let Some(entered) = unsafe { remove_hooks() } {
        entered.end();
    }
}

/// # Safety
/// This thread holds the GIL.
unsafe fn take_out() -> Option<Ended> {
    // SAFETY: the caller holds the GIL.
    match unsafe { remove_hooks() } {
        Some(mut entered) => {
            let figures = entered.figures();
            entered.end();
            Some(Ended { figures, stop_reason: None })
        }
        // SAFETY: as above.
        None => unsafe { entered::take_ended_in_doubt() },
    }
}

/// What was recorded, complete but for its end.
///
/// # Safety
/// This thread holds the GIL.
unsafe fn remove_hooks() -> Option<Entered> {
    if !IS_STARTED.swap(false, Ordering::Relaxed) {
        return None;
    }
    // SAFETY: the caller holds the GIL; the hooks were installed by `start`.
    unsafe {
        domains::remove();
        arenas::remove();
    }
    native::remove();
    let mut entered = enter_own()?;
    entered.census_at_end();
    entered.note_leaving(Way::Python);
    Some(entered)
}

/// Ends the recording, or has it go on for the windows that are open until the last of them is closed; the capture is
/// complete in either case. What it saw, unless none was going on.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn end() -> Result<Option<Ended>, StartError> {
    if let Some(mut entered) = enter_own()
        && entered.has_windows()
    {
        ENDS_WITH_WINDOWS.store(true, Ordering::Relaxed);
        // SAFETY: the caller holds the GIL, and the session is written with it only.
        let session = unsafe { SESSION.get() };
        if let Some(path) = session.and_then(|session| session.path.current()) {
            entered.snapshot(path)?;
        }
        return Ok(Some(Ended { figures: entered.figures(), stop_reason: None }));
    }
    // SAFETY: the caller holds the GIL.
    Ok(unsafe { stop() })
}

/// Opens the window `id` on the recording.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn open_window(id: u64) -> Result<(), StartError> {
    drop(enter_own());
    let mut entered = entered::enter_without_gil().map_err(|_| StartError::NotStarted)?;
    if entered.open_window(id) { Ok(()) } else { Err(OUT_OF_MEMORY.into()) }
}

/// Closes a window, and ends the recording if that was to end with its last window. `None` if it is not open, as in a
/// forked child, or when the recording has ended.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn close_window(id: u64) -> Option<Figures> {
    let mut entered = entered::enter_without_gil().ok()?;
    let figures = entered.close_window(id);
    let is_last = !entered.has_windows();
    drop(entered);
    if is_last && ENDS_WITH_WINDOWS.swap(false, Ordering::Relaxed) {
        // SAFETY: the caller holds the GIL.
        unsafe { stop() };
    }
    figures
}

/// Copies the capture as it is now to the absolute `path`.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn snapshot(path: &CStr) -> Result<(), StartError> {
    let mut entered = enter_own().ok_or(StartError::NotStarted)?;
    if entered.writes_to(path) {
        return Err(StartError::OwnCapture);
    }
    Ok(entered.snapshot(path)?)
}

/// The holder of the GIL enters; a forked child begins its own recording first.
fn enter_own() -> Option<Entered> {
    match entered::enter_with_gil() {
        Ok(entered) => Some(entered),
        Err(Shut::Closed) => None,
        // SAFETY: the callers of this hold the GIL, and the gate says so.
        Err(Shut::Forked) => unsafe { restart_in_child() },
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
        let session = SESSION.get_mut()?;
        let writer = session.record_child();
        match writer.and_then(|writer| Recording::new(writer, session.layout, arenas)) {
            Some(recording) => entered::begin(recording, gate::register_barrier()),
            None => entered::gate().close(),
        }
    }
    let mut entered = entered::enter_with_gil().ok()?;
    // SAFETY: this thread holds the GIL.
    unsafe { entered.note_fork(interpreter::current_thread_state()) };
    Some(entered)
}

impl Session {
    /// # Safety
    /// This thread holds the GIL.
    unsafe fn new(path: &CStr, process: ProcessTexts) -> Result<Self, StartError> {
        // A defect of the tracker stops the recording; the program's standard error is not the place to tell.
        panic::set_hook(Box::new(|_| ()));
        // SAFETY: the caller holds the GIL.
        let (hexversion, layout) = unsafe { known_layout() }?;
        Self::at(path, process, hexversion, layout).ok_or(OUT_OF_MEMORY.into())
    }

    fn at(path: &CStr, process: ProcessTexts, hexversion: u32, layout: Layout) -> Option<Self> {
        let path = CapturePath::new(path)?;
        Some(Self { path, process, pid: std::process::id(), hexversion, layout })
    }

    /// A child's capture has a name of its own.
    fn begin_ordered(&self, number: u32) -> Result<(Self, CaptureWriter), CreateError> {
        let base = Path::new(OsStr::from_bytes(self.path.current().unwrap_or_default().to_bytes()));
        let path = capture_of_recording(base, number).into_os_string().into_vec();
        let path = CString::new(path).unwrap_or_default();
        let process = self.process.copied().ok_or(OUT_OF_MEMORY)?;
        let mut session =
            Self::at(&path, process, self.hexversion, self.layout).ok_or(OUT_OF_MEMORY)?;
        let writer = if self.pid == std::process::id() {
            session.record(&path)?
        } else {
            session.record_child().ok_or(CreateError::Begin(StopReason::StorageFailed))?
        };
        Ok((session, writer))
    }

    fn record(&self, path: &CStr) -> Result<CaptureWriter, CreateError> {
        let (pid, parent_pid) = lineage::begin();
        let start =
            Start { hexversion: self.hexversion, pid, parent_pid, started_unix_ns: unix_ns() };
        let mut writer = CaptureWriter::create(path, &start)?;
        if lineage::was_started() {
            writer.hide_descriptor();
        }
        writer.add_process(self.process.count, self.process.encoded.as_slice())?;
        Ok(writer)
    }

    fn record_child(&mut self) -> Option<CaptureWriter> {
        self.path.turn_to_child()?;
        self.record(self.path.current()?).ok()
    }
}

pub(super) fn unix_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is writable; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now) };
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

/// Others have handlers too, and may allocate in them while nobody gets in.
extern "C" fn before_fork() {
    entered::gate().before_fork();
    thread::enter();
}

extern "C" fn after_fork_in_parent() {
    thread::leave();
    entered::gate().after_fork_in_parent();
}

extern "C" fn after_fork_in_child() {
    thread::leave();
    lineage::after_fork_in_child();
    // SAFETY: the child has this thread only, with or without the GIL. Nobody was writing the session when it was forked:
    // that is done while the gate is closed.
    unsafe {
        let session = if entered::gate().is_closed() { None } else { SESSION.get() };
        let layout = session.map(|session| &session.layout);
        fork_place::note(layout.zip(interpreter::own_if_recorded()));
    }
    entered::gate().after_fork_in_child();
}
