use crate::Frame;
use lowtide_capture::{ChildEnding, StopReason, Way};
use lowtide_units::{Bytes, Elapsed, PythonVersion};
use std::path::PathBuf;

/// Which process it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessFacts {
    /// `sys.executable`.
    pub executable: PathBuf,
    /// Working directory at start.
    pub cwd: PathBuf,
    /// The command line, beginning with the interpreter.
    pub argv: Vec<String>,
    /// Feature version.
    pub python: PythonVersion,
    /// As `3.13.0`, `3.14.0rc1`.
    pub python_text: String,
    /// Operating system process id.
    pub pid: u32,
    /// Its parent's at start.
    pub parent_pid: u32,
}

/// What joins a process to the others of its run.
#[derive(Clone, Debug)]
pub struct ProcessLife {
    pub started_unix_ns: u64,
    /// Outermost frame first.
    pub forked_at: Option<Vec<Frame>>,
    pub way: Option<Way>,
    pub children: Vec<ChildEnding>,
}

/// How far the figures reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// To the end of the program.
    Complete,
    /// To the moment when the process was killed; or it still runs.
    CutOff,
    /// To the moment when the tracker gave up; `None` is a reason that this version does not know.
    Stopped(Option<StopReason>),
}

/// How the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this exit status.
    Status(i32),
    /// Killed by this signal.
    Signal(i32),
    /// Nobody noted it: a child that nobody waited for, or a launcher that was killed too.
    Unknown,
}

/// The moment with most live bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// Live bytes: what the program asked for and had not given back.
    pub heap: Bytes,
    /// In so many blocks.
    pub blocks: u64,
    /// Of `heap`, from Python's allocators.
    pub python: Bytes,
    /// Of `heap`, from malloc and its family.
    pub native: Bytes,
    /// Of `heap`, anonymous mappings.
    pub mappings: Bytes,
    /// Most resident bytes of the whole process at any time, by the kernel's count; the tracker's own are in it.
    pub rss: Bytes,
    /// What allocators held near the peak and nobody used; `None` when the run was too short for a timeline point.
    pub slack: Option<Slack>,
    /// When, since start, about.
    pub elapsed: Elapsed,
}

/// Memory that allocators hold but nobody uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slack {
    /// In pymalloc's arenas.
    pub arenas: Bytes,
    /// In malloc's free lists.
    pub malloc: Bytes,
    /// Resident for other reasons: code, libraries, stacks, the tracker's tables, rounding.
    pub rest: Bytes,
}

/// One moment of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimelinePoint {
    /// Since start.
    pub elapsed: Elapsed,
    /// Live bytes.
    pub heap: Bytes,
    /// Resident bytes.
    pub rss: Bytes,
    /// pymalloc arenas held.
    pub arenas: Bytes,
    /// Live bytes inside those arenas.
    pub arena_live: Bytes,
    /// What malloc keeps free.
    pub malloc_free: Bytes,
    /// Of `rss`, what is backed by files or shared: code, libraries, mapped files, shared memory.
    pub files: Bytes,
    /// Of `rss`, the tracker's own tables, which a run without it does not have.
    pub own: Bytes,
    /// Of `malloc_free`, what lies at the end of malloc's main heap.
    pub malloc_top: Bytes,
    /// How many arenas pymalloc holds.
    pub arena_count: u64,
    /// Files that the program had mapped; no heap, and resident only as far as they were read.
    pub file_mapped: Bytes,
    /// Whether `malloc_*` and `own` were found at this moment, and not a little before.
    pub is_whole: bool,
}

impl TimelinePoint {
    /// What nobody uses of pymalloc's arenas.
    #[must_use]
    pub fn arena_free(&self) -> Bytes {
        self.arenas - self.arena_live
    }

    /// Resident for other reasons than heap, slack, files and the tracker: Python before tracking began, stacks, rounding.
    #[must_use]
    pub fn rest(&self) -> Bytes {
        self.rss - self.accounted()
    }

    /// Of heap and slack, at least so much is not resident: never written to, or given back to the kernel.
    #[must_use]
    pub fn absent(&self) -> Bytes {
        self.accounted() - self.rss
    }

    fn accounted(&self) -> Bytes {
        self.heap + self.arena_free() + self.malloc_free + self.files + self.own
    }
}

/// A heap that became much smaller after its peak, and an RSS that did not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fall {
    /// The timeline's point with most live bytes.
    pub from: TimelinePoint,
    /// The last of the whole points after it with the least.
    pub to: TimelinePoint,
}

impl Fall {
    /// By how much the heap became smaller.
    #[must_use]
    pub fn heap(&self) -> Bytes {
        self.from.heap - self.to.heap
    }

    /// What stayed resident of what the heap gave up. Memory that was never resident cannot go.
    #[must_use]
    pub fn stuck(&self) -> Bytes {
        self.heap() - self.rss() - (self.from.absent() - self.to.absent())
    }

    /// By how much RSS did; 0 where it grew.
    #[must_use]
    pub fn rss(&self) -> Bytes {
        self.from.rss - self.to.rss
    }
}

/// Files that the program itself mapped: addresses, no heap. Libraries are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileMapped {
    /// Most at a time.
    pub peak: Bytes,
    /// Still mapped when recording ended.
    pub left_at_exit: Bytes,
}
