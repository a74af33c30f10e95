#![expect(unsafe_code, reason = "pages of a mapping are asked for by their address")]

use super::CaptureFile;
use super::errno::ErrnoKept;
use std::ptr::NonNull;

/// Powers of two, so that the kernel's pieces fit: the larger a segment, the longer the steps.
const SHORT_STEP: u64 = 16 << 10;
const MIDDLE_STEP: u64 = 64 << 10;
const LONG_STEP: u64 = 256 << 10;

/// How much of a mapped segment has its pages, a step ahead of what is used.
///
/// Without, a page comes when it is first touched. Each then costs the kernel several microseconds, most of them for the
/// file's block; a write of many pages at once costs a fraction of that for each.
#[derive(Debug)]
pub struct Ahead {
    mapped: NonNull<u8>,
    start: u64,
    next: u64,
    end: u64,
    step: u64,
}

impl Ahead {
    /// Of a new segment: `bytes` at `offset` in the file, mapped at `mapped`.
    pub fn new(mapped: NonNull<u8>, offset: u64, bytes: usize) -> Self {
        let bytes = bytes as u64;
        let step = if bytes < 4 * MIDDLE_STEP {
            SHORT_STEP
        } else if bytes < 4 * LONG_STEP {
            MIDDLE_STEP
        } else {
            LONG_STEP
        };
        Self { mapped, start: offset, next: offset, end: offset + bytes, step }
    }

    /// Of nothing.
    pub const fn nowhere() -> Self {
        Self { mapped: NonNull::dangling(), start: 0, next: 0, end: 0, step: SHORT_STEP }
    }

    /// Sees to it that the first `bytes` have their pages; returns how many bytes have.
    ///
    /// # Safety
    /// The segment is mapped still, and nobody has written behind what this returned last.
    pub unsafe fn reach(&mut self, bytes: usize, file: &mut CaptureFile) -> usize {
        let needed = self.start + bytes as u64;
        if needed > self.next {
            let next = needed.next_multiple_of(self.step).min(self.end);
            file.write_zeros(self.next, next);
            // SAFETY: the caller's promise; the part lies within the segment.
            unsafe { self.map_pages(next) };
            self.next = next;
        }
        self.ready()
    }

    fn ready(&self) -> usize {
        usize::try_from(self.next - self.start).unwrap_or(0)
    }

    /// Where the first access is a read, the kernel would map a page to be read, and once more when it is written to.
    ///
    /// # Safety
    /// The segment is mapped still, up to `end` at least.
    unsafe fn map_pages(&self, end: u64) {
        let _errno = ErrnoKept::new();
        let bytes = usize::try_from(end - self.next).unwrap_or(0);
        // SAFETY: the caller's promise; the content is not changed.
        unsafe {
            let start = self.mapped.byte_add(self.ready()).as_ptr();
            libc::madvise(start.cast(), bytes, libc::MADV_POPULATE_WRITE);
        }
    }
}
