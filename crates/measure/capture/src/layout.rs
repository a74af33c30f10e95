//! The bytes of a capture file, version 1. `spec.md` is the same in prose.
//!
//! header page | segment | segment | ...   All integers are little endian; every record is 8-byte aligned.
//! The file is mapped `MAP_SHARED` by the target, so what is here is on disk whatever kills the process.

/// First eight bytes of every capture.
pub const MAGIC: [u8; 8] = *b"LOWTIDE\0";
/// Raised when a reader of the older version would misread the file.
pub const FORMAT_VERSION: u32 = 1;
/// Bytes of the header page; the first segment starts here.
pub const HEADER_BYTES: u32 = 8192;
/// Segments start at multiples of this.
pub const PAGE_BYTES: u32 = 4096;
/// Most segments a capture can have.
pub const MAX_SEGMENTS: usize = 240;

/// What a segment holds.
pub mod segment_kind {
    /// An array of [`super::Node`]; node ids count through all segments of this kind in directory order, 0 is the root.
    pub const NODES: u32 = 1;
    /// A stream of records, each a [`super::RecordHeader`] and its payload, padded to 8 bytes.
    pub const RECORDS: u32 = 2;
    /// An array of [`super::TimelinePoint`], each of the entry's `item_bytes`: only one such segment, thinned out in place when
    /// it is full.
    pub const TIMELINE: u32 = 3;
    /// An array of [`super::Temporary`], one for each node in the order of their ids, and more that are 0. All of it is in
    /// use from the start.
    pub const TEMPORARY: u32 = 4;
}

/// What recording is doing, or how it ended.
pub mod state {
    /// The header is written, nothing is recorded yet.
    pub const STARTING: u32 = 0;
    /// Recording: seen in a finished process, it was killed.
    pub const RECORDING: u32 = 1;
    /// Tracking ended in order.
    pub const ENDED: u32 = 2;
    /// The tracker gave up in doubt; `stop_reason` says why, what came before is right.
    pub const STOPPED: u32 = 3;
}

/// Directory entry of one segment.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct SegmentEntry {
    /// One of [`segment_kind`].
    pub kind: u32,
    /// Of a timeline: bytes of each point, which may have words that this version does not know; 0 is 48.
    pub item_bytes: u32,
    /// From the start of the file, page aligned.
    pub offset: u64,
    /// Bytes owned.
    pub capacity: u64,
    /// Bytes in use; grows only after what it covers is written.
    pub used: u64,
}

/// The start of the file.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// [`HEADER_BYTES`].
    pub header_bytes: u32,
    /// One of [`state`].
    pub state: u32,
    /// A code of `StopReason`; 0 is none.
    pub stop_reason: u32,
    /// `sys.hexversion`.
    pub hexversion: u32,
    /// Operating system process id.
    pub pid: u32,
    /// Parent's process id at start.
    pub parent_pid: u32,
    /// Bytes of a memory page.
    pub page_bytes: u32,
    /// Wall clock at start, nanoseconds since 1970.
    pub started_unix_ns: u64,
    /// Since start, at the last timeline point or at the end.
    pub elapsed_ns: u64,
    /// Live bytes now.
    pub live_bytes: u64,
    /// Live blocks now.
    pub live_blocks: u64,
    /// Live bytes at the last peak that was written down; the heap is at its peak now if `live_bytes` is more.
    pub peak_bytes: u64,
    /// Live blocks at that moment.
    pub peak_blocks: u64,
    /// How many peaks were written down; nodes rebase against it.
    pub peak_number: u64,
    /// Since start, of the timeline point nearest the peak.
    pub peak_elapsed_ns: u64,
    /// Bytes of pymalloc arenas now.
    pub arena_bytes: u64,
    /// Blocks whose address could not be recorded.
    pub unrecorded_blocks: u64,
    /// Valid entries of `segments`; grows only after the entry is written.
    pub segment_count: u32,
    /// Zero.
    pub reserved: u32,
    /// The directory.
    pub segments: [SegmentEntry; MAX_SEGMENTS],
    /// Bytes of files that the program has mapped, now: no heap.
    pub file_mapped_bytes: u64,
    /// Most of them at a time.
    pub file_mapped_peak_bytes: u64,
    /// The point with most resident bytes so far, which the timeline may have thinned out.
    pub most_resident: TimelinePoint,
    /// Average bytes between samples; 0: every block is recorded.
    pub sample_bytes: u64,
}

const _: () = assert!(size_of::<Header>() <= HEADER_BYTES as usize);
const _: () = assert!(size_of::<Node>() == 64 && size_of::<Temporary>() == 16);
const _: () = assert!(
    size_of::<TimelinePoint>() == 8 * POINT_WORDS && 8 * POINT_WORDS == POINT_BYTES as usize
);

/// What a node stands for.
pub mod node_kind {
    /// A Python frame at an instruction; its own counters are Python-domain blocks (PyMem, PyObject, `PyMem_Raw`).
    pub const FRAME: u32 = 0;
    /// Blocks of malloc and its family asked for by native code under the parent frame.
    pub const NATIVE: u32 = 1;
    /// Anonymous memory mappings asked for under the parent frame.
    pub const MAPPING: u32 = 2;
    /// A native function that the parent called: `code` is a module id or [`super::UNKNOWN_MODULE`], `instruction` an
    /// address of the call in the module's file. Its own counters are Python-domain blocks, as a frame's.
    pub const NATIVE_FRAME: u32 = 3;
    /// Memory that a thread without Python asked for while the parent frame waited for it; its own counters are blocks of
    /// Python's allocators, and those of other kinds are its children. Under the root: nobody waited.
    pub const WORKER: u32 = 4;

    /// Whether a node's own counters are blocks of Python's own allocators.
    #[inline]
    #[must_use]
    pub const fn is_python(kind: u32) -> bool {
        !matches!(kind, NATIVE | MAPPING)
    }
}

/// In place of a module id: code that belongs to no loaded object, or a stack that could not be followed further out.
pub const UNKNOWN_MODULE: u32 = u32::MAX;

/// One node of the call tree, 64 bytes. A parent's id is lower than its children's.
///
/// At peak = `at_peak_*` where `peak_number` equals the header's, otherwise `live_*`; always `live_*` while the heap is
/// above the peak in the header. So a peak is written down, and the header's number moves on, at the first free after it,
/// and a node is rebased when it is touched below the peak.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Node {
    /// Node id of the caller; the root is its own parent.
    pub parent: u32,
    /// Code id of a `CODE` record, or for `NATIVE_FRAME` module id of a `MODULE` record; meaningless for the root (memory
    /// without any Python frame) and for other kinds.
    pub code: u32,
    /// Byte offset of the instruction in the code object (`f_lasti` as Python shows it, so 2 per code unit).
    pub instruction: u32,
    /// One of [`node_kind`].
    pub kind: u32,
    /// Live bytes.
    pub live_bytes: u64,
    /// Live bytes at the peak with number `peak_number`.
    pub at_peak_bytes: u64,
    /// Bytes allocated in total.
    pub churn_bytes: u64,
    /// Blocks allocated in total.
    pub churn_blocks: u64,
    /// The peak that `at_peak_*` speak of.
    pub peak_number: u64,
    /// Live blocks.
    pub live_blocks: u32,
    /// Live blocks at that peak.
    pub at_peak_blocks: u32,
}

/// Of what a node allocated, the blocks that the same thread freed before its fourth next allocation.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Temporary {
    /// Bytes in total.
    pub bytes: u64,
    /// Blocks in total.
    pub blocks: u64,
}

/// Before each record of a `RECORDS` segment.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordHeader {
    /// One of [`record_kind`]; unknown kinds are skipped.
    pub kind: u32,
    /// Payload bytes, without the padding to 8.
    pub payload_bytes: u32,
}

/// What a record says.
pub mod record_kind {
    /// `code id u32, first line u32, flags u32 (bit 0: line table is 3.10's), 3 lengths u32 (filename, qualified name, line table)`, then those bytes. Texts are as `os.fsencode` gives them: UTF-8 but for odd file names.
    pub const CODE: u32 = 1;
    /// `count u32, reserved u32`, then `count` texts, each `u32 length + bytes`: executable, cwd, then argv.
    pub const PROCESS: u32 = 2;
    /// A census of types near the peak; a later one replaces an earlier one: `live bytes then u64, elapsed ns u64, type count u32, site count u32`, then per type `objects u64, bytes u64, u32 length + qualified name (module.qualname)` padded to 8, then per site `place of its type u32, node id u32, objects u64, bytes u64`.
    pub const CENSUS: u32 = 3;
    /// Written by the launcher afterwards, in a segment of its own at the end of the file: `peak RSS bytes u64, duration ns u64, exit code i32, signal i32 (0: none)`.
    pub const ENDING: u32 = 4;
    /// A program or library that native frames lie in: `module id u32, reserved u32, base u64, start u64, end u64, 2 lengths u32 (build id, path)`, then those bytes. Its file's addresses plus `base` are those in memory.
    pub const MODULE: u32 = 5;
    /// Written afterwards, in segments at the end of the file: the functions at one address of a module's file. `module id u32, instruction u32, count u32, reserved u32`, then per function, innermost inlined one first, `line u32, flags u32 (bit 0: inlined into the next), 2 lengths u32 (function, file)` and those bytes.
    pub const SYMBOL: u32 = 6;
    /// The stack that forked this process: `node id u32, reserved u32`.
    pub const FORK: u32 = 7;
    /// How recording ended, the last one counts: `peak RSS bytes u64 (0: unknown), way u32 (0 Python ended, 1 at once with an exit status, 2 another program was executed), exit status i32`.
    pub const LEAVING: u32 = 8;
    /// A child whose end this process waited for: `process id u32, wait status i32, Unix time ns u64`.
    pub const CHILD_ENDING: u32 = 9;
}

/// Of a point.
pub const POINT_WORDS: usize = 12;
/// The bytes of a point.
pub const POINT_BYTES: u32 = 96;
/// Of a point whose segment does not say how many bytes it has.
pub const LEAST_POINT_WORDS: usize = 6;

/// One point of the timeline: numbers of 64 bits alone, so that it is its words.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct TimelinePoint {
    /// Since start.
    pub elapsed_ns: u64,
    /// Live bytes.
    pub live_bytes: u64,
    /// Resident set size.
    pub rss_bytes: u64,
    /// pymalloc arenas held.
    pub arena_bytes: u64,
    /// Live bytes inside those arenas.
    pub arena_live_bytes: u64,
    /// What malloc keeps free (mallinfo2: fordblks).
    pub malloc_free_bytes: u64,
    /// Of `rss_bytes`, what is backed by files or shared: code, libraries, mapped files, shared memory.
    pub file_rss_bytes: u64,
    /// Of `rss_bytes`, the tracker's own tables.
    pub own_bytes: u64,
    /// Of `malloc_free_bytes`, what lies at the end of malloc's main heap (mallinfo2: keepcost).
    pub malloc_top_bytes: u64,
    /// How many arenas pymalloc holds.
    pub arena_count: u64,
    /// Bytes of files that the program has mapped.
    pub file_mapped_bytes: u64,
    /// When `malloc_*` and `own_bytes` were found: that takes time, and is not done for each point.
    pub kept_elapsed_ns: u64,
}
