use std::path::PathBuf;

/// A source file that Python shall read in another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substitute {
    /// The user's file; it is never written.
    pub original: PathBuf,
    /// The file that is read in its place.
    pub replacement: PathBuf,
}
