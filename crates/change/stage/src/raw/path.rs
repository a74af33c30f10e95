use std::ffi::{CStr, OsStr, c_char, c_int};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The path that a caller of libc hands over.
///
/// # Safety
/// `path` is null or a C string that lives as long as the answer is used.
pub(super) unsafe fn path<'a>(path: *const c_char) -> &'a Path {
    if path.is_null() {
        return Path::new("");
    }
    // SAFETY: not null, and by this function's contract a C string.
    let bytes = unsafe { CStr::from_ptr(path) }.to_bytes();
    Path::new(OsStr::from_bytes(bytes))
}

/// The same relative to an open folder.
///
/// # Safety
/// As [`path`].
pub(super) unsafe fn path_at(folder: c_int, name: *const c_char) -> PathBuf {
    // SAFETY: the same contract.
    let name = unsafe { path(name) };
    if folder == libc::AT_FDCWD || name.is_absolute() {
        return name.to_owned();
    }
    path_of_descriptor(folder).unwrap_or_default().join(name)
}

/// Where an open file or folder is.
pub(super) fn path_of_descriptor(descriptor: c_int) -> io::Result<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{descriptor}"))
}

/// Makes the caller see `error`.
pub(super) fn set_errno(error: &io::Error) {
    let number = match error.raw_os_error() {
        Some(number) => number,
        None if error.kind() == io::ErrorKind::PermissionDenied => libc::EACCES,
        None => libc::ENOSPC,
    };
    // SAFETY: libc gives each thread its own errno at a valid address.
    unsafe { *libc::__errno_location() = number };
}
