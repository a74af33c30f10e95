use crate::failure::Failure;
use anyhow::Result;
use clap::Args;
use lowtide_launch::{Launch, Target};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The program to run, as after `python`.
#[derive(Args, Debug)]
pub struct ProgramOptions {
    /// The Python to run it with [default: `LOWTIDE_PYTHON`, the active virtual environment's, else python3]
    #[arg(long, value_name = "PYTHON", overrides_with = "python")]
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

impl ProgramOptions {
    /// A plain launch of the program.
    pub fn launch(&self) -> Result<Launch> {
        let (target, args) = self.split()?;
        Ok(Launch { python: self.python.clone(), args, ..Launch::new(target) })
    }

    /// The program and its own arguments, untouched.
    fn split(&self) -> Result<(Target, Vec<OsString>)> {
        let mut words = self.words.iter().cloned();
        let first = words.next().unwrap_or_default();
        let program = match flag_and_value(&first) {
            (Some(b'm'), Some(name)) => Target::Module(name.to_owned()),
            (Some(b'c'), Some(code)) => Target::Code(code.to_owned()),
            (Some(b'm'), None) => {
                Target::Module(words.next().ok_or_else(|| lonely("-m", "module"))?)
            }
            (Some(b'c'), None) => Target::Code(words.next().ok_or_else(|| lonely("-c", "code"))?),
            (Some(_), _) => return Err(unknown_option(&first)),
            (None, _) => Target::Script(first.into()),
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

fn lonely(flag: &str, what: &str) -> anyhow::Error {
    Failure::with_hint(
        format!("{flag} without {what}"),
        format!("write the {what} after {flag}, as with python"),
    )
}

fn unknown_option(word: &OsStr) -> anyhow::Error {
    let word = word.display();
    Failure::with_hint(
        format!("unknown option {word}"),
        "lowtide's options come first, then script.py, -m module or -c code; see lowtide help",
    )
}
