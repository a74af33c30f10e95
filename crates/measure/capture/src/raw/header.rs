#![expect(
    unsafe_code,
    reason = "the header is shared memory: fields are read and written through its pointer"
)]

use super::CaptureFile;
use crate::StopReason;
use crate::layout::{
    self, Header, MAX_SEGMENTS, PAGE_BYTES, POINT_BYTES, SegmentEntry, TimelinePoint, segment_kind,
};
use crate::writer::Start;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

const MAPPED_BYTES: usize = layout::HEADER_BYTES as usize;

/// The mapped first bytes of the file.
#[derive(Debug)]
pub struct HeaderPage {
    header: NonNull<Header>,
    segment_count: u32,
}

/// A segment's place in the directory.
pub type SegmentIndex = usize;

impl HeaderPage {
    /// Maps the header of a new file and fills in all but the magic.
    pub fn create(file: &mut CaptureFile, start: &Start) -> Result<Self, StopReason> {
        let offset = file.extend(MAPPED_BYTES)?;
        let header = file.map(offset, MAPPED_BYTES)?.cast::<Header>();
        // SAFETY: the mapping is MAPPED_BYTES long, page aligned, zeroed and ours alone; zero is valid for each field.
        let fields = unsafe { &mut *header.as_ptr() };
        fields.format_version = layout::FORMAT_VERSION;
        fields.header_bytes = layout::HEADER_BYTES;
        fields.state = layout::state::STARTING;
        fields.hexversion = start.hexversion;
        fields.pid = start.pid;
        fields.parent_pid = start.parent_pid;
        fields.page_bytes = PAGE_BYTES;
        fields.started_unix_ns = start.started_unix_ns;
        Ok(Self { header, segment_count: 0 })
    }

    /// Makes the file a capture: from now on a reader takes it.
    pub fn publish_magic(&mut self) {
        // SAFETY: the header stays mapped as long as `self`; this thread alone writes it.
        unsafe { (&raw mut (*self.header.as_ptr()).magic).write(layout::MAGIC) };
    }

    /// The mapped header.
    pub fn as_ptr(&self) -> NonNull<Header> {
        self.header
    }

    /// Enters a segment into the directory.
    pub fn add_segment(
        &mut self,
        kind: u32,
        offset: u64,
        capacity: u64,
    ) -> Result<SegmentIndex, StopReason> {
        let index = self.segment_count as usize;
        if index >= MAX_SEGMENTS {
            return Err(StopReason::CaptureFull);
        }
        let item_bytes = match kind {
            segment_kind::TIMELINE => POINT_BYTES,
            _ => 0,
        };
        let entry = SegmentEntry { kind, item_bytes, offset, capacity, used: 0 };
        // SAFETY: `index` is within the directory of the mapped header.
        unsafe { (&raw mut (*self.header.as_ptr()).segments[index]).write(entry) };
        self.segment_count += 1;
        // SAFETY: the field is aligned and mapped; others only read it.
        let count = unsafe { AtomicU32::from_ptr(&raw mut (*self.header.as_ptr()).segment_count) };
        count.store(self.segment_count, Ordering::Release);
        Ok(index)
    }

    /// Says that the first `used` bytes of a segment are written.
    pub fn publish_used(&mut self, index: SegmentIndex, used: u64) {
        if index < self.segment_count as usize {
            // SAFETY: `index` is within the directory; the field is aligned and mapped; others only read it.
            let field = unsafe {
                AtomicU64::from_ptr(&raw mut (*self.header.as_ptr()).segments[index].used)
            };
            field.store(used, Ordering::Release);
        }
    }

    /// Sets what recording is doing, and why.
    pub fn set_state(&mut self, state: u32, stop_reason: u32) {
        // SAFETY: the header stays mapped as long as `self`; fields are aligned; others only read them.
        unsafe {
            (&raw mut (*self.header.as_ptr()).stop_reason).write_volatile(stop_reason);
            (&raw mut (*self.header.as_ptr()).state).write_volatile(state);
        }
    }

    /// Keeps a point that has more resident bytes than any before.
    pub fn note_resident(&mut self, point: &TimelinePoint) {
        // SAFETY: as in `set_state`.
        unsafe {
            let kept = &raw mut (*self.header.as_ptr()).most_resident;
            if point.rss_bytes > (*kept).rss_bytes {
                kept.write_volatile(*point);
            }
        }
    }

    /// Sets the time recorded so far.
    pub fn set_elapsed(&mut self, elapsed_ns: u64) {
        // SAFETY: as in `set_state`.
        unsafe { (&raw mut (*self.header.as_ptr()).elapsed_ns).write_volatile(elapsed_ns) };
    }

    /// Where the last segment's used bytes end, which is where the file may be cut.
    pub fn used_end(&self) -> u64 {
        let Some(last) = (self.segment_count as usize).checked_sub(1) else {
            return MAPPED_BYTES as u64;
        };
        // SAFETY: `last` is within the directory of the mapped header.
        let entry = unsafe { (&raw const (*self.header.as_ptr()).segments[last]).read() };
        entry.offset + entry.used
    }

    /// Ends the mapping.
    pub fn unmap(self) {
        // SAFETY: mapped by `create` with this length; the pointers handed out end with the writer by contract.
        unsafe { libc::munmap(self.header.as_ptr().cast(), MAPPED_BYTES) };
    }
}
