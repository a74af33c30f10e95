//! How much of this process is resident, and who keeps it.

use super::own_memory;
use super::shadow::Shadow;
use std::ptr::NonNull;

const PAGE_BYTES: usize = 4096;
/// Of one mapping whose pages are asked for.
const MOST_PAGES: usize = 256;

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

/// Resident bytes of the tracker's tables. Where most of a mapping is never touched each page is asked for; all else is
/// used from end to end.
pub(super) fn own_bytes(shadow: &Shadow) -> u64 {
    let (mut mapped, mut resident) = (0, 0);
    shadow.for_each_sparse_mapping(|start, bytes| {
        mapped += bytes as u64;
        resident += resident_bytes(start, bytes);
    });
    own_memory::mapped_bytes().saturating_sub(mapped) + resident
}

fn resident_bytes(start: NonNull<u8>, bytes: usize) -> u64 {
    let mut pages = [0u8; MOST_PAGES];
    let count = bytes.div_ceil(PAGE_BYTES).min(MOST_PAGES);
    // SAFETY: the kernel looks at the pages of a mapping, touches none, and writes a byte for each of the `count`.
    let done =
        unsafe { libc::mincore(start.as_ptr().cast(), count * PAGE_BYTES, pages.as_mut_ptr()) };
    let resident = pages[..count].iter().filter(|&&page| page & 1 == 1).count();
    if done == 0 { (resident * PAGE_BYTES) as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_count_once_they_are_there() {
        let bytes = 65 * PAGE_BYTES - 8;
        let start = own_memory::map(bytes).unwrap();
        assert_eq!(resident_bytes(start, bytes), 0);
        // SAFETY: mapped above with this size; unmapped once.
        unsafe {
            own_memory::populate(start, bytes);
            assert_eq!(resident_bytes(start, bytes), 65 * PAGE_BYTES as u64);
            own_memory::unmap(start, bytes);
        }
    }

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
