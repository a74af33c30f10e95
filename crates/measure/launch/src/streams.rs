use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

/// Where the program's standard input comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// From where this process has it.
    #[default]
    Inherit,
    /// It is empty.
    Nothing,
    /// From this file.
    File(PathBuf),
}

/// Where standard output or standard error of the program goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// To where this process has it.
    #[default]
    Inherit,
    /// Nowhere.
    Discard,
    /// To this file, made or emptied first.
    File(PathBuf),
}

impl Input {
    pub(crate) fn open(&self) -> io::Result<Stdio> {
        Ok(match self {
            Input::Inherit => Stdio::inherit(),
            Input::Nothing => Stdio::null(),
            Input::File(path) => File::open(path)?.into(),
        })
    }
}

impl Output {
    pub(crate) fn open(&self) -> io::Result<Stdio> {
        Ok(match self {
            Output::Inherit => Stdio::inherit(),
            Output::Discard => Stdio::null(),
            Output::File(path) => File::create(path)?.into(),
        })
    }
}
