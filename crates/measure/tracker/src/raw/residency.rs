//! How much of this process is resident, and who keeps it.

use super::own_memory::{self, PAGE_BYTES};
use super::shadow::Shadow;

/// By the kernel's count (`/proc/self/statm`); zeros when it cannot be read.
#[derive(Clone, Copy, Default)]
pub(super) struct Resident {
    pub(super) bytes: u64,
    /// Of these, what is backed by files or shared.
    pub(super) file_bytes: u64,
}

impl Resident {
    pub(super) fn now() -> Self {
        let mut text = [0u8; 128];
        // SAFETY: the path is a C string, the buffer is as long as said, and the descriptor is closed by its only user.
        let length = unsafe {
            let file = libc::open(c"/proc/self/statm".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
            if file < 0 {
                return Self::default();
            }
            let length = libc::read(file, text.as_mut_ptr().cast(), text.len());
            libc::close(file);
            length
        };
        let text = text.get(..usize::try_from(length).unwrap_or(0)).unwrap_or_default();
        let mut numbers = text.split(|&byte| byte == b' ').map(number).skip(1);
        let mut next = || numbers.next().unwrap_or(0) * PAGE_BYTES as u64;
        Self { bytes: next(), file_bytes: next() }
    }
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
        let before = Resident::now();
        let written = vec![1u8; 64 << 20];
        let after = Resident::now();
        assert!(before.file_bytes > 0 && before.bytes > before.file_bytes);
        assert!(after.bytes >= before.bytes + (60 << 20), "{}", written.len());
        assert!(after.file_bytes < before.file_bytes + (4 << 20));
    }
}
