use crate::record::Record;
use crate::{JournalError, Substitute};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder of one staged run: what to substitute, the journal, and the kept originals.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    /// Makes the folder (mode 0700: it will hold copies of the user's files).
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(root: &Path) -> Result<Self, JournalError> {
        let kept = root.join("kept");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&kept)
            .map_err(JournalError::folder(root))?;
        let root = root.canonicalize().map_err(JournalError::folder(root))?;
        Ok(Self { root })
    }

    /// A folder made earlier, perhaps by another process.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Whether `path` is among lowtide's own files, which no journal needs.
    pub(crate) fn is_own(&self, path: &Path) -> bool {
        path.starts_with(self.root.parent().unwrap_or(&self.root))
    }

    pub(crate) fn kept(&self, name: &str) -> PathBuf {
        self.root.join("kept").join(name)
    }

    pub(crate) fn moves(&self) -> PathBuf {
        self.root.join("moves")
    }

    pub(crate) fn undone(&self) -> PathBuf {
        self.root.join("undone")
    }

    fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// Says which sources Python shall read in another version.
    ///
    /// # Errors
    /// When the file that says so cannot be written.
    pub fn order_substitutes(&self, substitutes: &[Substitute]) -> Result<(), JournalError> {
        let path = self.root.join("substitutes");
        let mut text = Vec::new();
        for name in substitutes.iter().flat_map(|one| [&one.original, &one.replacement]) {
            text.extend_from_slice(name.as_os_str().as_bytes());
            text.push(0);
        }
        fs::write(&path, text).map_err(JournalError::folder(&path))
    }

    /// What [`Self::order_substitutes`] said; nothing if it said nothing.
    #[must_use]
    pub fn substitutes(&self) -> Vec<Substitute> {
        let text = fs::read(self.root.join("substitutes")).unwrap_or_default();
        let names: Vec<PathBuf> = text
            .split(|byte| *byte == 0)
            .map(|name| PathBuf::from(std::ffi::OsStr::from_bytes(name)))
            .collect();
        let pairs = names.chunks_exact(2);
        pairs
            .map(|pair| Substitute { original: pair[0].clone(), replacement: pair[1].clone() })
            .collect()
    }

    /// Says how many bytes of originals may be kept in this run.
    ///
    /// # Errors
    /// When the file that says so cannot be written.
    pub fn order_room(&self, bytes: u64) -> Result<(), JournalError> {
        self.write_room(bytes).map_err(JournalError::folder(&self.root))
    }

    pub(crate) fn write_room(&self, bytes: u64) -> io::Result<()> {
        fs::write(self.root.join("room"), bytes.to_string())
    }

    /// Bytes of originals that may still be kept; `None` where nothing was ordered.
    pub(crate) fn room(&self) -> Option<u64> {
        fs::read_to_string(self.root.join("room")).ok()?.parse().ok()
    }

    /// What the run has recorded so far.
    ///
    /// # Errors
    /// When the journal exists but cannot be read.
    pub fn records(&self) -> Result<Vec<Record>, JournalError> {
        match fs::read(self.journal()) {
            Ok(journal) => Ok(Record::decode_all(&journal)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(JournalError::folder(&self.journal())(error)),
        }
    }

    /// The journal, locked against all other threads and processes until it is dropped.
    pub(crate) fn locked_journal(&self) -> io::Result<LockedJournal> {
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).mode(0o600).open(self.journal())?;
        file.lock()?;
        Ok(LockedJournal(file))
    }
}

pub(crate) struct LockedJournal(File);

impl LockedJournal {
    /// Appends a record as a whole or not at all.
    pub(crate) fn append(&mut self, record: &Record) -> io::Result<()> {
        let length = self.0.metadata()?.len();
        self.0.write_all(&record.encode()).inspect_err(|_| {
            // Best effort: a reader drops a torn last record anyway.
            let _ = self.0.set_len(length);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substitutes_are_read_as_ordered() {
        let place = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&place.path().join("run")).unwrap();
        assert_eq!(run.substitutes(), []);
        let ordered = ["a b\n.py", "c.py"].map(|name| Substitute {
            original: Path::new("/code").join(name),
            replacement: Path::new("/stage").join(name),
        });
        run.order_substitutes(&ordered).unwrap();
        assert_eq!(RunFolder::at(run.path().to_owned()).substitutes(), ordered);
    }
}
