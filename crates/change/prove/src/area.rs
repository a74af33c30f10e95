use crate::ProveError;
use lowtide_journal::RunFolder;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::cell::Cell;
use std::env;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Names of areas in the folder for temporary files begin so.
const PREFIX: &str = "lowtide-proof-";
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// A folder for runs: their streams, captures, journals and kept originals. It is removed when dropped, unless it
/// holds originals that could not be put back.
///
/// While it exists, signals that ask to end are only noted, so that files can be put back first. A lock tells that its
/// owner lives; the area of a dead owner is put back by [`Area::clear_abandoned`].
#[derive(Debug)]
pub struct Area {
    folder: tempfile::TempDir,
    /// Whether it holds originals that could not be put back.
    must_stay: Cell<bool>,
    _lock: File,
    runs: Cell<u32>,
    signal: Arc<AtomicUsize>,
    handlers: Vec<signal_hook::SigId>,
}

impl Area {
    /// Makes one among the temporary files.
    ///
    /// # Errors
    /// When it cannot be made there.
    pub fn create() -> Result<Self, ProveError> {
        let temporary = env::temp_dir();
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir()
            .map_err(ProveError::place(&temporary))?;
        let lock = lock(folder.path()).map_err(ProveError::place(folder.path()))?;
        let signal = Arc::new(AtomicUsize::new(0));
        let handlers = SIGNALS
            .iter()
            .filter_map(|&number| {
                let flag = Arc::clone(&signal);
                signal_hook::flag::register_usize(number, flag, number.unsigned_abs() as usize).ok()
            })
            .collect();
        Ok(Self {
            folder,
            must_stay: Cell::new(false),
            _lock: lock,
            runs: Cell::new(0),
            signal,
            handlers,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts back what other lowtides left when they were killed, and returns the folders whose files they had changed.
    ///
    /// # Errors
    /// When a file of the user's cannot be put back; the originals stay where they are.
    pub fn clear_abandoned() -> Result<Vec<PathBuf>, ProveError> {
        let mut cleared = Vec::new();
        for area in abandoned(&env::temp_dir()) {
            let mut changed = false;
            for run in run_folders(&area) {
                let abandoned = |source| ProveError::Abandoned { folder: area.clone(), source };
                changed |= !run.records().map_err(abandoned)?.is_empty();
                run.undo()
                    .map_err(|source| ProveError::Abandoned { folder: area.clone(), source })?;
            }
            // All is put back: what cannot be removed is only litter.
            let _ = fs::remove_dir_all(&area);
            if changed {
                cleared.push(area);
            }
        }
        Ok(cleared)
    }

    pub(crate) fn new_run(&self) -> Result<RunFolder, ProveError> {
        let number = self.runs.replace(self.runs.get() + 1);
        let run = RunFolder::create(&self.path().join(format!("run-{number}")))?;
        let free = rustix::fs::statvfs(self.path())
            .map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
            .map_err(|error| ProveError::place(self.path())(error.into()))?;
        // The other half is for the copies of what the program writes.
        run.order_room(free / 2)?;
        Ok(run)
    }

    /// Puts the user's files back as they were before the run. If that fails, this area outlives its owner.
    pub(crate) fn put_back(&self, run: &RunFolder) -> Result<(), ProveError> {
        run.undo().inspect_err(|_| self.must_stay.set(true))?;
        // All is back: a copy that cannot be removed goes with the area.
        let _ = fs::remove_dir_all(run.path().join("kept"));
        Ok(())
    }

    /// An error if a signal came since the area was made.
    pub(crate) fn check_signals(&self) -> Result<(), ProveError> {
        match self.signal.load(Ordering::SeqCst) {
            0 => Ok(()),
            number => Err(ProveError::Interrupted(i32::try_from(number).unwrap_or(SIGINT))),
        }
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        self.folder.disable_cleanup(self.must_stay.get());
        for handler in self.handlers.drain(..) {
            signal_hook::low_level::unregister(handler);
        }
    }
}

fn lock(area: &Path) -> std::io::Result<File> {
    let file = File::create(area.join("lock"))?;
    file.try_lock()?;
    Ok(file)
}

/// Areas of this user whose owner is gone.
fn abandoned(temporary: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(temporary).into_iter().flatten().flatten();
    let named_so = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    let mut areas: Vec<PathBuf> =
        named_so.map(|entry| entry.path()).filter(|area| is_abandoned(area)).collect();
    areas.sort();
    areas
}

fn is_abandoned(area: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    let is_mine = fs::symlink_metadata(area).is_ok_and(|area| area.is_dir() && area.uid() == user);
    // One without a lock is being made or removed at this moment.
    is_mine && File::open(area.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok())
}

fn run_folders(area: &Path) -> Vec<RunFolder> {
    let entries = fs::read_dir(area).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.join("journal").is_file()).collect();
    folders.sort();
    folders.into_iter().map(RunFolder::at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowtide_journal::Follow;

    #[test]
    fn an_area_is_abandoned_when_its_owner_is_gone() {
        let temporary = tempfile::tempdir().unwrap();
        let area = temporary.path().join(format!("{PREFIX}x"));
        fs::create_dir(&area).unwrap();
        assert_eq!(abandoned(temporary.path()), [] as [PathBuf; 0]);
        let owner = lock(&area).unwrap();
        assert_eq!(abandoned(temporary.path()), [] as [PathBuf; 0]);
        drop(owner);
        assert_eq!(abandoned(temporary.path()), std::slice::from_ref(&area));

        let file = temporary.path().join("file");
        fs::write(&file, "mine").unwrap();
        let run = RunFolder::create(&area.join("run-0")).unwrap();
        run.keep_original(&file, Follow::Links).unwrap();
        let found = run_folders(&area);
        assert_eq!(found.len(), 1);
        fs::write(&file, "theirs").unwrap();
        found[0].undo().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    }

    #[test]
    fn two_areas_do_not_meet() {
        let (one, two) = (Area::create().unwrap(), Area::create().unwrap());
        assert_ne!(one.path(), two.path());
        assert_ne!(one.new_run().unwrap().path(), one.new_run().unwrap().path());
        assert!(!abandoned(&env::temp_dir()).contains(&one.path().to_owned()));
    }
}
