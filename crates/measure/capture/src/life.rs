use crate::StopReason;
use crate::cursor::Cursor;
use crate::layout::record_kind;
use crate::writer::CaptureWriter;

/// What a process noted of how it came, how it left, and of its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// The node of the stack that forked this process; `None` for one that was executed.
    pub forked_at: Option<u32>,
    /// `None` when it was killed, gave up recording, or still runs.
    pub leaving: Option<Leaving>,
    /// Children whose end it waited for, in that order.
    pub children: Vec<ChildEnding>,
}

/// How recording ended, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// By what.
    pub way: Way,
    /// Most resident bytes of the process until then, by the kernel's count; 0 is unknown.
    pub peak_rss_bytes: u64,
}

/// What ended a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Python ended, or the program ended the recording.
    Python,
    /// The process left with this exit status, at once (`os._exit`).
    Exit(i32),
    /// The process executed another program in its place.
    Exec,
}

/// A child's end, as its parent was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildEnding {
    /// The child.
    pub pid: u32,
    /// As wait(2) gives it.
    pub wait_status: i32,
    /// Since 1970.
    pub ended_unix_ns: u64,
}

impl Way {
    fn encoded(self) -> [u32; 2] {
        match self {
            Self::Python => [0, 0],
            Self::Exit(status) => [1, status.cast_unsigned()],
            Self::Exec => [2, 0],
        }
    }

    fn decode([way, status]: [u32; 2]) -> Option<Self> {
        match way {
            0 => Some(Self::Python),
            1 => Some(Self::Exit(status.cast_signed())),
            2 => Some(Self::Exec),
            _ => None,
        }
    }
}

impl CaptureWriter {
    /// Notes the stack that forked this process.
    ///
    /// # Errors
    /// The reason to stop recording.
    pub fn add_fork(&mut self, node: u32) -> Result<(), StopReason> {
        self.add_record(record_kind::FORK, [node, 0].map(u32::to_le_bytes).as_flattened())
    }

    /// Notes how recording ends; of several notes the last counts.
    ///
    /// # Errors
    /// The reason to stop recording.
    pub fn add_leaving(&mut self, leaving: Leaving) -> Result<(), StopReason> {
        let [way, status] = leaving.way.encoded().map(u64::from);
        let words = [leaving.peak_rss_bytes, way | status << 32].map(u64::to_le_bytes);
        self.add_record(record_kind::LEAVING, words.as_flattened())
    }

    /// Notes the end of a child.
    ///
    /// # Errors
    /// The reason to stop recording.
    pub fn add_child_ending(&mut self, ending: ChildEnding) -> Result<(), StopReason> {
        let status = u64::from(ending.wait_status.cast_unsigned());
        let words = [u64::from(ending.pid) | status << 32, ending.ended_unix_ns];
        self.add_record(record_kind::CHILD_ENDING, words.map(u64::to_le_bytes).as_flattened())
    }
}

impl Life {
    pub(crate) fn read(&mut self, kind: u32, payload: &mut Cursor) {
        match kind {
            record_kind::FORK => self.forked_at = payload.u32().or(self.forked_at),
            record_kind::LEAVING => self.leaving = read_leaving(payload).or(self.leaving),
            record_kind::CHILD_ENDING => self.children.extend(read_child_ending(payload)),
            _ => {}
        }
    }
}

fn read_leaving(payload: &mut Cursor) -> Option<Leaving> {
    let [peak_rss_bytes] = payload.u64s()?;
    Some(Leaving { way: Way::decode(payload.u32s()?)?, peak_rss_bytes })
}

fn read_child_ending(payload: &mut Cursor) -> Option<ChildEnding> {
    let [pid, status] = payload.u32s()?;
    let [ended_unix_ns] = payload.u64s()?;
    Some(ChildEnding { pid, wait_status: status.cast_signed(), ended_unix_ns })
}
