//! How much of this process is resident, and who keeps it.

use super::own_memory::{self, PAGE_BYTES};
use super::shadow::Shadow;
use crate::number_in_text::number_after;
use std::ffi::CStr;

/// By the kernel's count (`/proc/self/statm`); zeros when it cannot be read.
#[derive(Clone, Copy, Default)]
pub(super) struct Resident {
    pub(super) bytes: u64,
    /// Of these, what is backed by files or shared.
    pub(super) file_bytes: u64,
}

impl Resident {
    /// `shared_heap_bytes` are heap, though the kernel counts them as shared as far as they are resident.
    pub(super) fn now(shared_heap_bytes: u64) -> Self {
        let mut room = [0; 128];
        let mut numbers = start_of(c"/proc/self/statm", &mut room).split(|&byte| byte == b' ');
        let _mapped = numbers.next();
        let mut next = || numbers.next().map_or(0, number) * PAGE_BYTES as u64;
        let (bytes, file_bytes) = (next(), next());
        let heap_bytes = match shared_heap_bytes {
            0 => 0,
            most => most.min(shared_bytes()),
        };
        Self { bytes, file_bytes: file_bytes.saturating_sub(heap_bytes) }
    }
}

/// Resident memory that is shared and backed by no file on a disk.
fn shared_bytes() -> u64 {
    let mut room = [0; 4096];
    number_after(start_of(c"/proc/self/status", &mut room), b"RssShmem:") * 1024
}

/// The most that was ever resident of this program (`VmHWM`); unlike what getrusage(2) says, without that of the
/// process that started it. 0 when it cannot be read.
pub(super) fn most_resident_bytes() -> u64 {
    let mut room = [0; 4096];
    let text = start_of(c"/proc/self/status", &mut room);
    number_after(text, b"VmHWM:") * 1024
}

/// As much of a file as `room` holds; nothing when it cannot be read.
fn start_of<'a>(path: &CStr, room: &'a mut [u8]) -> &'a [u8] {
    // SAFETY: the path is a C string, the buffer is as long as said, and the descriptor is closed by its only user.
    let length = unsafe {
        let file = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return &[];
        }
        let length = libc::read(file, room.as_mut_ptr().cast(), room.len());
        libc::close(file);
        length
    };
    room.get(..usize::try_from(length).unwrap_or(0)).unwrap_or_default()
}

fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit.wrapping_sub(b'0')))
}

/// What malloc holds but nobody uses.
#[derive(Clone, Copy, Default)]
pub(super) struct MallocFree {
    pub(super) bytes: u64,
    /// Of these, what lies at the end of its main heap.
    pub(super) top_bytes: u64,
}

impl MallocFree {
    /// Goes through malloc's free lists, which may be long.
    pub(super) fn now() -> Self {
        // SAFETY: no preconditions. The locks it takes are held by nobody who calls into the tracker.
        let all = unsafe { libc::mallinfo2() };
        Self { bytes: all.fordblks as u64, top_bytes: all.keepcost as u64 }
    }
}

/// Resident bytes of the tracker's tables. Of what is mostly never touched the pages that were written to are counted;
/// all else is used from end to end.
pub(super) fn own_bytes(shadow: &Shadow) -> u64 {
    let (mapped, written) = shadow.sparse_bytes();
    own_memory::mapped_bytes().saturating_sub(mapped) + written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mapped_and_written_is_resident() {
        let before = Resident::now(0);
        let written = vec![1u8; 64 << 20];
        let after = Resident::now(0);
        assert!(before.file_bytes > 0 && before.bytes > before.file_bytes);
        assert!(after.bytes >= before.bytes + (60 << 20), "{}", written.len());
        assert!(after.file_bytes < before.file_bytes + (4 << 20));
    }
}
