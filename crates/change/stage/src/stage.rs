use crate::substitution::{Reading, Substitution};
use lowtide_journal::{Follow, Naming, RunFolder};
use std::io;
use std::path::Path;
use std::sync::OnceLock;

static STAGE: OnceLock<Stage> = OnceLock::new();

/// What the replaced functions ask. It never changes after the start, so that threads and forked children can share it.
pub(crate) struct Stage {
    run: RunFolder,
    substitutions: Vec<Substitution>,
}

/// How a path is about to be opened.
pub(crate) enum Opening {
    /// For reading only, and it must exist.
    Reading,
    /// So that it may change or come to exist.
    Changing(Naming),
}

impl Stage {
    /// Reads the orders of the run; the first call counts.
    pub(crate) fn set(run_folder: &Path) {
        let run = RunFolder::at(run_folder.to_owned());
        let substitutions = run.substitutes().iter().filter_map(Substitution::new).collect();
        let _ = STAGE.set(Stage { run, substitutions });
    }

    pub(crate) fn get() -> Option<&'static Stage> {
        STAGE.get()
    }

    /// What the program shall get for `path`.
    pub(crate) fn open(&self, path: &Path, opening: &Opening) -> io::Result<Reading<'_>> {
        let reading = self.reading(path);
        match (opening, reading) {
            (Opening::Reading, reading) => Ok(reading),
            // Byte code of a substituted source must not outlive the run; Python goes on without.
            (Opening::Changing(_), Reading::Missing) => Err(io::ErrorKind::PermissionDenied.into()),
            (Opening::Changing(naming), _) => {
                self.run.keep_named(path, Follow::Links, *naming)?;
                Ok(Reading::AsAsked)
            }
        }
    }

    fn reading(&self, path: &Path) -> Reading<'_> {
        let mut readings = self.substitutions.iter().map(|substitution| substitution.reading(path));
        readings.find(|reading| !matches!(reading, Reading::AsAsked)).unwrap_or(Reading::AsAsked)
    }

    /// To be called before what `path` names changes.
    pub(crate) fn keep(&self, path: &Path, follow: Follow) -> io::Result<()> {
        self.run.keep_original(path, follow)
    }

    /// To be called before a folder is made at `path`. Mode 0700 is how `tempfile.mkdtemp` makes its own.
    pub(crate) fn keep_new_folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        let naming = if mode == 0o700 { Naming::Random } else { Naming::Given };
        self.run.keep_named(path, Follow::Nothing, naming)
    }

    /// To be called before `from` becomes `to`.
    pub(crate) fn keep_for_rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run.keep_original(to, Follow::Nothing)?;
        let is_folder = from.is_dir() && !from.is_symlink();
        if is_folder {
            self.run.note_move(from, to)
        } else {
            self.run.keep_original(from, Follow::Nothing)
        }
    }

    /// To be called before something that cannot be undone. The program goes on even if this cannot be recorded.
    pub(crate) fn note_effect(&self, verb: &str, object: &str) {
        let _ = self.run.note_effect(verb, object);
    }
}
