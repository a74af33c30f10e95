use crate::LaunchError;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A Python file, a folder or archive with `__main__.py`, or `-` for standard input.
    Script(PathBuf),
    /// A module, as after `-m`.
    Module(OsString),
    /// Code, as after `-c`.
    Code(OsString),
    /// Any program. What Pythons it starts are tracked or staged as asked, each on its own.
    Command(OsString),
}

impl Target {
    /// The interpreter's words for this target; a command has none.
    pub(crate) fn words(&self) -> Vec<OsString> {
        match self {
            Target::Script(path) => vec![path.into()],
            Target::Module(name) => vec!["-m".into(), name.clone()],
            Target::Code(code) => vec!["-c".into(), code.clone()],
            Target::Command(_) => Vec::new(),
        }
    }

    /// Finds what Python would only say after the start: a script that is not there or cannot be read.
    pub(crate) fn check(&self, cwd: &Path) -> Result<(), LaunchError> {
        match self {
            Target::Script(path) if path.as_os_str() != "-" => check_script(path, &cwd.join(path)),
            _ => Ok(()),
        }
    }
}

fn check_script(given: &Path, path: &Path) -> Result<(), LaunchError> {
    let unreadable = |source| LaunchError::UnreadableScript { path: given.into(), source };
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(LaunchError::NoSuchScript { path: given.into() })
        }
        Err(error) => Err(unreadable(error)),
        Ok(facts) if facts.is_dir() => check_folder(given, path),
        // A pipe (`<(...)`) can be read once only, and that is the program's.
        Ok(facts) if !facts.is_file() => Ok(()),
        Ok(_) => fs::File::open(path).map(drop).map_err(unreadable),
    }
}

fn check_folder(given: &Path, path: &Path) -> Result<(), LaunchError> {
    let has_main = ["__main__.py", "__main__.pyc"].iter().any(|main| path.join(main).is_file());
    if has_main { Ok(()) } else { Err(LaunchError::FolderWithoutMain { path: given.into() }) }
}
