use lowtide_capture::StopReason;
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

/// How far the figures reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// To the end of the program.
    Complete,
    /// To the moment when the process was killed or left without clean-up (`os._exit`, `os.exec*`); or it still runs.
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
    /// Nobody noted it: a forked child, or a launcher that was killed too.
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
}
