#![expect(unsafe_code, reason = "the path lies in a mapping that this module owns")]

use std::ffi::CStr;
use std::ptr::{self, NonNull};

const ROOM_BYTES: usize = libc::PATH_MAX as usize;

/// A path in memory of its own: as part of a value that is moved, its room would be taken from the program's stack again
/// and again.
#[derive(Debug)]
pub struct OwnPath(NonNull<u8>);

impl OwnPath {
    /// A copy of `path`; the `errno` where it is too long, or there is no memory.
    pub fn of(path: &CStr) -> Result<Self, i32> {
        let bytes = path.to_bytes_with_nul();
        if bytes.len() > ROOM_BYTES {
            return Err(libc::ENAMETOOLONG);
        }
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping wherever the kernel likes touches nobody's memory.
        let room = unsafe { libc::mmap(ptr::null_mut(), ROOM_BYTES, protection, flags, -1, 0) };
        let room = NonNull::new(room.cast::<u8>()).filter(|_| room != libc::MAP_FAILED);
        let room = room.ok_or(libc::ENOMEM)?;
        // SAFETY: the room was just mapped, and is as long as the path at least.
        unsafe { room.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
        Ok(Self(room))
    }

    pub fn as_c_str(&self) -> &CStr {
        // SAFETY: `of` put a C string there, which nobody changes while `self` lives.
        unsafe { CStr::from_ptr(self.0.as_ptr().cast()) }
    }
}

impl Drop for OwnPath {
    fn drop(&mut self) {
        // SAFETY: mapped by `of` with this size, and `self` goes away.
        unsafe { libc::munmap(self.0.as_ptr().cast(), ROOM_BYTES) };
    }
}
