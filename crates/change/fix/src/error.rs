use std::io;
use std::path::{Path, PathBuf};

/// Why rewritten files could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FixError {
    /// The file may not be written, and its owner wants it so.
    #[error("{} is read-only", .0.display())]
    ReadOnlyFile(PathBuf),
    /// Somebody changed the file after it was read.
    #[error("{} changed while it was being rewritten", .0.display())]
    ChangedMeanwhile(PathBuf),
    /// The operating system refused.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The file that was to be rewritten.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Some files were replaced, then one could not be, and then not all could be put back.
    #[error("cannot write {}, and {} could not be put back", file.display(), listed(changed))]
    HalfWritten {
        /// The file that could not be written.
        file: PathBuf,
        /// Files that hold the rewritten text.
        changed: Vec<PathBuf>,
    },
}

impl FixError {
    pub(crate) fn write(file: &Path, source: io::Error) -> Self {
        Self::Write { file: file.to_owned(), source }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::ReadOnlyFile(_) => {
                "make it writable (chmod u+w), or use --diff and apply the patch; no file was changed"
            }
            Self::ChangedMeanwhile(_) => "run the command again; no file was changed",
            Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some space on that disk; no file was changed"
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "make the folder writable, or use --diff and apply the patch elsewhere; no file was changed"
                }
                _ => "use --diff and apply the patch by hand; no file was changed",
            },
            Self::HalfWritten { .. } => {
                "each file named holds valid Python; take the old text from version control"
            }
        }
    }
}

fn listed(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}
