//! A copy of a capture that is still being written.

use crate::layout::{Header, state};
use std::ffi::{CStr, OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::mem::offset_of;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The capture itself is gone.
    #[error("the capture that is being written cannot be read")]
    Unreadable,
    /// The snapshot could not be written.
    #[error("cannot write the snapshot {}: {source}", path.display())]
    Unwritable {
        /// Where it was to go.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl SnapshotError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable => "something deleted it, or closed what does not belong to it",
            Self::Unwritable { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => "name a folder that exists",
                io::ErrorKind::PermissionDenied => "name a folder that may be written",
                io::ErrorKind::StorageFull => "free some space there, or name another place",
                io::ErrorKind::IsADirectory => "name a file, not a folder",
                _ => "name another place",
            },
        }
    }
}

/// Copies a capture that another process is writing, perhaps, to `path`, in place of what is there. Counters may be an
/// event apart.
///
/// # Errors
/// As the operating system says. Nothing half-written is left.
pub fn of(capture: &Path, path: &Path) -> Result<(), SnapshotError> {
    let file = File::open(capture).map_err(|_| SnapshotError::Unreadable)?;
    copy_whole(&file, u64::MAX, path)
}

/// Copies the first `bytes` of a capture to `path`, in place of what is there. It says that tracking ended: a recording
/// that goes on is not one that was killed.
///
/// # Errors
/// What the operating system refused. Nothing half-written is left.
pub fn copy(capture: &File, bytes: u64, path: &CStr) -> Result<(), SnapshotError> {
    copy_whole(capture, bytes, Path::new(OsStr::from_bytes(path.to_bytes())))
}

fn copy_whole(capture: &File, bytes: u64, path: &Path) -> Result<(), SnapshotError> {
    let unwritable = |source| SnapshotError::Unwritable { path: path.to_owned(), source };
    let unfinished =
        unfinished_name(path).ok_or(io::ErrorKind::IsADirectory.into()).map_err(unwritable)?;
    write(capture, bytes, &unfinished)
        .and_then(|()| fs::rename(&unfinished, path))
        .inspect_err(|_| drop(fs::remove_file(&unfinished)))
        .map_err(unwritable)
}

fn write(mut capture: &File, bytes: u64, path: &Path) -> io::Result<()> {
    let mut copy = File::create(path)?;
    capture.seek(SeekFrom::Start(0))?;
    io::copy(&mut capture.take(bytes), &mut copy)?;
    copy.write_all_at(&state::ENDED.to_le_bytes(), offset_of!(Header, state) as u64)
}

/// Beside the snapshot, so that it can take that name in one step.
fn unfinished_name(path: &Path) -> Option<PathBuf> {
    let mut name = OsString::from(".");
    name.push(path.file_name()?);
    name.push(format!(".{}", std::process::id()));
    Some(path.with_file_name(name))
}
