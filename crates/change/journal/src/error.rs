use std::io;
use std::path::{Path, PathBuf};

/// Why a run's changes could not be read or undone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The run's folder could not be made, read or written.
    #[error("cannot use {}: {source}", path.display())]
    Folder {
        /// The file or folder concerned.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the user's could not be put back.
    #[error("cannot put {} back as it was: {source}", path.display())]
    PutBack {
        /// The user's path.
        path: PathBuf,
        /// Where its original content lies, if it had any.
        kept: Option<PathBuf>,
        /// What the system said.
        source: io::Error,
    },
}

impl JournalError {
    pub(crate) fn folder(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Folder { path, source }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Folder { .. } => {
                "set TMPDIR to a folder on a disk with free space that you may write to".to_owned()
            }
            Self::PutBack { kept: Some(kept), .. } => {
                format!("its original content is safe in {}", kept.display())
            }
            Self::PutBack { kept: None, .. } => {
                "it did not exist before the run: remove it by hand".to_owned()
            }
        }
    }
}
