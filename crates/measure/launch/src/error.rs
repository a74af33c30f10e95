use std::io;
use std::path::{Path, PathBuf};

/// Why a program could not be started, or its end not be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// The interpreter that was asked for does not exist.
    #[error("no such Python: {}", name.display())]
    NoSuchPython {
        /// As it was asked for.
        name: PathBuf,
    },
    /// No interpreter was asked for and none was found.
    #[error("no Python found: neither python3 nor python is on PATH")]
    NoPython,
    /// The interpreter is a file that may not be run.
    #[error("not an executable program: {}", path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
    },
    /// The script does not exist.
    #[error("no such script: {}", path.display())]
    NoSuchScript {
        /// As it was given.
        path: PathBuf,
    },
    /// The folder is no program.
    #[error("{} is a folder without __main__.py", path.display())]
    FolderWithoutMain {
        /// The folder.
        path: PathBuf,
    },
    /// The script exists but cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    UnreadableScript {
        /// The script.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A part of lowtide itself is missing.
    #[error("lowtide's {part} is missing: {}", path.display())]
    IncompleteInstallation {
        /// What is missing.
        part: &'static str,
        /// Where it should be.
        path: PathBuf,
    },
    /// lowtide does not find its own parts.
    #[error("lowtide does not find its own files, looking from {}", path.display())]
    NotInstalled {
        /// The program that looked.
        path: PathBuf,
    },
    /// The capture cannot be written where it was asked for.
    #[error("cannot write the capture {}: {source}", path.display())]
    UnwritableCapture {
        /// The capture.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The capture would replace a file of another kind.
    #[error("{} exists and is not a capture", path.display())]
    WouldOverwrite {
        /// The file.
        path: PathBuf,
    },
    /// The program file could not be executed.
    #[error("cannot start {}: {source}", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The Python refused to be measured; it has said why on standard error, and the program was not started.
    #[error("the program was not started")]
    Refused,
    /// A file, pipe or process that the launch itself needs failed.
    #[error("cannot {action}: {source}")]
    System {
        /// What was tried.
        action: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The process between this one and the program ended early.
    #[error("the process that started the program ended early ({status})")]
    LostShim {
        /// How it ended.
        status: std::process::ExitStatus,
    },
}

impl LaunchError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoSuchPython { .. } => {
                "check --python or LOWTIDE_PYTHON; `command -v python3` shows yours".into()
            }
            Self::NoPython => "name one with --python, or put one on PATH".into(),
            Self::NotExecutable { .. } => {
                "name the interpreter itself, such as /usr/bin/python3".into()
            }
            Self::NoSuchScript { path } => script_hint(path),
            Self::FolderWithoutMain { path } => {
                format!("name the script in it, or run a package with `-m {}`", module_name(path))
            }
            Self::UnreadableScript { .. } => "check its permissions".into(),
            Self::IncompleteInstallation { .. } | Self::NotInstalled { .. } => {
                "install lowtide again with pip, or point LOWTIDE_HOME at its package folder".into()
            }
            Self::UnwritableCapture { source, .. } => capture_hint(source.kind()).into(),
            Self::WouldOverwrite { .. } => "choose another name, or remove that file first".into(),
            Self::NotStarted { source, .. } => not_started_hint(source.kind()).into(),
            Self::Refused => {
                "see the message above; choose another interpreter with --python".into()
            }
            Self::System { .. } => {
                "check the file, its file system and the limits of processes and open files".into()
            }
            Self::LostShim { .. } => {
                "if you did not end it yourself, the machine may be out of memory".into()
            }
        }
    }

    pub(crate) fn system(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        |source| Self::System { action, source }
    }
}

fn script_hint(path: &Path) -> String {
    if path.extension().is_none() {
        format!("check the path, or run a module with `-m {}`", path.display())
    } else {
        "check the path; it is taken from the working directory".into()
    }
}

fn module_name(folder: &Path) -> String {
    folder.file_name().map_or_else(|| "PACKAGE".into(), |name| name.display().to_string())
}

fn capture_hint(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "make its folder first, or choose another place with --out",
        io::ErrorKind::IsADirectory => "name a file, not a folder",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, or choose another place with --out"
        }
        _ => "choose a place that you may write to with --out",
    }
}

fn not_started_hint(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => {
            "check its name and PATH; of a script, check the interpreter in its first line"
        }
        io::ErrorKind::PermissionDenied => "make it executable, or name the interpreter before it",
        _ => "check that it is a program for this machine",
    }
}
