use crate::failure::Failure;
use anyhow::Result;
use clap::Args;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The program to run, as after `python`.
#[derive(Args, Debug)]
pub struct ProgramOptions {
    /// The Python to run it with [default: the active virtual environment's, else python3]
    #[arg(long, value_name = "PYTHON")]
    pub python: Option<PathBuf>,
    /// `script.py`, `-m module` or `-c code`, then the program's own arguments
    #[arg(
        value_name = "PROGRAM",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<OsString>,
}

/// What Python is told to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A file, a folder or a zip archive.
    Script(PathBuf),
    /// `-m`.
    Module(OsString),
    /// `-c`.
    Code(OsString),
}

impl ProgramOptions {
    /// The program and its own arguments, untouched.
    pub fn split(&self) -> Result<(Program, Vec<OsString>)> {
        let mut words = self.words.iter().cloned();
        let first = words.next().unwrap_or_default();
        let program = match flag_and_value(&first) {
            (Some(b'm'), Some(name)) => Program::Module(name.to_owned()),
            (Some(b'c'), Some(code)) => Program::Code(code.to_owned()),
            (Some(b'm'), None) => {
                Program::Module(words.next().ok_or_else(|| missing("-m", "a module"))?)
            }
            (Some(b'c'), None) => Program::Code(words.next().ok_or_else(|| missing("-c", "code"))?),
            (Some(_), _) => return Err(unknown_option(&first)),
            (None, _) => Program::Script(first.into()),
        };
        Ok((program, words.collect()))
    }
}

/// Splits `-mjson.tool` as Python does: the letter, and what follows it in the same word.
fn flag_and_value(word: &OsStr) -> (Option<u8>, Option<&OsStr>) {
    use std::os::unix::ffi::OsStrExt;
    match word.as_bytes() {
        [b'-', flag] => (Some(*flag), None),
        [b'-', flag, value @ ..] => (Some(*flag), Some(OsStr::from_bytes(value))),
        _ => (None, None),
    }
}

fn missing(flag: &str, what: &str) -> anyhow::Error {
    Failure::new(
        format!("{flag} names no {what}").replace("no a ", "no "),
        format!("write {flag} and then {what}, as after python"),
    )
}

fn unknown_option(word: &OsStr) -> anyhow::Error {
    let word = word.display();
    Failure::new(
        format!("unknown option {word}"),
        "lowtide's options come first, then script.py, -m module or -c code; see lowtide help",
    )
}
