use std::io;
use std::path::{Path, PathBuf};

/// Why a capture could not be read or annotated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The file could not be opened, read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read` or `annotate`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file does not begin as captures do.
    #[error("{} is not a lowtide capture", path.display())]
    NotACapture {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a later lowtide.
    #[error("{} has capture format {found}, this lowtide reads format {known}", path.display())]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The file ends before what its directory promises.
    #[error("{} is truncated: {found_bytes} of at least {expected_bytes} bytes are there", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its length.
        found_bytes: u64,
        /// The length it should have.
        expected_bytes: u64,
    },
    /// The file contradicts itself.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which part.
        what: &'static str,
    },
}

impl CaptureError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Io { action, source, .. } => io_hint(action, source.kind()),
            Self::NotACapture { .. } => {
                "make one with `lowtide run --out FILE script.py`".to_owned()
            }
            Self::NewerVersion { .. } => {
                "read it with the lowtide that wrote it, or update this one".to_owned()
            }
            Self::Truncated { .. } | Self::Damaged { .. } => {
                "copy the file again, or measure again with `lowtide run --out FILE`".to_owned()
            }
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}

fn io_hint(action: &str, kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::NotFound => {
            "check the path; `lowtide run --out FILE script.py` makes a capture".to_owned()
        }
        io::ErrorKind::IsADirectory => "name the capture file itself, not its folder".to_owned(),
        io::ErrorKind::PermissionDenied => {
            format!("you may not {action} it; check its permissions")
        }
        io::ErrorKind::StorageFull => "free some space on that file system".to_owned(),
        _ => "check the file system it lies on".to_owned(),
    }
}
