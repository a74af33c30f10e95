use crate::StopReason;
use crate::layout::{Header, Node, TimelinePoint};
use std::ffi::CStr;
use std::ptr::NonNull;

/// What the header says of the process at start.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// `sys.hexversion`.
    pub hexversion: u32,
    /// Wall clock, nanoseconds since 1970.
    pub started_unix_ns: u64,
}

/// What a `CODE` record says.
#[derive(Clone, Copy, Debug)]
pub struct CodeFacts<'a> {
    /// `co_firstlineno`.
    pub first_line: u32,
    /// Whether `line_table` is 3.10's.
    pub is_line_table_of_3_10: bool,
    /// `co_filename`.
    pub filename: &'a [u8],
    /// `co_qualname`; on 3.10 `co_name`.
    pub qualified_name: &'a [u8],
    /// `co_linetable`.
    pub line_table: &'a [u8],
}

/// Writes one capture from inside the target process.
///
/// Never allocates, never panics; each error is a reason to stop recording. Calls must be serialised by the caller.
#[derive(Debug)]
pub struct CaptureWriter {
    header: NonNull<Header>,
    nodes: NonNull<Node>,
}

impl CaptureWriter {
    /// Creates the file (replacing an old one), with the root node.
    ///
    /// # Errors
    /// The `errno` of what the kernel refused.
    pub fn create(path: &CStr, start: &Start) -> Result<Self, i32> {
        let _ = (path, start);
        Err(0)
    }

    /// The header in the file, valid until `finish` or `abandon`. Counters are the tracker's to update in place.
    #[must_use]
    pub fn header(&self) -> NonNull<Header> {
        self.header
    }

    /// The node with id 0; node ids count from here without a gap. Valid until `finish` or `abandon`, never moves.
    #[must_use]
    pub fn nodes(&self) -> NonNull<Node> {
        self.nodes
    }

    /// Appends a node (counters as given) and returns its id.
    ///
    /// # Errors
    /// The reason to stop recording.
    pub fn add_node(&mut self, node: Node) -> Result<u32, StopReason> {
        let _ = node;
        Err(StopReason::Inconsistent)
    }

    /// Appends a `CODE` record and returns its code id: 0, 1, 2 ...
    ///
    /// # Errors
    /// The reason to stop recording.
    pub fn add_code(&mut self, code: &CodeFacts) -> Result<u32, StopReason> {
        let _ = code;
        Err(StopReason::Inconsistent)
    }

    /// Appends the `PROCESS` record: executable, working directory, then argv.
    ///
    /// # Errors
    /// The reason to stop recording.
    pub fn add_process(&mut self, texts: &[&[u8]]) -> Result<(), StopReason> {
        let _ = texts;
        Err(StopReason::Inconsistent)
    }

    /// Whether the timeline wants another point now: every 10 ms, less often in long runs.
    #[must_use]
    pub fn wants_timeline_point(&self, elapsed_ns: u64) -> bool {
        let _ = elapsed_ns;
        false
    }

    /// Appends a point, thinning the timeline out when it is full. Also sets the header's `elapsed_ns`.
    pub fn add_timeline_point(&mut self, point: &TimelinePoint) {
        let _ = point;
    }

    /// Writes the final state, unmaps everything and cuts the file to what is used.
    pub fn finish(self, elapsed_ns: u64, stop_reason: Option<StopReason>) {
        let _ = (elapsed_ns, stop_reason);
    }

    /// Lets go of the file without touching it: for a forked child, whose parent goes on writing.
    pub fn abandon(self) {}
}
