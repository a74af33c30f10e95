//! The place of the capture is tried before the program starts: a full disk is not to be found an hour later.

use crate::LaunchError;
use lowtide_capture::layout::{HEADER_BYTES, MAGIC};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// An empty file that the tracker will fill.
#[derive(Debug)]
pub(crate) struct CaptureFile {
    /// Absolute, since the program may run in another folder.
    pub path: PathBuf,
}

impl CaptureFile {
    /// Makes the file, in place of an earlier capture, and tries that it can grow.
    pub(crate) fn prepare(given: &Path) -> Result<Self, LaunchError> {
        let unwritable = |source| LaunchError::UnwritableCapture { path: given.into(), source };
        let path = std::path::absolute(given).map_err(unwritable)?;
        if fs::metadata(&path).is_ok_and(|facts| facts.is_dir()) {
            return Err(unwritable(io::ErrorKind::IsADirectory.into()));
        }
        if !may_replace(&path).map_err(unwritable)? {
            return Err(LaunchError::WouldOverwrite { path: given.into() });
        }
        let file = Self { path };
        file.try_to_grow().inspect_err(|_| file.remove_if_empty()).map_err(unwritable)?;
        file.remove_children();
        Ok(file)
    }

    /// What the processes of an earlier run left beside its capture would pass for this run's.
    fn remove_children(&self) {
        for child in lowtide_capture::children_of(&self.path) {
            if may_replace(&child).unwrap_or(false) {
                let _ = fs::remove_file(child);
            }
        }
    }

    fn try_to_grow(&self) -> io::Result<()> {
        self.unlink_earlier()?;
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).open(&self.path)?;
        let grown = file.write_all(&[0; HEADER_BYTES as usize]);
        let emptied = file.set_len(0);
        grown.and(emptied)
    }

    /// An earlier capture may still be written: emptied, it would end the program that has it mapped.
    fn unlink_earlier(&self) -> io::Result<()> {
        match fs::symlink_metadata(&self.path) {
            Ok(facts) if facts.is_file() || facts.is_symlink() => fs::remove_file(&self.path),
            _ => Ok(()),
        }
    }

    /// Whether a tracker has begun to write.
    pub(crate) fn is_begun(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|facts| facts.len() > 0)
    }

    /// Takes the file away again where nothing was recorded; that it may be gone already is no matter.
    pub(crate) fn remove_if_empty(&self) {
        if !self.is_begun() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A missing file, an empty one and an earlier capture may be replaced; a user's script named by mistake may not.
fn may_replace(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MAGIC.len() as u64).read_to_end(&mut start)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    Ok(start.is_empty() || start == MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_of_an_earlier_runs_children_go_and_other_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let capture = folder.path().join("run.lowtide");
        let (child, notes) =
            (folder.path().join("run.lowtide.12"), folder.path().join("run.lowtide.13"));
        fs::write(&child, MAGIC).unwrap();
        fs::write(&notes, "mine").unwrap();
        CaptureFile::prepare(&capture).unwrap();
        assert!(!child.exists() && notes.exists());
    }

    #[test]
    fn a_capture_named_like_a_script_does_not_replace_the_script() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("program.py");
        fs::write(&script, "print()").unwrap();
        let error = CaptureFile::prepare(&script).unwrap_err();
        assert!(matches!(error, LaunchError::WouldOverwrite { .. }));
        assert_eq!(fs::read(&script).unwrap(), b"print()");
    }

    #[test]
    fn a_capture_that_is_still_written_keeps_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.lowtide");
        fs::write(&path, MAGIC).unwrap();
        let mut written = File::open(&path).unwrap();
        CaptureFile::prepare(&path).unwrap();
        let mut content = Vec::new();
        written.read_to_end(&mut content).unwrap();
        assert_eq!(content, MAGIC);
    }

    #[test]
    fn an_earlier_capture_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.lowtide");
        fs::write(&path, [&MAGIC[..], b"old"].concat()).unwrap();
        let file = CaptureFile::prepare(&path).unwrap();
        assert!(!file.is_begun());
        file.remove_if_empty();
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_and_a_missing_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("none/out.lowtide")] {
            assert!(matches!(
                CaptureFile::prepare(&path),
                Err(LaunchError::UnwritableCapture { .. })
            ));
        }
    }

    #[test]
    fn a_full_disk_is_found_before_the_start() {
        // `/dev/full` answers every write as a full disk does.
        let file = CaptureFile { path: "/dev/full".into() };
        assert_eq!(file.try_to_grow().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
