//! The system calls that the standard library does not have.
#![expect(unsafe_code, reason = "process start, wait4 and signal handlers are C interfaces")]

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::path::PathBuf;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU32;

/// Handles a signal: its number and who sent it. Runs between any two instructions of the program, so it may only do
/// what is safe in a signal handler.
pub(crate) type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void);

/// What a process did with a signal before; given back to [`restore_action`].
#[derive(Clone, Copy)]
pub(crate) struct Action(libc::sigaction);

/// Starts `program` under `argv` and `envp`, and gives its process id.
///
/// SIGPIPE, which Rust's start-up ignores, is set back to its default; all else of signals is inherited.
pub(crate) fn spawn(program: &CStr, argv: &[CString], envp: &[CString]) -> io::Result<i32> {
    let (argv, envp, defaults) =
        (null_terminated(argv), null_terminated(envp), set_of(libc::SIGPIPE));
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: init makes the attributes valid, each setter gets them and a valid signal set or flag; `program` and the
    // two null-terminated arrays live until posix_spawn, which only reads them, has returned; destroy follows init.
    unsafe {
        check(libc::posix_spawnattr_init(attributes.as_mut_ptr()))?;
        let attributes = attributes.assume_init_mut();
        let mut pid = 0;
        let result = check(libc::posix_spawnattr_setsigdefault(attributes, &raw const defaults))
            .and_then(|()| check(libc::posix_spawnattr_setflags(attributes, SET_SIGNAL_DEFAULTS)))
            .and_then(|()| {
                let files = ptr::null();
                check(libc::posix_spawn(
                    &raw mut pid,
                    program.as_ptr(),
                    files,
                    attributes,
                    argv.as_ptr(),
                    envp.as_ptr(),
                ))
            });
        libc::posix_spawnattr_destroy(attributes);
        result.map(|()| pid)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the flag is below 256")]
const SET_SIGNAL_DEFAULTS: libc::c_short = libc::POSIX_SPAWN_SETSIGDEF as libc::c_short;

fn null_terminated(texts: &[CString]) -> Vec<*mut libc::c_char> {
    texts.iter().map(|text| text.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}

/// For functions that return the error number.
fn check(errno: i32) -> io::Result<()> {
    if errno == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(errno)) }
}

/// For functions that return -1 and set `errno`.
fn check_errno(result: i32) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits until child `pid` has ended, without taking its process id out of use.
pub(crate) fn wait_for_end(pid: i32) -> io::Result<()> {
    let mut facts = MaybeUninit::uninit();
    // SAFETY: `facts` has room for a siginfo_t; what the kernel writes there is not read.
    retried(|| unsafe {
        libc::waitid(
            libc::P_PID,
            pid.cast_unsigned(),
            facts.as_mut_ptr(),
            libc::WEXITED | libc::WNOWAIT,
        )
    })
}

/// Takes an ended child away: its wait status and what the kernel counted for it.
pub(crate) fn reap(pid: i32) -> io::Result<(i32, libc::rusage)> {
    let (mut status, mut usage) = (0, MaybeUninit::uninit());
    // SAFETY: both pointers lead to room of the right type.
    retried(|| unsafe { libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) })?;
    // SAFETY: wait4 succeeded, so it filled `usage`.
    Ok((status, unsafe { usage.assume_init() }))
}

fn retried(mut call: impl FnMut() -> i32) -> io::Result<()> {
    loop {
        match check_errno(call()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Makes `handler` handle `signal`, unless the process was started with the signal ignored: then it stays so, as for a
/// program under `nohup`. `None` if so.
pub(crate) fn handle(signal: i32, handler: Handler) -> Option<Action> {
    let mut old = MaybeUninit::uninit();
    // SAFETY: a null new action only asks; `old` has room for the answer and is read after success only. The new
    // action is all zero but for a valid handler with the three arguments that SA_SIGINFO promises, and its flags.
    unsafe {
        check_errno(libc::sigaction(signal, ptr::null(), old.as_mut_ptr())).ok()?;
        let old = old.assume_init();
        if old.sa_sigaction == libc::SIG_IGN {
            return None;
        }
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = handler as *const () as usize;
        new.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        check_errno(libc::sigaction(signal, &raw const new, ptr::null_mut())).ok()?;
        Some(Action(old))
    }
}

/// Numbers that other processes can map too, as long as this lives.
pub(crate) struct SharedNumbers<const COUNT: usize> {
    file: File,
    start: NonNull<AtomicU32>,
}

// SAFETY: the numbers are atomic, and mapped as long as this lives.
unsafe impl<const COUNT: usize> Send for SharedNumbers<COUNT> {}
// SAFETY: as above.
unsafe impl<const COUNT: usize> Sync for SharedNumbers<COUNT> {}

impl<const COUNT: usize> SharedNumbers<COUNT> {
    const BYTES: usize = COUNT * size_of::<AtomicU32>();

    /// All 0.
    pub(crate) fn new(name: &CStr) -> io::Result<Self> {
        // SAFETY: the name is a C string; a new descriptor is nobody else's; a new mapping touches nothing that exists.
        unsafe {
            let descriptor = libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC);
            check_errno(descriptor)?;
            let file = File::from_raw_fd(descriptor);
            file.set_len(Self::BYTES as u64)?;
            let access = libc::PROT_READ | libc::PROT_WRITE;
            let start =
                libc::mmap(ptr::null_mut(), Self::BYTES, access, libc::MAP_SHARED, descriptor, 0);
            match NonNull::new(start) {
                Some(start) if start.as_ptr() != libc::MAP_FAILED => {
                    Ok(Self { file, start: start.cast() })
                }
                _ => Err(io::Error::last_os_error()),
            }
        }
    }

    /// Where other processes find the file, as long as this one lives.
    pub(crate) fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd()).into()
    }

    pub(crate) fn get(&self) -> &[AtomicU32; COUNT] {
        // SAFETY: so many are mapped, aligned to a page and initialised by the kernel, as long as `self`.
        unsafe { self.start.cast().as_ref() }
    }
}

impl<const COUNT: usize> Drop for SharedNumbers<COUNT> {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and nothing borrows it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), Self::BYTES) };
    }
}

/// Waits until somebody wakes those who wait for `number`, unless it is no longer `seen`. May return for no reason.
pub(crate) fn wait_while(number: &AtomicU32, seen: u32) {
    let no_limit = ptr::null::<libc::timespec>();
    // SAFETY: the number is aligned and mapped.
    unsafe { libc::syscall(libc::SYS_futex, number.as_ptr(), libc::FUTEX_WAIT, seen, no_limit) };
}

/// Wakes those who wait for `number`, in all processes.
pub(crate) fn wake(number: &AtomicU32) {
    // SAFETY: the number is aligned and mapped.
    unsafe { libc::syscall(libc::SYS_futex, number.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}

/// The real-time signal with this number, counted from the first that programs may use.
#[must_use]
pub fn real_time_signal(number: i32) -> Option<i32> {
    let signal = libc::SIGRTMIN() + number;
    (number >= 0 && signal <= libc::SIGRTMAX()).then_some(signal)
}

/// Undoes [`handle`].
pub(crate) fn restore_action(signal: i32, action: &Action) {
    // SAFETY: the action is what sigaction itself gave for this signal. It cannot fail for such.
    unsafe { libc::sigaction(signal, &raw const action.0, ptr::null_mut()) };
}

/// Who sent a signal, if a process did; the kernel itself sends those of a terminal.
pub(crate) fn sender(facts: *const libc::siginfo_t) -> Option<i32> {
    // SAFETY: a handler installed with SA_SIGINFO gets a valid siginfo_t, and for codes up to SI_USER (sent by kill,
    // sigqueue, tgkill) the sender's fields are the ones in use.
    unsafe { ((*facts).si_code <= libc::SI_USER).then(|| (*facts).si_pid()) }
}

/// Sends a signal; a process that is gone needs none. Safe in signal handlers.
pub(crate) fn send(pid: i32, signal: i32) {
    // SAFETY: kill takes any numbers.
    unsafe { libc::kill(pid, signal) };
}

/// Milliseconds of a clock that never goes back. Safe in signal handlers.
pub(crate) fn monotonic_ms() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a timespec to write to; this clock always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
}

fn set_of(signal: i32) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset makes the set valid before anything is added to it or it is read.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        set.assume_init()
    }
}

/// Has the kernel send `signal` to this process when its parent's thread ends.
pub(crate) fn ask_for_parents_death(signal: i32) {
    // SAFETY: PR_SET_PDEATHSIG takes a signal number and nothing else.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) };
}

/// Lets `descriptor` pass to what is started from now on. To do so in the new process alone would need a fork, which
/// copies the tables of this one's memory.
pub(crate) fn pass_on(descriptor: RawFd) -> io::Result<()> {
    set_inherited(descriptor, true)
}

fn set_inherited(descriptor: RawFd, inherited: bool) -> io::Result<()> {
    let flags = if inherited { 0 } else { libc::FD_CLOEXEC };
    // SAFETY: F_SETFD takes any descriptor number and flags.
    check_errno(unsafe { libc::fcntl(descriptor, libc::F_SETFD, flags) })
}

/// The descriptor that the launcher passed on; nothing that is started later gets it.
pub(crate) fn adopt(descriptor: RawFd) -> io::Result<File> {
    set_inherited(descriptor, false)?;
    // SAFETY: fcntl found the descriptor open, and nothing else in this process knows its number.
    Ok(unsafe { File::from_raw_fd(descriptor) })
}

/// Lets `signal` kill this process, without a second core file beside the program's own.
pub(crate) fn die_by(signal: i32) {
    let (none, only_this) = (libc::rlimit { rlim_cur: 0, rlim_max: 0 }, set_of(signal));
    // SAFETY: plain numbers, a valid rlimit, a valid set; SIG_DFL is a valid disposition for any signal.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        libc::signal(signal, libc::SIG_DFL);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const only_this, ptr::null_mut());
        libc::raise(signal);
    }
}
