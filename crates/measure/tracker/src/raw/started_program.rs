//! Whether a program that is about to be executed is a Python, told by its file.
//!
//! This runs between vfork(2) and execve(2) as well: it only asks the kernel, and keeps nothing.

use super::c_strings::CStrings;
use crate::decimal::{MOST_DIGITS, decimal};
use crate::python_program::{
    Interpreter, file_name, ignores_environment, interpreter, names_python,
};
use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;

/// As much of a script as tells what runs it; the kernel itself reads 256 bytes (`BINPRM_BUF_SIZE`).
const START_BYTES: usize = 512;
const PATH_BYTES: usize = libc::PATH_MAX as usize;

/// How a program is named by who starts it.
#[derive(Clone, Copy)]
pub(super) enum Program<'a> {
    Path(&'a CStr),
    /// To be looked for on PATH if it has no slash.
    Searched(&'a CStr),
    Descriptor(c_int),
}

impl Program<'_> {
    /// Whether it is a Python that reads its environment, if called with `arguments`, its own name being the first.
    pub(super) fn is_python(self, arguments: CStrings) -> bool {
        match self {
            Self::Path(path) => is_python_at(path, arguments),
            Self::Searched(name) if names_python(file_name(name.to_bytes())) => {
                is_python_at(name, arguments)
            }
            Self::Searched(name) => {
                on_path(name, |path| is_python_at(path, arguments)).unwrap_or(false)
            }
            Self::Descriptor(descriptor) => is_python_file(&File { descriptor }, arguments),
        }
    }

    /// Whether it is likely to start.
    pub(super) fn may_start(self) -> bool {
        match self {
            Self::Path(path) => may_execute(path),
            Self::Searched(name) => on_path(name, |_| ()).is_some(),
            Self::Descriptor(_) => true,
        }
    }
}

/// A file called python is one, whatever it is: a script of that name leads to one.
fn is_python_at(path: &CStr, arguments: CStrings) -> bool {
    if names_python(file_name(path.to_bytes())) {
        return reads_environment(arguments);
    }
    Opened::at(path).is_some_and(|opened| is_python_file(&opened.0, arguments))
}

#[inline(never)]
fn is_python_file(file: &File, arguments: CStrings) -> bool {
    let mut room = [0; START_BYTES];
    let start = file.start(&mut room);
    match interpreter(start) {
        Interpreter::Python => true,
        Interpreter::Named(path) => is_another_name_of_python(path),
        Interpreter::Other if start.starts_with(b"#!") => false,
        Interpreter::Other => file.is_named_python() && reads_environment(arguments),
    }
}

#[inline(never)]
fn is_another_name_of_python(path: &[u8]) -> bool {
    let mut room = [0; START_BYTES];
    let Some(place) = room.get_mut(..path.len()) else { return false };
    place.copy_from_slice(path);
    let path = CStr::from_bytes_until_nul(&room);
    path.ok().and_then(Opened::at).is_some_and(|opened| opened.0.is_named_python())
}

fn reads_environment(arguments: CStrings) -> bool {
    !ignores_environment(arguments.skip(1).map(CStr::to_bytes))
}

fn may_execute(path: &CStr) -> bool {
    // SAFETY: `path` is a C string.
    unsafe { libc::access(path.as_ptr(), libc::X_OK) == 0 }
}

/// What `found` says of the first program called `name` on PATH, as execvp(3) looks for it.
#[inline(never)]
fn on_path<T>(name: &CStr, found: impl FnOnce(&CStr) -> T) -> Option<T> {
    if name.to_bytes().contains(&b'/') {
        return may_execute(name).then(|| found(name));
    }
    let mut room = [0; PATH_BYTES];
    for folder in search_path()?.split(|&byte| byte == b':') {
        let Some(path) = joined(folder, name, &mut room) else { continue };
        if may_execute(path) {
            return Some(found(path));
        }
    }
    None
}

fn joined<'a>(folder: &[u8], name: &CStr, room: &'a mut [u8; PATH_BYTES]) -> Option<&'a CStr> {
    // An empty entry is the working directory.
    let folder = if folder.is_empty() { b"." } else { folder };
    let (place, rest) = room.split_at_mut_checked(folder.len())?;
    place.copy_from_slice(folder);
    let (slash, rest) = rest.split_first_mut()?;
    *slash = b'/';
    rest.get_mut(..name.to_bytes_with_nul().len())?.copy_from_slice(name.to_bytes_with_nul());
    CStr::from_bytes_until_nul(room).ok()
}

fn search_path<'a>() -> Option<&'a [u8]> {
    // SAFETY: the environment of the process; who changes it while it is used would break execvp(3) itself as well.
    let variables = unsafe { CStrings::new(environment()) };
    variables.map(CStr::to_bytes).find_map(|variable| variable.strip_prefix(b"PATH="))
}

/// The process's environment.
pub(super) fn environment() -> *const *const c_char {
    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    // SAFETY: a word of the C library, which whoever starts programs reads as well.
    unsafe { environ }
}

/// An open file that belongs to somebody else.
struct File {
    descriptor: c_int,
}

impl File {
    fn start<'a>(&self, room: &'a mut [u8; START_BYTES]) -> &'a [u8] {
        // SAFETY: `room` is as long as said.
        let length =
            unsafe { libc::pread(self.descriptor, room.as_mut_ptr().cast(), room.len(), 0) };
        room.get(..usize::try_from(length).unwrap_or(0)).unwrap_or_default()
    }

    /// Whether the file's own name is Python's; it was opened through links, perhaps.
    #[inline(never)]
    fn is_named_python(&self) -> bool {
        const FOLDER: &[u8] = b"/proc/self/fd/";
        let mut link = [0; FOLDER.len() + MOST_DIGITS + 1];
        link[..FOLDER.len()].copy_from_slice(FOLDER);
        let mut digits = [0; MOST_DIGITS];
        let digits = decimal(self.descriptor.cast_unsigned(), &mut digits);
        link[FOLDER.len()..][..digits.len()].copy_from_slice(digits);
        let mut name = [0_u8; PATH_BYTES];
        // SAFETY: `link` ends with a zero, and `name` is as long as said.
        let length =
            unsafe { libc::readlink(link.as_ptr().cast(), name.as_mut_ptr().cast(), name.len()) };
        let name = name.get(..usize::try_from(length).unwrap_or(0)).unwrap_or_default();
        names_python(file_name(name))
    }
}

/// A file that is closed again when this is dropped.
struct Opened(File);

impl Opened {
    /// Opens a regular file; opening another may wait, or do something.
    fn at(path: &CStr) -> Option<Self> {
        let mut found = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: `path` is a C string, and `found` has room for the answer.
        if unsafe { libc::stat(path.as_ptr(), found.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: stat succeeded, so it filled the answer.
        if unsafe { found.assume_init() }.st_mode & libc::S_IFMT != libc::S_IFREG {
            return None;
        }
        let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK;
        // SAFETY: `path` is a C string.
        let descriptor = unsafe { libc::open(path.as_ptr(), flags) };
        (descriptor >= 0).then_some(Self(File { descriptor }))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: opened here, and used no more.
        unsafe { libc::close(self.0.descriptor) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;
    use std::ptr;

    fn is_python(path: &Path, arguments: &[&CStr]) -> bool {
        let path = CString::new(path.as_os_str().as_bytes()).unwrap();
        let pointers: Vec<_> =
            arguments.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect();
        // SAFETY: the array ends with a null pointer, and its texts live.
        Program::Path(&path).is_python(unsafe { CStrings::new(pointers.as_ptr()) })
    }

    #[test]
    fn files_are_told_apart_by_their_names_links_and_first_lines() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let python = file("python3.12", "\x7fELF");
        let link = folder.path().join("interpreter");
        std::os::unix::fs::symlink(&python, &link).unwrap();
        assert!(is_python(&python, &[c"python"]) && is_python(&link, &[c"x", c"a.py"]));
        assert!(!is_python(&python, &[c"python", c"-I"]) && !is_python(&link, &[c"x", c"-uS"]));
        assert!(is_python(&file("tool", "#!/usr/bin/env python3\n"), &[c"tool", c"-I"]));
        let through_link = format!("#!{}\n", link.display());
        assert!(is_python(&file("through-link", &through_link), &[]));
        assert!(!is_python(&file("shell", "#!/bin/sh\npython\n"), &[]));
        assert!(!is_python(&file("binary", "\x7fELF"), &[]));
        assert!(!is_python(folder.path(), &[]) && !is_python(Path::new("/nowhere"), &[]));
    }

    #[test]
    fn a_name_without_a_slash_is_looked_for_on_the_path() {
        assert!(Program::Searched(c"sh").may_start());
        assert!(!Program::Searched(c"no-such-program-anywhere").may_start());
        assert!(!Program::Searched(c"./sh").may_start());
    }
}
