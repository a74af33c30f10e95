//! `open`, `fopen` and their families.

use super::path::{path, path_at, set_errno};
use crate::stage::{Opening, Stage};
use crate::substitution::Reading;
use lowtide_journal::Naming;
use std::ffi::{CStr, c_char, c_int};
use std::io;
use std::path::Path;

/// What libc's caller gets: its own path, another one, or an error (then `errno` is set).
enum Answer {
    AsAsked,
    Instead(*const c_char),
    Failed,
}

fn answer(path: &Path, opening: &Opening) -> Answer {
    let Some(stage) = Stage::get() else { return Answer::AsAsked };
    match stage.open(path, opening) {
        Ok(Reading::AsAsked) => Answer::AsAsked,
        Ok(Reading::Instead(file)) => Answer::Instead(file.as_ptr()),
        Ok(Reading::Missing) => {
            set_errno(&io::Error::from_raw_os_error(libc::ENOENT));
            Answer::Failed
        }
        Err(error) => {
            set_errno(&error);
            Answer::Failed
        }
    }
}

fn opening_by_flags(flags: c_int) -> Opening {
    // A file of O_TMPFILE never has a name.
    let is_nameless = flags & libc::O_TMPFILE == libc::O_TMPFILE;
    let changes = flags & (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC) != 0;
    if is_nameless || !changes {
        return Opening::Reading;
    }
    // Lib/tempfile.py, _text_openflags: nobody else opens so.
    let random = libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
    Opening::Changing(if flags & random == random { Naming::Random } else { Naming::Given })
}

fn opening_by_mode(mode: &[u8]) -> Opening {
    let reads = mode.first() == Some(&b'r') && !mode.contains(&b'+');
    if reads { Opening::Reading } else { Opening::Changing(Naming::Given) }
}

// libc declares `mode` as a variable argument; on x86-64 and aarch64 Linux it is passed like a fixed one.
pub(super) unsafe extern "C" fn open(
    name: *const c_char,
    flags: c_int,
    mode: libc::mode_t,
) -> c_int {
    // SAFETY: the caller passes `open` a C string.
    match answer(unsafe { path(name) }, &opening_by_flags(flags)) {
        // SAFETY: the caller's own arguments.
        Answer::AsAsked => unsafe { libc::open64(name, flags, mode) },
        // SAFETY: the replacement's name lives as long as the process.
        Answer::Instead(file) => unsafe { libc::open64(file, flags, mode) },
        Answer::Failed => -1,
    }
}

pub(super) unsafe extern "C" fn openat(
    folder: c_int,
    name: *const c_char,
    flags: c_int,
    mode: libc::mode_t,
) -> c_int {
    // SAFETY: the caller passes `openat` a C string.
    match answer(&unsafe { path_at(folder, name) }, &opening_by_flags(flags)) {
        // SAFETY: the caller's own arguments.
        Answer::AsAsked => unsafe { libc::openat64(folder, name, flags, mode) },
        // SAFETY: the replacement's name lives as long as the process.
        Answer::Instead(file) => unsafe { libc::open64(file, flags, mode) },
        Answer::Failed => -1,
    }
}

/// What programs built with `_FORTIFY_SOURCE` call where no mode is given (`debug/open_2.c` in glibc).
pub(super) unsafe extern "C" fn open_2(name: *const c_char, flags: c_int) -> c_int {
    // SAFETY: the contract of `open` without O_CREAT.
    unsafe { open(name, flags, 0) }
}

pub(super) unsafe extern "C" fn openat_2(
    folder: c_int,
    name: *const c_char,
    flags: c_int,
) -> c_int {
    // SAFETY: the contract of `openat` without O_CREAT.
    unsafe { openat(folder, name, flags, 0) }
}

pub(super) unsafe extern "C" fn creat(name: *const c_char, mode: libc::mode_t) -> c_int {
    // SAFETY: creat(2) is this.
    unsafe { open(name, libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC, mode) }
}

pub(super) unsafe extern "C" fn fopen(name: *const c_char, mode: *const c_char) -> *mut libc::FILE {
    // SAFETY: the caller passes `fopen` two C strings.
    let (asked, how) = unsafe { (path(name), CStr::from_ptr(mode)) };
    match answer(asked, &opening_by_mode(how.to_bytes())) {
        // SAFETY: the caller's own arguments.
        Answer::AsAsked => unsafe { libc::fopen64(name, mode) },
        // SAFETY: the replacement's name lives as long as the process.
        Answer::Instead(file) => unsafe { libc::fopen64(file, mode) },
        Answer::Failed => std::ptr::null_mut(),
    }
}

pub(super) unsafe extern "C" fn freopen(
    name: *const c_char,
    mode: *const c_char,
    stream: *mut libc::FILE,
) -> *mut libc::FILE {
    // SAFETY: the caller passes `freopen` C strings; the name may be null, which `path` bears.
    let (asked, how) = unsafe { (path(name), CStr::from_ptr(mode)) };
    match answer(asked, &opening_by_mode(how.to_bytes())) {
        // SAFETY: the caller's own arguments.
        Answer::AsAsked => unsafe { libc::freopen64(name, mode, stream) },
        // SAFETY: the replacement's name lives as long as the process.
        Answer::Instead(file) => unsafe { libc::freopen64(file, mode, stream) },
        Answer::Failed => std::ptr::null_mut(),
    }
}
