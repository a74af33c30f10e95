#![expect(unsafe_code, reason = "nodes are shared memory, reached through one base pointer")]

use super::errno::ErrnoKept;
use super::file::soft_limit;
use super::header::SegmentIndex;

use super::{Ahead, CaptureFile, HeaderPage};
use crate::StopReason;
use crate::layout::{Node, PAGE_BYTES, Temporary, segment_kind};
use crate::writer::next_segment_bytes;
use std::ptr::{self, NonNull};

/// Address space kept for nodes: 4 million of them. A program that limits its own address space has less of it.
const RESERVED_BYTES: usize = 256 << 20;
/// With less address space than this there is no point in starting.
const LEAST_RESERVED_BYTES: usize = 1 << 20;

/// The call tree. Its segments are mapped one after the other into one reservation, so that a node id is an index from
/// one base pointer and nodes never move. What was temporary of each node lies behind, in segments of its own.
#[derive(Debug)]
pub struct NodeTable {
    base: NonNull<Node>,
    temporary: NonNull<Temporary>,
    /// For nodes alone.
    reserved_bytes: usize,
    mapped_bytes: usize,
    /// So much of it can be written at no great cost.
    ready_bytes: usize,
    used_bytes: usize,
    segment: SegmentIndex,
    segment_start: usize,
    ahead: Ahead,
    temporary_ahead: Ahead,
}

impl NodeTable {
    /// Reserves address space and maps the first segment.
    pub fn create(file: &mut CaptureFile, header: &mut HeaderPage) -> Result<Self, StopReason> {
        let (base, reserved_bytes) = reserve()?;
        // SAFETY: the reservation goes on behind the part for nodes.
        let temporary = unsafe { base.byte_add(reserved_bytes) }.cast::<Temporary>();
        let mut table = Self {
            base,
            temporary,
            reserved_bytes,
            mapped_bytes: 0,
            ready_bytes: 0,
            used_bytes: 0,
            segment: 0,
            segment_start: 0,
            ahead: Ahead::nowhere(),
            temporary_ahead: Ahead::nowhere(),
        };
        table.grow(file, header)?;
        Ok(table)
    }

    /// Node 0.
    pub fn base(&self) -> NonNull<Node> {
        self.base
    }

    /// What was temporary of node 0.
    pub fn temporary(&self) -> NonNull<Temporary> {
        self.temporary
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.used_bytes / size_of::<Node>()).unwrap_or(0)
    }

    /// Whether the next `add` must be preceded by `grow`.
    pub fn is_full(&self) -> bool {
        self.used_bytes == self.ready_bytes
    }

    /// Makes room for more.
    pub fn grow(
        &mut self,
        file: &mut CaptureFile,
        header: &mut HeaderPage,
    ) -> Result<(), StopReason> {
        if self.used_bytes == self.mapped_bytes {
            self.map_next_segment(file, header)?;
        }
        let used_bytes = self.used_bytes - self.segment_start;
        // SAFETY: both segments are mapped as long as `self`. Nodes are written up to `ready_bytes`, and what goes with them.
        let ready_bytes = unsafe {
            let ready_bytes = self.ahead.reach(used_bytes + size_of::<Node>(), file);
            self.temporary_ahead.reach(bytes_beside(ready_bytes), file);
            ready_bytes
        };
        self.ready_bytes = self.segment_start + ready_bytes;
        Ok(())
    }

    /// Behind the last. What goes with it comes first: no node is ever without.
    fn map_next_segment(
        &mut self,
        file: &mut CaptureFile,
        header: &mut HeaderPage,
    ) -> Result<(), StopReason> {
        let bytes = next_segment_bytes(self.mapped_bytes);
        if self.mapped_bytes + bytes > self.reserved_bytes {
            return Err(StopReason::CaptureFull);
        }
        // SAFETY: the sum stays within what is reserved for nodes (checked above), and so does what goes with them: both
        // parts are in bounds, and hold nothing yet.
        unsafe {
            let temporary = self.temporary.byte_add(bytes_beside(self.mapped_bytes)).cast();
            let (kind, beside) = (segment_kind::TEMPORARY, bytes_beside(bytes));
            let (segment, ahead) = map_segment(file, header, kind, temporary, beside)?;
            self.temporary_ahead = ahead;
            header.publish_used(segment, beside as u64);
            let nodes = self.base.byte_add(self.mapped_bytes).cast();
            (self.segment, self.ahead) =
                map_segment(file, header, segment_kind::NODES, nodes, bytes)?;
        }
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
        let bytes = self.reserved_bytes + bytes_beside(self.reserved_bytes);
        // SAFETY: reserved by `create` with this length; pointers into it end with the writer by contract.
        unsafe { libc::munmap(self.base.as_ptr().cast(), bytes) };
    }
}

/// Adds a segment to the file and its directory, zeroed, and maps it at `address`.
///
/// # Safety
/// `address .. address + bytes` is a part of our reservation that holds nothing yet.
unsafe fn map_segment(
    file: &mut CaptureFile,
    header: &mut HeaderPage,
    kind: u32,
    address: NonNull<u8>,
    bytes: usize,
) -> Result<(SegmentIndex, Ahead), StopReason> {
    let offset = file.extend(bytes)?;
    // SAFETY: the caller's promise.
    unsafe { file.map_at(address, offset, bytes) }?;
    Ok((header.add_segment(kind, offset, bytes as u64)?, Ahead::new(address, offset, bytes)))
}

/// Bytes that go with so many bytes of nodes.
const fn bytes_beside(node_bytes: usize) -> usize {
    node_bytes / size_of::<Node>() * size_of::<Temporary>()
}

/// Takes address space without memory for so many bytes of nodes and what goes with them: less of it where the process may
/// not have much.
fn reserve() -> Result<(NonNull<Node>, usize), StopReason> {
    let _errno = ErrnoKept::new();
    let allowed = usize::try_from(soft_limit(libc::RLIMIT_AS) / 16).unwrap_or(usize::MAX);
    let mut bytes = RESERVED_BYTES.min(whole_pages(allowed)).max(LEAST_RESERVED_BYTES);
    while bytes >= LEAST_RESERVED_BYTES {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping wherever the kernel likes touches nobody's memory.
        let address = unsafe {
            let whole_bytes = bytes + bytes_beside(bytes);
            libc::mmap(ptr::null_mut(), whole_bytes, libc::PROT_NONE, flags, -1, 0)
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capture, CaptureWriter, Start, read};
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;

    /// So many that neither array has all of its items in its first segment.
    const NODES: u32 = 70_000;

    fn written(node: u32) -> Temporary {
        Temporary { bytes: u64::from(node) * 10, blocks: node.into() }
    }

    #[test]
    fn each_node_and_what_was_temporary_of_it_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.capture");
        let start = Start { hexversion: 0, pid: 1, parent_pid: 1, started_unix_ns: 1 };
        let file = CString::new(path.as_os_str().as_bytes()).unwrap();
        let mut writer = CaptureWriter::create(&file, &start).unwrap();
        for id in 1..NODES {
            let node = Node { instruction: id, ..Node::default() };
            assert_eq!(writer.add_node(node), Ok(id));
            // SAFETY: there is one for each node that was added.
            unsafe { writer.temporary().add(id as usize).write(written(id)) };
        }
        let counted = |capture: Capture| {
            let nodes = capture.nodes.iter().map(|node| node.instruction);
            let temporary = capture.temporary.unwrap().into_iter();
            nodes.eq(0..NODES) && temporary.eq((1..NODES).map(|id| (id, written(id))))
        };
        let taken = folder.path().join("b.capture");
        assert!(counted(read(&path).unwrap()), "of a killed process");
        writer.snapshot(&CString::new(taken.as_os_str().as_bytes()).unwrap()).unwrap();
        writer.finish(1, None);
        assert!(counted(read(&path).unwrap()), "of a finished one");
        assert!(counted(read(&taken).unwrap()), "of a snapshot");
    }
}
