use crate::clock::nanoseconds;
use crate::place::{self, Follow};
use crate::record::{Effect, Inode, Original, Record};
use crate::run_folder::{LockedJournal, RunFolder};
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The bit of folders such as /tmp, whose time everybody changes.
const SHARED_WITH_ALL: u32 = 0o1000;

/// How a path came by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// The program or its user chose it.
    Given,
    /// Made at random so that nothing else has it, as the `tempfile` module does.
    Random,
}

impl RunFolder {
    /// Keeps what stands at `path`, unless that was done before; to be called before the program changes it.
    ///
    /// # Errors
    /// When it cannot be kept; then the change must not happen. The refusal is recorded.
    pub fn keep_original(&self, path: &Path, follow: Follow) -> io::Result<()> {
        self.keep_named(path, follow, Naming::Given)
    }

    /// The same for a path whose name may be random.
    ///
    /// # Errors
    /// As [`Self::keep_original`].
    pub fn keep_named(&self, path: &Path, follow: Follow, naming: Naming) -> io::Result<()> {
        // A place that cannot be reached is none that the program can change.
        let Ok(Some(path)) = place::canonical(path, follow) else { return Ok(()) };
        if self.is_own(&path) || place::is_made_up_by_the_kernel(&path) {
            return Ok(());
        }
        match self.keep_once(&path, naming) {
            Err(error) if is_forbidden_anyway(&error, &path, follow) => Ok(()),
            outcome => outcome.inspect_err(|error| self.note_refusal(&path, error)),
        }
    }

    fn note_refusal(&self, path: &Path, error: &io::Error) {
        let record = Record::Refused { path: path.to_owned(), reason: error.to_string() };
        // If not even this can be written, the run's folder is gone, and the call fails all the same.
        let _ = self.locked_journal().and_then(|mut journal| journal.append(&record));
    }

    /// Records that the folder `from` is about to become `to`.
    ///
    /// # Errors
    /// When it cannot be recorded; then the change must not happen.
    pub fn note_move(&self, from: &Path, to: &Path) -> io::Result<()> {
        let place = |path| place::canonical(path, Follow::Nothing).ok().flatten();
        let (Some(from), Some(to)) = (place(from), place(to)) else { return Ok(()) };
        let mut journal = self.locked_journal()?;
        self.keep_listing(&from, &mut journal)?;
        journal.append(&Record::Moved { from, to })?;
        // From here on every name may stand for another file, so all are kept anew.
        File::options().append(true).create(true).open(self.moves())?.write_all(b".")
    }

    /// Records something that cannot be undone, once however often it happens.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub fn note_effect(&self, verb: &str, object: &str) -> io::Result<()> {
        let name = place::digest(Path::new(&format!("{verb} {object}")), 0);
        let marker = self.kept(&format!("{name}.effect"));
        if marker.exists() {
            return Ok(());
        }
        let effect = Effect { verb: verb.to_owned(), object: object.to_owned() };
        self.locked_journal()?.append(&Record::Effect(effect))?;
        File::create(marker).map(drop)
    }

    fn keep_once(&self, path: &Path, naming: Naming) -> io::Result<()> {
        let name = self.name_of(path);
        let marker = self.kept(&format!("{name}.seen"));
        if marker.exists() {
            return Ok(());
        }
        let mut journal = self.locked_journal()?;
        if marker.exists() {
            return Ok(());
        }
        let Some(original) = self.observe(path, &name)? else { return Ok(()) };
        self.keep_listing(path, &mut journal)?;
        let random_name = naming == Naming::Random;
        journal.append(&Record::Touched { path: path.to_owned(), original, random_name })?;
        File::create(marker).map(drop)
    }

    /// The same path stands for another file after a folder was renamed.
    fn name_of(&self, path: &Path) -> String {
        let generation = fs::metadata(self.moves()).map_or(0, |moves| moves.len());
        place::digest(path, generation)
    }

    /// What stands at `path`, its content copied; `None` for what cannot be put back: pipes, sockets, devices.
    fn observe(&self, path: &Path, name: &str) -> io::Result<Option<Original>> {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Some(Original::Absent));
            }
            // Whatever hinders this hinders the program.
            Err(_) => return Ok(None),
        };
        let modified_ns = nanoseconds(metadata.mtime(), metadata.mtime_nsec());
        if metadata.is_symlink() {
            return Ok(Some(Original::Link { target: path.read_link()? }));
        }
        if metadata.is_dir() {
            return Ok(Some(Original::Folder { mode: metadata.mode() & 0o7777, modified_ns }));
        }
        if !metadata.is_file() {
            return Ok(None);
        }
        self.take_room(metadata.len())?;
        fs::copy(path, self.kept(name))?;
        Ok(Some(Original::File { kept: name.to_owned(), inode: inode(&metadata) }))
    }

    /// Called with the journal locked, so that the room left is right.
    fn take_room(&self, bytes: u64) -> io::Result<()> {
        let Some(room) = self.room() else { return Ok(()) };
        let left = room.checked_sub(bytes).ok_or_else(|| {
            let reason = format!("{bytes} bytes, but only {room} bytes of room to keep them");
            io::Error::new(io::ErrorKind::StorageFull, reason)
        })?;
        self.write_room(left)
    }

    fn keep_listing(&self, path: &Path, journal: &mut LockedJournal) -> io::Result<()> {
        let Some(folder) = path.parent() else { return Ok(()) };
        let marker = self.kept(&format!("{}.listed", self.name_of(folder)));
        if marker.exists() {
            return Ok(());
        }
        let metadata = fs::metadata(folder)?;
        if metadata.mode() & SHARED_WITH_ALL != 0 {
            return Ok(());
        }
        let modified_ns = nanoseconds(metadata.mtime(), metadata.mtime_nsec());
        journal.append(&Record::Listing { path: folder.to_owned(), modified_ns })?;
        File::create(marker).map(drop)
    }
}

/// Whether the program may not change the content either. It may still remove what it cannot read.
fn is_forbidden_anyway(error: &io::Error, path: &Path, follow: Follow) -> bool {
    let may_write = || File::options().write(true).open(path).is_ok();
    error.kind() == io::ErrorKind::PermissionDenied && follow == Follow::Links && !may_write()
}

pub(crate) fn inode(metadata: &Metadata) -> Inode {
    Inode {
        identity: (metadata.dev(), metadata.ino()),
        mode: metadata.mode() & 0o7777,
        owner: (metadata.uid(), metadata.gid()),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    }
}
