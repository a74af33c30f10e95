//! Where the capture of a process goes: each process has a file of its own.

use super::own_memory::OwnArray;
use crate::decimal::{MOST_DIGITS, decimal};
use std::ffi::CStr;

/// An absolute path with room for what tells a child's capture from its parent's.
pub(super) struct CapturePath(OwnArray<u8>);

/// The longest suffix is a dot and a process id, a dot and a number, and the final zero.
const SUFFIX_BYTES: usize = 2 * (1 + MOST_DIGITS) + 1;
/// So many captures of processes with one id may lie beside each other.
const MOST_NAMESAKES: u32 = 1000;

impl CapturePath {
    /// `None` when the kernel refuses memory.
    pub(super) fn new(path: &CStr) -> Option<Self> {
        let bytes = path.to_bytes();
        let mut kept = OwnArray::zeroed(bytes.len() + SUFFIX_BYTES)?;
        kept.as_mut_slice()[..bytes.len()].copy_from_slice(bytes);
        Some(Self(kept))
    }

    /// Of this process, be it a forked child.
    pub(super) fn current(&self) -> Option<&CStr> {
        CStr::from_bytes_until_nul(self.0.as_slice()).ok()
    }

    /// `<path>.<pid>` for a forked child; a grandchild's pid takes the place of its parent's. Where that name is taken, by
    /// a process that had the same id and executed another program, a number follows. `None` when no name is left.
    pub(super) fn turn_to_child(&mut self) -> Option<()> {
        let suffix_at = self.0.capacity().checked_sub(SUFFIX_BYTES)?;
        for number in 1..MOST_NAMESAKES {
            write_suffix(self.0.as_mut_slice().get_mut(suffix_at..)?, number);
            if !exists(self.current()?) {
                return Some(());
            }
        }
        None
    }
}

fn write_suffix(room: &mut [u8], number: u32) {
    // SAFETY: no preconditions.
    let pid = unsafe { libc::getpid() }.cast_unsigned();
    room.fill(0);
    let mut rest = room;
    for number in [pid, number].into_iter().filter(|&number| number != 1) {
        let mut digits = [0; MOST_DIGITS];
        let digits = decimal(number, &mut digits);
        let Some((dot, room)) = rest.split_first_mut() else { return };
        *dot = b'.';
        let (place, room) = room.split_at_mut(digits.len());
        place.copy_from_slice(digits);
        rest = room;
    }
}

fn exists(path: &CStr) -> bool {
    // SAFETY: `path` is a C string.
    unsafe { libc::access(path.as_ptr(), libc::F_OK) == 0 }
}
