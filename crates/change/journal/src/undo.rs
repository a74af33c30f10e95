use crate::clock::moment;
use crate::keep::inode;
use crate::record::{Inode, Original, Record};
use crate::{JournalError, RunFolder};
use std::fs::{self, File, FileTimes, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

impl RunFolder {
    /// Puts every path that the run changed back as it was: content, permissions, time of modification, absence.
    ///
    /// # Errors
    /// When a path cannot be put back. All others are tried first, and nothing kept is thrown away.
    pub fn undo(&self) -> Result<(), JournalError> {
        let records = self.records()?;
        let mut failure = None;
        for (index, record) in
            records.iter().enumerate().take(self.left_to_undo(records.len())).rev()
        {
            if let Err(error) = self.undo_one(record) {
                failure.get_or_insert(error);
            }
            let is_border = matches!(record, Record::Moved { .. }) || index == 0;
            if is_border && failure.is_none() {
                self.note_undone_from(index)?;
            }
        }
        put_folder_times_back(&records);
        failure.map_or(Ok(()), Err)
    }

    /// Records before and after a move speak of different files by the same name, so a repetition starts in between.
    fn left_to_undo(&self, recorded: usize) -> usize {
        let undone_from = fs::read_to_string(self.undone()).ok().and_then(|text| text.parse().ok());
        undone_from.unwrap_or(recorded)
    }

    fn note_undone_from(&self, index: usize) -> Result<(), JournalError> {
        fs::write(self.undone(), index.to_string()).map_err(JournalError::folder(&self.undone()))
    }

    fn undo_one(&self, record: &Record) -> Result<(), JournalError> {
        match record {
            Record::Touched { path, original, .. } => {
                let kept = match original {
                    Original::File { kept, .. } => Some(self.kept(kept)),
                    _ => None,
                };
                self.put_back(path, original).map_err(|source| JournalError::PutBack {
                    path: path.clone(),
                    kept,
                    source,
                })
            }
            Record::Moved { from, to } => move_back(from, to).map_err(|source| {
                JournalError::PutBack { path: from.clone(), kept: Some(to.clone()), source }
            }),
            Record::Listing { .. } | Record::Effect(_) | Record::Refused { .. } => Ok(()),
        }
    }

    fn put_back(&self, path: &Path, original: &Original) -> io::Result<()> {
        match original {
            Original::Absent => remove(path),
            Original::File { kept, inode } => put_file_back(path, &self.kept(kept), inode),
            Original::Folder { mode, .. } => put_folder_back(path, *mode),
            Original::Link { target } => put_link_back(path, target),
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(())
        }
        other => other,
    }
}

fn put_file_back(path: &Path, kept: &Path, original: &Inode) -> io::Result<()> {
    let now = fs::symlink_metadata(path)
        .ok()
        .filter(fs::Metadata::is_file)
        .map(|metadata| inode(&metadata));
    if now == Some(*original) {
        return Ok(());
    }
    let same_inode = now.is_some_and(|now| now.identity == original.identity);
    let file = if same_inode { overwritten(path, kept)? } else { replaced(path, kept, original)? };
    file.set_permissions(Permissions::from_mode(original.mode))?;
    file.set_times(FileTimes::new().set_modified(moment(original.modified_ns)))
}

/// Writes into the same inode, so that its hard links and owner stay.
fn overwritten(path: &Path, kept: &Path) -> io::Result<File> {
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    let mut file = File::create(path)?;
    io::copy(&mut File::open(kept)?, &mut file)?;
    Ok(file)
}

/// Puts a new file in the place, whole at once.
fn replaced(path: &Path, kept: &Path, original: &Inode) -> io::Result<File> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lowtide-undo");
    let new = path.with_file_name(name);
    if let Some(folder) = path.parent() {
        // A program that was started by the program may have removed it unseen.
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(&new)?;
    io::copy(&mut File::open(kept)?, &mut file)?;
    // Only root may give a file away; for all others the owner was themselves.
    let _ = chown(&new, Some(original.owner.0), Some(original.owner.1));
    if path.is_dir() && !path.is_symlink() {
        remove(path)?;
    }
    fs::rename(&new, path)?;
    Ok(file)
}

fn put_folder_back(path: &Path, mode: u32) -> io::Result<()> {
    let is_there = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    if !is_there {
        remove(path)?;
        fs::create_dir(path)?;
    }
    fs::set_permissions(path, Permissions::from_mode(mode))
}

fn put_link_back(path: &Path, target: &Path) -> io::Result<()> {
    if path.read_link().is_ok_and(|now| now == target) {
        return Ok(());
    }
    remove(path)?;
    symlink(target, path)
}

/// Only if the folder did move and nothing took its old place.
fn move_back(from: &Path, to: &Path) -> io::Result<()> {
    if to.is_dir() && !from.exists() { fs::rename(to, from) } else { Ok(()) }
}

/// Last, because putting files back changes the time of their folder. The earliest record of a folder counts.
fn put_folder_times_back(records: &[Record]) {
    for record in records.iter().rev() {
        let (path, modified_ns): (&PathBuf, i128) = match record {
            Record::Listing { path, modified_ns }
            | Record::Touched { path, original: Original::Folder { modified_ns, .. }, .. } => {
                (path, *modified_ns)
            }
            _ => continue,
        };
        if !path.is_dir() {
            continue;
        }
        // A folder whose time cannot be set keeps a newer one: no content depends on it.
        let _ = File::open(path).and_then(|folder| {
            folder.set_times(FileTimes::new().set_modified(moment(modified_ns)))
        });
    }
}
