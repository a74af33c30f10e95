#![expect(unsafe_code, reason = "a segment is shared memory: bytes are copied through its pointer")]

use super::header::SegmentIndex;
use super::{Ahead, CaptureFile, HeaderPage};
use crate::StopReason;
use crate::layout::PAGE_BYTES;
use std::ptr::NonNull;

/// One mapped segment that is filled from its start.
#[derive(Debug)]
pub struct Segment {
    start: NonNull<u8>,
    index: SegmentIndex,
    capacity: usize,
    used: usize,
    ahead: Ahead,
}

impl Segment {
    /// Adds a segment with room for `bytes` to the file and its directory.
    pub fn create(
        file: &mut CaptureFile,
        header: &mut HeaderPage,
        kind: u32,
        bytes: usize,
    ) -> Result<Self, StopReason> {
        let capacity =
            bytes.checked_next_multiple_of(PAGE_BYTES as usize).ok_or(StopReason::CaptureFull)?;
        let offset = file.extend(capacity)?;
        let start = file.map(offset, capacity)?;
        let index = header.add_segment(kind, offset, capacity as u64)?;
        Ok(Self { start, index, capacity, used: 0, ahead: Ahead::new(start, offset, capacity) })
    }

    /// Bytes owned.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes filled.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Bytes not yet filled.
    pub fn free(&self) -> usize {
        self.capacity - self.used
    }

    /// Sees to it that the first `bytes` can be written at no great cost. Nothing must be written yet behind what was
    /// expected before.
    pub fn expect(&mut self, bytes: usize, file: &mut CaptureFile) {
        // SAFETY: the segment is mapped as long as `self`; what is written is the caller's promise.
        unsafe { self.ahead.reach(bytes.min(self.capacity), file) };
    }

    /// The bytes `from .. from + length`; `None` beyond the segment.
    pub fn bytes_mut(&mut self, from: usize, length: usize) -> Option<&mut [u8]> {
        let end = from.checked_add(length)?;
        if end > self.capacity {
            return None;
        }
        // SAFETY: the range lies in this mapping, which lives as long as `self` and is reached only through `self`.
        Some(unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().add(from), length) })
    }

    /// Says that the first `used` bytes are written.
    pub fn publish(&mut self, header: &mut HeaderPage, used: usize) {
        self.used = used.min(self.capacity);
        header.publish_used(self.index, self.used as u64);
    }

    /// Ends the mapping.
    pub fn unmap(self) {
        // SAFETY: mapped by `create` with this length, and `self` is gone afterwards.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.capacity) };
    }
}
