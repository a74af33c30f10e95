//! Functions that wait for children (wait(2), wait4(2)): how a child ended is known to its parent alone.

use super::{original, place};
use crate::raw::errno::with_errno_kept;
use crate::raw::leaving;
use std::ffi::c_int;
use std::ptr;

type Wait = unsafe extern "C" fn(libc::pid_t, *mut c_int, c_int, *mut libc::rusage) -> libc::pid_t;
type WaitId =
    unsafe extern "C" fn(libc::idtype_t, libc::id_t, *mut libc::siginfo_t, c_int) -> c_int;

pub(super) unsafe extern "C" fn wait(status: *mut c_int) -> libc::pid_t {
    // SAFETY: the caller's own argument; so it is defined in wait(2).
    unsafe { waitpid(-1, status, 0) }
}

pub(super) unsafe extern "C" fn waitpid(
    pid: libc::pid_t,
    status: *mut c_int,
    options: c_int,
) -> libc::pid_t {
    // SAFETY: the caller's own arguments; so it is defined in wait4(2).
    unsafe { wait4(pid, status, options, ptr::null_mut()) }
}

pub(super) unsafe extern "C" fn wait3(
    status: *mut c_int,
    options: c_int,
    usage: *mut libc::rusage,
) -> libc::pid_t {
    // SAFETY: the caller's own arguments; so it is defined in wait4(2).
    unsafe { wait4(-1, status, options, usage) }
}

pub(super) unsafe extern "C" fn wait4(
    pid: libc::pid_t,
    status: *mut c_int,
    options: c_int,
    usage: *mut libc::rusage,
) -> libc::pid_t {
    let mut own = 0;
    let status = if status.is_null() { &raw mut own } else { status };
    // SAFETY: passed on as they came, but for a status that the caller does not want.
    let child = unsafe { original::<Wait>(place::WAIT4)(pid, status, options, usage) };
    if child > 0 {
        // SAFETY: the original has written the status of a child there.
        note(child, unsafe { *status });
    }
    child
}

pub(super) unsafe extern "C" fn waitid(
    kind: libc::idtype_t,
    id: libc::id_t,
    facts: *mut libc::siginfo_t,
    options: c_int,
) -> c_int {
    // SAFETY: passed on as it came.
    let result = unsafe { original::<WaitId>(place::WAITID)(kind, id, facts, options) };
    if result == 0 && !facts.is_null() && options & libc::WNOWAIT == 0 {
        // SAFETY: the original has filled the facts of a child in, or left the process id 0.
        let (child, code, status) =
            unsafe { ((*facts).si_pid(), (*facts).si_code, (*facts).si_status()) };
        match code {
            _ if child == 0 => {}
            libc::CLD_EXITED => note(child, (status & 0xff) << 8),
            libc::CLD_KILLED | libc::CLD_DUMPED => note(child, status & 0x7f),
            _ => {}
        }
    }
    result
}

/// One that was only stopped has not ended.
fn note(child: libc::pid_t, status: c_int) {
    if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
        with_errno_kept(|| leaving::child_ended(child, status));
    }
}
