//! Functions that change names and attributes of files and folders.

use super::path::{path, path_at, path_of_descriptor, set_errno};
use crate::stage::Stage;
use lowtide_journal::Follow;
use std::ffi::{c_char, c_int};
use std::io;
use std::path::Path;

/// Calls libc only after the original is kept.
fn after(kept: impl FnOnce(&Stage) -> io::Result<()>, call: impl FnOnce() -> c_int) -> c_int {
    match Stage::get().map_or(Ok(()), kept) {
        Ok(()) => call(),
        Err(error) => {
            set_errno(&error);
            -1
        }
    }
}

fn after_keeping(path: &Path, follow: Follow, call: impl FnOnce() -> c_int) -> c_int {
    after(|stage| stage.keep(path, follow), call)
}

fn follow_unless(flags: c_int) -> Follow {
    if flags & libc::AT_SYMLINK_NOFOLLOW == 0 { Follow::Links } else { Follow::Nothing }
}

/// Defines replacements that keep one path and pass their arguments on.
macro_rules! keeping {
    ($($name:ident($($argument:ident: $type:ty),*) keeps $kept:expr, $follow:expr;)*) => {$(
        pub(super) unsafe extern "C" fn $name($($argument: $type),*) -> c_int {
            // SAFETY: the caller passes this function of libc C strings for its paths.
            let kept = unsafe { $kept };
            // SAFETY: the caller's own arguments.
            after_keeping(kept.as_ref(), $follow, || unsafe { libc::$name($($argument),*) })
        }
    )*};
}

keeping! {
    unlink(name: *const c_char) keeps path(name), Follow::Nothing;
    remove(name: *const c_char) keeps path(name), Follow::Nothing;
    rmdir(name: *const c_char) keeps path(name), Follow::Nothing;
    unlinkat(folder: c_int, name: *const c_char, flags: c_int) keeps path_at(folder, name), Follow::Nothing;
    link(old: *const c_char, new: *const c_char) keeps path(new), Follow::Nothing;
    linkat(old_folder: c_int, old: *const c_char, folder: c_int, new: *const c_char, flags: c_int)
        keeps path_at(folder, new), Follow::Nothing;
    symlink(target: *const c_char, name: *const c_char) keeps path(name), Follow::Nothing;
    symlinkat(target: *const c_char, folder: c_int, name: *const c_char) keeps path_at(folder, name), Follow::Nothing;
    mkfifo(name: *const c_char, mode: libc::mode_t) keeps path(name), Follow::Nothing;
    mknod(name: *const c_char, mode: libc::mode_t, device: libc::dev_t) keeps path(name), Follow::Nothing;
    truncate64(name: *const c_char, length: libc::off64_t) keeps path(name), Follow::Links;
    chmod(name: *const c_char, mode: libc::mode_t) keeps path(name), Follow::Links;
    fchmodat(folder: c_int, name: *const c_char, mode: libc::mode_t, flags: c_int)
        keeps path_at(folder, name), follow_unless(flags);
    chown(name: *const c_char, user: libc::uid_t, group: libc::gid_t) keeps path(name), Follow::Links;
    lchown(name: *const c_char, user: libc::uid_t, group: libc::gid_t) keeps path(name), Follow::Nothing;
    fchownat(folder: c_int, name: *const c_char, user: libc::uid_t, group: libc::gid_t, flags: c_int)
        keeps path_at(folder, name), follow_unless(flags);
    utimes(name: *const c_char, times: *const libc::timeval) keeps path(name), Follow::Links;
    utimensat(folder: c_int, name: *const c_char, times: *const libc::timespec, flags: c_int)
        keeps path_at(folder, name), follow_unless(flags);
}

/// The same for an open file. A pipe has no path, so that nothing is kept of it.
fn after_keeping_open(file: c_int, call: impl FnOnce() -> c_int) -> c_int {
    match path_of_descriptor(file) {
        Ok(path) if path.is_absolute() => after_keeping(&path, Follow::Nothing, call),
        _ => call(),
    }
}

pub(super) unsafe extern "C" fn fchmod(file: c_int, mode: libc::mode_t) -> c_int {
    // SAFETY: the caller's own arguments.
    after_keeping_open(file, || unsafe { libc::fchmod(file, mode) })
}

pub(super) unsafe extern "C" fn fchown(
    file: c_int,
    user: libc::uid_t,
    group: libc::gid_t,
) -> c_int {
    // SAFETY: the caller's own arguments.
    after_keeping_open(file, || unsafe { libc::fchown(file, user, group) })
}

pub(super) unsafe extern "C" fn futimens(file: c_int, times: *const libc::timespec) -> c_int {
    // SAFETY: the caller's own arguments.
    after_keeping_open(file, || unsafe { libc::futimens(file, times) })
}

pub(super) unsafe extern "C" fn mkdir(name: *const c_char, mode: libc::mode_t) -> c_int {
    // SAFETY: the caller passes `mkdir` a C string.
    let new = unsafe { path(name) };
    // SAFETY: the caller's own arguments.
    after(|stage| stage.keep_new_folder(new, mode), || unsafe { libc::mkdir(name, mode) })
}

pub(super) unsafe extern "C" fn mkdirat(
    folder: c_int,
    name: *const c_char,
    mode: libc::mode_t,
) -> c_int {
    // SAFETY: the caller passes `mkdirat` a C string.
    let new = unsafe { path_at(folder, name) };
    // SAFETY: the caller's own arguments.
    after(
        |stage| stage.keep_new_folder(&new, mode),
        || unsafe { libc::mkdirat(folder, name, mode) },
    )
}

pub(super) unsafe extern "C" fn rename(old: *const c_char, new: *const c_char) -> c_int {
    // SAFETY: the caller passes `rename` two C strings.
    let (from, to) = unsafe { (path(old), path(new)) };
    // SAFETY: the caller's own arguments.
    after(|stage| stage.keep_for_rename(from, to), || unsafe { libc::rename(old, new) })
}

pub(super) unsafe extern "C" fn renameat(
    old_folder: c_int,
    old: *const c_char,
    new_folder: c_int,
    new: *const c_char,
) -> c_int {
    // SAFETY: the caller passes `renameat` two C strings.
    let (from, to) = unsafe { (path_at(old_folder, old), path_at(new_folder, new)) };
    let kept = |stage: &Stage| stage.keep_for_rename(&from, &to);
    // SAFETY: the caller's own arguments.
    after(kept, || unsafe { libc::renameat(old_folder, old, new_folder, new) })
}

pub(super) unsafe extern "C" fn renameat2(
    old_folder: c_int,
    old: *const c_char,
    new_folder: c_int,
    new: *const c_char,
    flags: libc::c_uint,
) -> c_int {
    // SAFETY: the caller passes `renameat2` two C strings.
    let (from, to) = unsafe { (path_at(old_folder, old), path_at(new_folder, new)) };
    let kept = |stage: &Stage| stage.keep_for_rename(&from, &to);
    // SAFETY: the caller's own arguments.
    after(kept, || unsafe { libc::renameat2(old_folder, old, new_folder, new, flags) })
}
