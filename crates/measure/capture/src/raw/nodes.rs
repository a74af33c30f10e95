#![expect(unsafe_code, reason = "nodes are shared memory, reached through one base pointer")]

use super::errno::ErrnoKept;
use super::file::soft_limit;
use super::header::SegmentIndex;

use super::{CaptureFile, HeaderPage};
use crate::StopReason;
use crate::layout::{Node, PAGE_BYTES, segment_kind};
use crate::writer::next_segment_bytes;
use std::ptr::{self, NonNull};

/// Address space kept for nodes: 4 million of them. A program that limits its own address space has less of it.
const RESERVED_BYTES: usize = 256 << 20;
/// With less address space than this there is no point in starting.
const LEAST_RESERVED_BYTES: usize = 1 << 20;

/// The call tree. Its segments are mapped one after the other into one reservation, so that a node id is an index from
/// one base pointer and nodes never move.
#[derive(Debug)]
pub struct NodeTable {
    base: NonNull<Node>,
    reserved_bytes: usize,
    mapped_bytes: usize,
    used_bytes: usize,
    segment: SegmentIndex,
    segment_start: usize,
}

impl NodeTable {
    /// Reserves address space and maps the first segment.
    pub fn create(file: &mut CaptureFile, header: &mut HeaderPage) -> Result<Self, StopReason> {
        let (base, reserved_bytes) = reserve()?;
        let mut table = Self {
            base,
            reserved_bytes,
            mapped_bytes: 0,
            used_bytes: 0,
            segment: 0,
            segment_start: 0,
        };
        table.grow(file, header)?;
        Ok(table)
    }

    /// Node 0.
    pub fn base(&self) -> NonNull<Node> {
        self.base
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.used_bytes / size_of::<Node>()).unwrap_or(0)
    }

    /// Whether the next `add` must be preceded by `grow`.
    pub fn is_full(&self) -> bool {
        self.used_bytes == self.mapped_bytes
    }

    /// Maps another segment behind the last.
    pub fn grow(
        &mut self,
        file: &mut CaptureFile,
        header: &mut HeaderPage,
    ) -> Result<(), StopReason> {
        let bytes = next_segment_bytes(self.mapped_bytes);
        if self.mapped_bytes + bytes > self.reserved_bytes {
            return Err(StopReason::CaptureFull);
        }
        let offset = file.extend(bytes)?;
        // SAFETY: the sum stays within the reservation (checked above), so the pointer is in bounds.
        let address = unsafe { self.base.cast::<u8>().add(self.mapped_bytes) };
        // SAFETY: `address .. address + bytes` is the part of our reservation that holds nothing yet.
        unsafe { file.map_at(address, offset, bytes) }?;
        self.segment = header.add_segment(segment_kind::NODES, offset, bytes as u64)?;
        self.segment_start = self.mapped_bytes;
        self.mapped_bytes += bytes;
        Ok(())
    }

    /// Appends a node and returns its id. Call only when the table is not full.
    pub fn add(&mut self, node: Node, header: &mut HeaderPage) -> u32 {
        debug_assert!(!self.is_full());
        let id = self.used_bytes / size_of::<Node>();
        // SAFETY: the table is not full, so slot `id` is mapped; only the tracker's lock holder writes here.
        unsafe { self.base.add(id).write(node) };
        self.used_bytes += size_of::<Node>();
        header.publish_used(self.segment, (self.used_bytes - self.segment_start) as u64);
        u32::try_from(id).unwrap_or(0)
    }

    /// Ends the mappings and the reservation.
    pub fn unmap(self) {
        // SAFETY: reserved by `create` with this length; node pointers end with the writer by contract.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.reserved_bytes) };
    }
}

/// Takes address space without memory: less of it where the process may not have much.
fn reserve() -> Result<(NonNull<Node>, usize), StopReason> {
    let _errno = ErrnoKept::new();
    let allowed = usize::try_from(soft_limit(libc::RLIMIT_AS) / 16).unwrap_or(usize::MAX);
    let mut bytes = RESERVED_BYTES.min(whole_pages(allowed)).max(LEAST_RESERVED_BYTES);
    while bytes >= LEAST_RESERVED_BYTES {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping wherever the kernel likes touches nobody's memory.
        let address = unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
        if address != libc::MAP_FAILED
            && let Some(base) = NonNull::new(address.cast::<Node>())
        {
            return Ok((base, bytes));
        }
        bytes = whole_pages(bytes / 2);
    }
    Err(StopReason::OutOfMemory)
}

const fn whole_pages(bytes: usize) -> usize {
    bytes & !(PAGE_BYTES as usize - 1)
}
