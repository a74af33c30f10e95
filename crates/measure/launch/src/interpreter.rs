use crate::LaunchError;
use std::env;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Names a Python; tried before anything that is found.
const VARIABLE: &str = "LOWTIDE_PYTHON";
/// What an unnamed Python is called on PATH, best first.
const USUAL_NAMES: [&str; 2] = ["python3", "python"];

/// A Python to run programs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// The name it is started under; `sys.orig_argv[0]` shows it.
    pub name: PathBuf,
    /// The absolute path of its file. Links are not followed: a virtual environment is known by its link.
    pub path: PathBuf,
}

impl Interpreter {
    /// Finds the Python: `asked` if given, else `$LOWTIDE_PYTHON`, the active virtual environment's, the one that
    /// this program is installed for, `python3` or `python` on PATH.
    ///
    /// # Errors
    /// When there is none, or the one that was named is not there or cannot be run.
    pub fn find(asked: Option<&Path>) -> Result<Self, LaunchError> {
        let variable = env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        match asked.map(Path::to_owned).or(variable) {
            Some(name) => Self::named(&name),
            None => Self::usual().ok_or(LaunchError::NoPython),
        }
    }

    /// The Python called `name`: a path where it has a slash, else searched on PATH.
    ///
    /// # Errors
    /// When it is not there or cannot be run.
    pub fn named(name: &Path) -> Result<Self, LaunchError> {
        let path = locate(name).ok_or_else(|| LaunchError::NoSuchPython { name: name.into() })?;
        if !is_executable(&path) {
            return Err(LaunchError::NotExecutable { path });
        }
        Ok(Self { name: name.into(), path })
    }

    fn usual() -> Option<Self> {
        let active = env::var_os("VIRTUAL_ENV").map(|root| Path::new(&root).join("bin/python"));
        let own = env::current_exe().ok().map(|program| program.with_file_name("python"));
        active
            .into_iter()
            .chain(own)
            .chain(USUAL_NAMES.map(PathBuf::from))
            .find_map(|name| Self::named(&name).ok())
    }
}

/// Where the program called `name` lies; the first file of that name on PATH that may be run, as a shell chooses.
pub(crate) fn locate(name: &Path) -> Option<PathBuf> {
    if name.as_os_str().as_encoded_bytes().contains(&b'/') {
        return std::path::absolute(name).ok().filter(|path| path.exists());
    }
    let folders = env::var_os("PATH")?;
    let found = env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|path| is_executable(path))?;
    // An empty entry of PATH is the working directory.
    std::path::absolute(found).ok()
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_nowhere_says_so() {
        let error = Interpreter::named(Path::new("no-such-python-anywhere")).unwrap_err();
        assert_eq!(error.to_string(), "no such Python: no-such-python-anywhere");
    }

    #[test]
    fn a_folder_or_a_plain_file_is_no_interpreter() {
        for path in ["/", "Cargo.toml", "./Cargo.toml"] {
            assert!(Interpreter::named(Path::new(path)).is_err(), "{path}");
        }
        let error = Interpreter::named(Path::new("./Cargo.toml")).unwrap_err();
        assert!(matches!(error, LaunchError::NotExecutable { .. }));
    }

    #[test]
    fn a_name_on_path_keeps_its_name_and_gets_a_path() {
        let shell = Interpreter::named(Path::new("sh")).unwrap();
        assert_eq!(shell.name, Path::new("sh"));
        assert!(shell.path.is_absolute() && shell.path.ends_with("sh"));
    }
}
