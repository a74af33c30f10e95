use std::path::PathBuf;

/// Whole lines of one source file, 1-based, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineSpan {
    /// The file, absolute where it is known.
    pub file: PathBuf,
    /// First line.
    pub first: u32,
    /// Last line, never before `first`.
    pub last: u32,
}

impl LineSpan {
    /// Whether `line` of this span's file lies inside.
    #[must_use]
    pub fn holds_line(&self, line: u32) -> bool {
        (self.first..=self.last).contains(&line)
    }
}
