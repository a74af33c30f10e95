use crate::NativeFrame;
use lowtide_units::Bytes;
use std::iter::Sum;
use std::ops::AddAssign;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes and the blocks (or objects) they are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requested bytes.
    pub bytes: Bytes,
    /// Blocks, mappings or objects.
    pub count: u64,
}

impl Usage {
    /// `count` blocks of `bytes` in total.
    #[must_use]
    pub const fn new(bytes: u64, count: u64) -> Self {
        Self { bytes: Bytes(bytes), count }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.count = self.count.saturating_add(other.count);
    }
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), |mut total, usage| {
            total += usage;
            total
        })
    }
}

/// What was asked for at one place, at three times, and how much of it for a moment only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageInTime {
    /// Live at the peak.
    pub at_peak: Usage,
    /// Live when recording ended.
    pub left_at_exit: Usage,
    /// Allocated in total.
    pub churn: Usage,
    /// Of `churn`, freed before the fourth next allocation of its thread, by that thread.
    pub temporary: Usage,
}

impl AddAssign for UsageInTime {
    fn add_assign(&mut self, other: Self) {
        self.at_peak += other.at_peak;
        self.left_at_exit += other.left_at_exit;
        self.churn += other.churn;
        self.temporary += other.temporary;
    }
}

/// What one line of Python itself asked for: not what functions asked for that it called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineUsage {
    /// Where.
    pub place: Frame,
    /// Live at the peak.
    pub at_peak: Usage,
    /// Live when recording ended.
    pub left_at_exit: Usage,
    /// Allocated in total.
    pub churn: Usage,
    /// Of `churn`, freed before the fourth next allocation of its thread, by that thread.
    pub temporary: Usage,
    /// Of these, blocks of malloc and its family.
    pub native: UsageInTime,
    /// Of these, anonymous mappings.
    pub mappings: UsageInTime,
    /// Of these, of whatever kind: what threads without Python asked for while this line waited for them.
    pub workers: UsageInTime,
}

/// A line being run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame {
    /// `co_filename`, made absolute with the process's working directory where it names a real path; names such as
    /// `<frozen importlib._bootstrap>` stay as they are. Empty for memory that no Python frame asked for.
    pub file: Arc<PathBuf>,
    /// 1-based; 0 where Python knows no line.
    pub line: u32,
    /// `co_qualname`; on 3.10 `co_name`.
    pub function: Arc<str>,
}

/// Who handed out the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemoryKind {
    /// Python's own allocators.
    Python,
    /// malloc and its family, called by native code.
    Native,
    /// Anonymous mappings.
    Mapping,
}

/// What one line asked native code for, by the way that the request took there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeUsage {
    /// From the function that the line called to the one that asked for memory.
    pub calls: Vec<NativeFrame>,
    /// Live at the peak.
    pub at_peak: Usage,
}

/// One level of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StackFrame {
    /// A line of Python.
    Python(Frame),
    /// A native function.
    Native(NativeFrame),
}

/// What one stack asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackUsage {
    /// Outermost first; empty for memory that no known frame asked for. Native functions are there if they were recorded.
    pub frames: Vec<StackFrame>,
    /// From whom.
    pub kind: MemoryKind,
    /// Whether threads without Python asked for it while the innermost frame waited for them.
    pub by_workers: bool,
    /// Live at the peak.
    pub at_peak: Usage,
    /// Live when recording ended.
    pub left_at_exit: Usage,
    /// Allocated in total.
    pub churn: Usage,
    /// Of `churn`, freed before the fourth next allocation of its thread, by that thread.
    pub temporary: Usage,
}

/// The objects of one type, near the peak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeUsage {
    /// `module.qualname`; builtins without a module.
    pub name: String,
    /// Objects, and their bytes with what they own: items, table, instance dict.
    pub live: Usage,
    /// Who made them, most bytes first, then by name. An object is charged, with what it owns, to the line that asked for
    /// the object itself. Objects made by more stacks than a capture keeps are missing here.
    pub lines: Vec<TypeLine>,
}

/// The objects of one type that one line made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeLine {
    /// Where.
    pub place: Frame,
    /// Objects, and their bytes with what they own.
    pub live: Usage,
}
