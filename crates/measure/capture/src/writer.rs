use crate::StopReason;
use crate::layout::{Header, Node, Temporary, TimelinePoint, record_kind, state};
use crate::raw::{CaptureFile, HeaderPage, NodeTable};
use crate::records::{CensusSlots, RecordStream};
use crate::snapshot::{self, SnapshotError};
use crate::timeline::Timeline;
use std::ffi::CStr;
use std::ptr::NonNull;

const FIRST_SEGMENT_BYTES: usize = 64 << 10;
const LARGEST_SEGMENT_BYTES: usize = 4 << 20;

/// Each segment of a kind doubles what is there, within bounds: few segments, little waste.
pub(crate) fn next_segment_bytes(bytes_so_far: usize) -> usize {
    bytes_so_far.clamp(FIRST_SEGMENT_BYTES, LARGEST_SEGMENT_BYTES)
}

/// What the header says of the process at start.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// `sys.hexversion`.
    pub hexversion: u32,
    /// This process's id.
    pub pid: u32,
    /// Its parent's.
    pub parent_pid: u32,
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

/// What a `MODULE` record says.
#[derive(Clone, Copy, Debug)]
pub struct ModuleFacts<'a> {
    /// How far from where its file says it was loaded.
    pub base: u64,
    /// Its first address.
    pub start: u64,
    /// The first address behind it.
    pub end: u64,
    /// Empty without one.
    pub build_id: &'a [u8],
    /// The file it was loaded from.
    pub path: &'a [u8],
}

/// Writes one capture from inside the target process.
///
/// Never allocates, never panics; each error is a reason to stop recording. Calls must be serialised by the caller.
/// Dropping it leaves the file as a killed process does; `finish` ends it in order.
#[derive(Debug)]
pub struct CaptureWriter {
    file: CaptureFile,
    header: HeaderPage,
    nodes: NodeTable,
    records: RecordStream,
    census: CensusSlots,
    timeline: Timeline,
    code_count: u32,
    module_count: u32,
}

impl CaptureWriter {
    /// Creates the file at an absolute path, replacing an old one, with the root node and [`state::STARTING`].
    ///
    /// # Errors
    /// What the file system refused.
    pub fn create(path: &CStr, start: &Start) -> Result<Self, CreateError> {
        let mut file = CaptureFile::create(path).map_err(CreateError::Open)?;
        let mut header = HeaderPage::create(&mut file, start)?;
        let mut nodes = NodeTable::create(&mut file, &mut header)?;
        let records = RecordStream::create(&mut file, &mut header)?;
        let timeline = Timeline::create(&mut file, &mut header)?;
        nodes.add(Node::default(), &mut header);
        header.publish_magic();
        Ok(Self {
            file,
            header,
            nodes,
            records,
            census: CensusSlots::new(),
            timeline,
            code_count: 0,
            module_count: 0,
        })
    }

    /// Keeps the file's descriptor out of the process's sight, at the price that the file cannot grow where it may not
    /// be opened again.
    pub fn hide_descriptor(&mut self) {
        self.file.hide();
    }

    /// Says that events are being recorded from now on.
    pub fn start_recording(&mut self) {
        self.header.set_state(state::RECORDING, 0);
    }

    /// Says that recording ended in order, which it has if nothing follows.
    pub fn pause_recording(&mut self) {
        self.header.set_state(state::ENDED, 0);
    }

    /// The header in the file, valid until `finish` or `abandon`. The counters from `live_bytes` to `peak_number`,
    /// `peak_elapsed_ns`, `arena_bytes`, `unrecorded_blocks` and `file_mapped_*` are the caller's to update in place.
    #[must_use]
    pub fn header(&self) -> NonNull<Header> {
        self.header.as_ptr()
    }

    /// The node with id 0; node `id` lies `id` nodes further on. Valid until `finish` or `abandon`, never moves.
    /// Counters are the caller's to update in place.
    #[must_use]
    pub fn nodes(&self) -> NonNull<Node> {
        self.nodes.base()
    }

    /// What was temporary of the node with id 0; of node `id` it lies `id` items further on. As `nodes`.
    #[must_use]
    pub fn temporary(&self) -> NonNull<Temporary> {
        self.nodes.temporary()
    }

    /// Nodes so far, the root included: their ids are lower.
    #[must_use]
    pub fn node_count(&self) -> u32 {
        self.nodes.count()
    }

    /// Appends a node and returns its id. Its parent must be there already.
    ///
    /// # Errors
    /// The reason to stop recording.
    pub fn add_node(&mut self, node: Node) -> Result<u32, StopReason> {
        if self.nodes.is_full() {
            self.nodes.grow(&mut self.file, &mut self.header)?;
        }
        Ok(self.nodes.add(node, &mut self.header))
    }

    /// Appends a `CODE` record and returns its code id: 0, 1, 2 ...
    ///
    /// # Errors
    /// The reason to stop recording.
    pub fn add_code(&mut self, code: &CodeFacts) -> Result<u32, StopReason> {
        let id = self.code_count;
        let numbers = [
            id,
            code.first_line,
            u32::from(code.is_line_table_of_3_10),
            length_of(code.filename)?,
            length_of(code.qualified_name)?,
            length_of(code.line_table)?,
        ];
        let numbers = numbers.map(u32::to_le_bytes);
        let parts = [numbers.as_flattened(), code.filename, code.qualified_name, code.line_table];
        self.records.append(&mut self.file, &mut self.header, record_kind::CODE, &parts)?;
        self.code_count += 1;
        Ok(id)
    }

    /// Appends a `MODULE` record and returns its module id: 0, 1, 2 ...
    ///
    /// # Errors
    /// The reason to stop recording.
    pub fn add_module(&mut self, module: &ModuleFacts) -> Result<u32, StopReason> {
        let id = self.module_count;
        let ids = [id, 0].map(u32::to_le_bytes);
        let addresses = [module.base, module.start, module.end].map(u64::to_le_bytes);
        let lengths = [length_of(module.build_id)?, length_of(module.path)?].map(u32::to_le_bytes);
        let parts = [
            ids.as_flattened(),
            addresses.as_flattened(),
            lengths.as_flattened(),
            module.build_id,
            module.path,
        ];
        self.records.append(&mut self.file, &mut self.header, record_kind::MODULE, &parts)?;
        self.module_count += 1;
        Ok(id)
    }

    /// Appends a `PROCESS` record. `texts` is its payload after `count`: each text as `u32 length + bytes`, in the
    /// order executable, working directory, argv. See [`encode_text`].
    ///
    /// # Errors
    /// The reason to stop recording.
    pub fn add_process(&mut self, count: u32, texts: &[u8]) -> Result<(), StopReason> {
        let count = count.to_le_bytes();
        let parts = [&count[..], &[0; 4], texts];
        self.records.append(&mut self.file, &mut self.header, record_kind::PROCESS, &parts)
    }

    pub(crate) fn add_record(&mut self, kind: u32, payload: &[u8]) -> Result<(), StopReason> {
        self.records.append(&mut self.file, &mut self.header, kind, &[payload])
    }

    /// Room for a `CENSUS` payload of at most `payload_bytes`; nothing is seen of it before `publish_census`, and the
    /// census before it stays readable until then.
    ///
    /// # Errors
    /// The reason to stop recording.
    pub fn begin_census(&mut self, payload_bytes: usize) -> Result<&mut [u8], StopReason> {
        self.census.begin(&mut self.file, &mut self.header, payload_bytes)
    }

    /// Makes the first `payload_bytes` of what `begin_census` gave the latest census.
    pub fn publish_census(&mut self, payload_bytes: usize) {
        self.census.publish(&mut self.header, payload_bytes);
    }

    /// Whether the timeline wants another point now: every 10 ms, less often in long runs.
    #[must_use]
    pub fn wants_timeline_point(&self, elapsed_ns: u64) -> bool {
        self.timeline.wants_point(elapsed_ns)
    }

    /// Appends a point, and sets the header's `elapsed_ns` and `most_resident`.
    pub fn add_timeline_point(&mut self, point: &TimelinePoint) {
        self.timeline.add(&mut self.header, point);
        self.header.note_resident(point);
        self.header.set_elapsed(point.elapsed_ns);
    }

    /// Writes the final state, unmaps everything and cuts the file to what is used.
    pub fn finish(mut self, elapsed_ns: u64, stop_reason: Option<StopReason>) {
        let state = if stop_reason.is_some() { state::STOPPED } else { state::ENDED };
        self.header.set_elapsed(elapsed_ns);
        self.header.set_state(state, stop_reason.map_or(0, StopReason::code));
        let used_end = self.header.used_end();
        let mut file = self.unmap();
        file.cut(used_end);
        file.close();
    }

    /// Copies the capture as it is now to an absolute path, in place of what is there, as one whose tracking ended here.
    ///
    /// Unlike all else here it allocates: it is not for allocation hooks.
    ///
    /// # Errors
    /// What the file system refused; nothing half-written is left.
    pub fn snapshot(&mut self, path: &CStr) -> Result<(), SnapshotError> {
        let file = self.file.duplicate().map_err(|_| SnapshotError::Unreadable)?;
        snapshot::copy(&file, self.header.used_end(), path)
    }

    /// Whether `path` leads to the file that is being written.
    #[must_use]
    pub fn is_at(&self, path: &CStr) -> bool {
        self.file.is_at(path)
    }

    /// Lets go of the file without touching it: for a forked child, whose parent goes on writing.
    pub fn abandon(self) {
        self.unmap().close();
    }

    fn unmap(self) -> CaptureFile {
        self.nodes.unmap();
        self.records.unmap();
        self.census.unmap();
        self.timeline.unmap();
        self.header.unmap();
        self.file
    }
}

/// Why no capture was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The file could not be created; the `errno`.
    #[error("the capture could not be created (error {0} of the operating system)")]
    Open(i32),
    /// It could not be given its first bytes.
    #[error("the capture could not be begun: {}", .0.message())]
    Begin(StopReason),
}

impl From<StopReason> for CreateError {
    fn from(reason: StopReason) -> Self {
        Self::Begin(reason)
    }
}

/// Writes `text` as `u32 length + bytes` to the start of `room`; returns what is left, or `None` where it does not fit.
#[must_use]
pub fn encode_text<'a>(room: &'a mut [u8], text: &[u8]) -> Option<&'a mut [u8]> {
    let length = u32::try_from(text.len()).ok()?;
    let (length_place, room) = room.split_at_mut_checked(4)?;
    let (text_place, rest) = room.split_at_mut_checked(text.len())?;
    length_place.copy_from_slice(&length.to_le_bytes());
    text_place.copy_from_slice(text);
    Some(rest)
}

fn length_of(text: &[u8]) -> Result<u32, StopReason> {
    u32::try_from(text.len()).map_err(|_| StopReason::CaptureFull)
}
