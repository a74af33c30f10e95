use lowtide_prove::ProveError;
use std::io;
use std::path::PathBuf;

/// Why a program could not be slimmed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SlimError {
    /// A run could not be made.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The program was not tracked.
    #[error("nothing was recorded of the program")]
    NothingRecorded,
    /// A rewritten source could not be put where Python is to read it.
    #[error("cannot write {}: {source}", path.display())]
    Version {
        /// The file among the temporary ones.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl SlimError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Prove(error) => error.hint(),
            Self::NothingRecorded => {
                "the program ended before Python was up, or Python ignored its environment"
                    .to_owned()
            }
            Self::Version { .. } => {
                "set TMPDIR to a folder on a disk with free space that you may write to".to_owned()
            }
        }
    }
}
