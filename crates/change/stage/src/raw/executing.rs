//! Functions that start other programs. Children of `vfork` call them too: nothing here may outlive the call.

use super::path::path;
use crate::stage::Stage;
use std::ffi::{CStr, c_char, c_int};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

type Strings = *const *const c_char;

/// Python tries each folder of PATH in turn; only what exists is started.
fn note(program: &Path) {
    let is_searched = !program.as_os_str().as_encoded_bytes().contains(&b'/');
    let may_run = || {
        program
            .metadata()
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    if let Some(stage) = Stage::get()
        && (is_searched || may_run())
    {
        stage.note_effect("starts", &program.to_string_lossy());
    }
}

fn note_command(command: &CStr) {
    if let Some(stage) = Stage::get() {
        stage.note_effect("starts a shell with", &command.to_string_lossy());
    }
}

/// Defines replacements that note the program and pass their arguments on.
macro_rules! starting {
    ($($name:ident($program:ident: $type:ty $(, $argument:ident: $other:ty)*);)*) => {$(
        pub(super) unsafe extern "C" fn $name($program: $type $(, $argument: $other)*) -> c_int {
            // SAFETY: the caller passes this function of libc a C string as its program.
            note(unsafe { path($program) });
            // SAFETY: the caller's own arguments.
            unsafe { libc::$name($program $(, $argument)*) }
        }
    )*};
}

starting! {
    execv(program: *const c_char, arguments: Strings);
    execve(program: *const c_char, arguments: Strings, environment: Strings);
    execvp(program: *const c_char, arguments: Strings);
    execvpe(program: *const c_char, arguments: Strings, environment: Strings);
}

pub(super) unsafe extern "C" fn posix_spawn(
    pid: *mut libc::pid_t,
    program: *const c_char,
    actions: *const libc::posix_spawn_file_actions_t,
    attributes: *const libc::posix_spawnattr_t,
    arguments: *const *mut c_char,
    environment: *const *mut c_char,
) -> c_int {
    // SAFETY: the caller passes `posix_spawn` a C string as its program.
    note(unsafe { path(program) });
    // SAFETY: the caller's own arguments.
    unsafe { libc::posix_spawn(pid, program, actions, attributes, arguments, environment) }
}

pub(super) unsafe extern "C" fn posix_spawnp(
    pid: *mut libc::pid_t,
    program: *const c_char,
    actions: *const libc::posix_spawn_file_actions_t,
    attributes: *const libc::posix_spawnattr_t,
    arguments: *const *mut c_char,
    environment: *const *mut c_char,
) -> c_int {
    // SAFETY: the caller passes `posix_spawnp` a C string as its program.
    note(unsafe { path(program) });
    // SAFETY: the caller's own arguments.
    unsafe { libc::posix_spawnp(pid, program, actions, attributes, arguments, environment) }
}

pub(super) unsafe extern "C" fn system(command: *const c_char) -> c_int {
    if !command.is_null() {
        // SAFETY: not null, so the caller passes `system` a C string.
        note_command(unsafe { CStr::from_ptr(command) });
    }
    // SAFETY: the caller's own argument.
    unsafe { libc::system(command) }
}

pub(super) unsafe extern "C" fn popen(
    command: *const c_char,
    mode: *const c_char,
) -> *mut libc::FILE {
    if !command.is_null() {
        // SAFETY: not null, so the caller passes `popen` a C string.
        note_command(unsafe { CStr::from_ptr(command) });
    }
    // SAFETY: the caller's own arguments.
    unsafe { libc::popen(command, mode) }
}
