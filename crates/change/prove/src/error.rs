use lowtide_journal::JournalError;
use lowtide_launch::LaunchError;
use std::io;
use std::path::{Path, PathBuf};

/// Why runs could not be compared at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The program could not be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The journal of a run could not be kept, or the user's files not be put back.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The place for the runs could not be used.
    #[error("cannot use {}: {source}", path.display())]
    Place {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The program was about to change a file whose original could not be kept.
    #[error("the program was kept from changing {}: {reason}", path.display())]
    CannotKeep {
        /// The user's file.
        path: PathBuf,
        /// Why its original could not be kept.
        reason: String,
    },
    /// A signal asked lowtide to end; everything was put back.
    #[error("interrupted by signal {0}; every file is as it was")]
    Interrupted(i32),
    /// Another run of lowtide that ended early left files changed, and they cannot be put back now.
    #[error("an earlier run of lowtide left files changed that cannot be put back: {source}")]
    Abandoned {
        /// The folder with the journal and the originals.
        folder: PathBuf,
        /// What went wrong.
        source: JournalError,
    },
}

impl ProveError {
    pub(crate) fn place(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Place { path, source }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Launch(error) => error.hint(),
            Self::Journal(error) => error.hint(),
            Self::Place { .. } => "set TMPDIR to a folder on a disk with free space that you may write to".to_owned(),
            Self::CannotKeep { .. } => {
                "nothing was changed; set TMPDIR to a folder on a disk with more space, or let the program work on a \
                 smaller copy"
                    .to_owned()
            }
            Self::Interrupted(_) => "run it again when you have the time; --runs N sets how long it takes".to_owned(),
            Self::Abandoned { folder, source } => {
                format!("{}; then remove {}", source.hint(), folder.display())
            }
        }
    }
}
