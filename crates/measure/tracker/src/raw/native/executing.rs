//! Functions that execute programs (exec(3), execve(2), `posix_spawn(3)`): Pythons among them are recorded as well.
//!
//! Children of vfork(2) call these too. Variants with their arguments in a row (`execl`) are not hooked: who starts
//! programs for others has an array.

use super::{original, place};
use crate::raw::c_strings::CStrings;
use crate::raw::leaving;
use crate::raw::orders::{self, Environment};
use crate::raw::started_program::{Program, environment};
use std::ffi::{CStr, c_char, c_int};

type Arguments = *const *const c_char;
type Execute = unsafe extern "C" fn(*const c_char, Arguments, Environment) -> c_int;
type ExecuteFile = unsafe extern "C" fn(c_int, Arguments, Environment) -> c_int;
type Spawn = unsafe extern "C" fn(
    *mut libc::pid_t,
    *const c_char,
    *const libc::posix_spawn_file_actions_t,
    *const libc::posix_spawnattr_t,
    Arguments,
    Environment,
) -> c_int;

pub(super) unsafe extern "C" fn execv(program: *const c_char, arguments: Arguments) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe { execve(program, arguments, environment()) }
}

pub(super) unsafe extern "C" fn execve(
    program: *const c_char,
    arguments: Arguments,
    environment: Environment,
) -> c_int {
    // SAFETY: passed on as they came, but for the environment, which is another of the same form.
    let call = |environment| unsafe {
        original::<Execute>(place::EXECVE)(program, arguments, environment)
    };
    // SAFETY: the caller's own arguments.
    unsafe { replacing(named(program, Program::Path), arguments, environment, call) }
}

pub(super) unsafe extern "C" fn execvp(program: *const c_char, arguments: Arguments) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe { execvpe(program, arguments, environment()) }
}

pub(super) unsafe extern "C" fn execvpe(
    program: *const c_char,
    arguments: Arguments,
    environment: Environment,
) -> c_int {
    // SAFETY: as in `execve`.
    let call = |environment| unsafe {
        original::<Execute>(place::EXECVPE)(program, arguments, environment)
    };
    // SAFETY: the caller's own arguments.
    unsafe { replacing(named(program, Program::Searched), arguments, environment, call) }
}

pub(super) unsafe extern "C" fn fexecve(
    program: c_int,
    arguments: Arguments,
    environment: Environment,
) -> c_int {
    // SAFETY: as in `execve`.
    let call = |environment| unsafe {
        original::<ExecuteFile>(place::FEXECVE)(program, arguments, environment)
    };
    // SAFETY: the caller's own arguments.
    unsafe { replacing(Some(Program::Descriptor(program)), arguments, environment, call) }
}

pub(super) unsafe extern "C" fn posix_spawn(
    pid: *mut libc::pid_t,
    program: *const c_char,
    actions: *const libc::posix_spawn_file_actions_t,
    attributes: *const libc::posix_spawnattr_t,
    arguments: Arguments,
    environment: Environment,
) -> c_int {
    // SAFETY: as in `execve`.
    let call = |environment| unsafe {
        original::<Spawn>(place::POSIX_SPAWN)(
            pid,
            program,
            actions,
            attributes,
            arguments,
            environment,
        )
    };
    // SAFETY: the caller's own arguments.
    unsafe { started(named(program, Program::Path), arguments, environment, call) }
}

pub(super) unsafe extern "C" fn posix_spawnp(
    pid: *mut libc::pid_t,
    program: *const c_char,
    actions: *const libc::posix_spawn_file_actions_t,
    attributes: *const libc::posix_spawnattr_t,
    arguments: Arguments,
    environment: Environment,
) -> c_int {
    // SAFETY: as in `execve`.
    let call = |environment| unsafe {
        original::<Spawn>(place::POSIX_SPAWNP)(
            pid,
            program,
            actions,
            attributes,
            arguments,
            environment,
        )
    };
    // SAFETY: the caller's own arguments.
    unsafe { started(named(program, Program::Searched), arguments, environment, call) }
}

/// # Safety
/// `program` is null or a C string that outlives the result.
unsafe fn named<'a>(
    program: *const c_char,
    kind: impl FnOnce(&'a CStr) -> Program<'a>,
) -> Option<Program<'a>> {
    // SAFETY: the caller's promise.
    (!program.is_null()).then(|| kind(unsafe { CStr::from_ptr(program) }))
}

/// Executes `program` in place of the calling process.
///
/// # Safety
/// As execve(2) wants its arguments.
unsafe fn replacing(
    program: Option<Program>,
    arguments: Arguments,
    environment: Environment,
    call: impl Fn(Environment) -> c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    let call = || unsafe { started(program, arguments, environment, call) };
    if program.is_some_and(Program::may_start) { leaving::unless_it_returns(call) } else { call() }
}

/// Executes `program` with orders added, if it is a Python.
///
/// # Safety
/// As execve(2) wants its arguments.
unsafe fn started(
    program: Option<Program>,
    arguments: Arguments,
    environment: Environment,
    call: impl Fn(Environment) -> c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let is_python = |program: Program| program.is_python(CStrings::new(arguments));
        if orders::are_set() && program.is_some_and(is_python) {
            orders::added(environment, call)
        } else {
            call(environment)
        }
    }
}
