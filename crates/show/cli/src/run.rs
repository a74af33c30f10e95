use crate::program::ProgramOptions;
use crate::terminal::Terminal;
use crate::{failure, report};
use anyhow::{Context, Result};
use clap::Args;
use lowtide_launch::{Ended, Exit, Launch};
use lowtide_report::run_text;
use lowtide_symbols::Files;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tempfile::TempDir;

/// Options of `lowtide run`.
#[derive(Args, Debug)]
#[command(after_help = "Exit status: the program's own; 2 if it could not be started.")]
pub struct Options {
    /// Keep the capture in this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Record native functions between the Python lines that call them
    #[arg(long)]
    native: bool,
    #[command(flatten)]
    program: ProgramOptions,
}

/// Runs the program as `python` would, then tells on standard error what held its memory.
pub fn execute(options: &Options, terminal: &Terminal) -> Result<ExitCode> {
    let capture = CapturePlace::choose(options.out.as_deref())?;
    let launch = Launch {
        capture: Some(capture.path.clone()),
        native: options.native,
        ..options.program.launch()?
    };
    let ended = launch.run()?;
    if let Err(error) = tell(&ended, &capture, terminal) {
        failure::warn(&error, terminal);
    }
    // Dying by a signal runs no destructor, and would leave the temporary capture behind.
    drop(capture);
    Ok(end_as(ended.exit))
}

fn tell(ended: &Ended, capture: &CapturePlace, terminal: &Terminal) -> Result<()> {
    if !ended.recorded {
        return Err(failure::Failure::with_hint(
            "nothing was recorded",
            "the program ended before Python was up, or Python ignored its environment",
        ));
    }
    let recorded = report::Recorded::read(&capture.path, Files::AsTheyRan, terminal)?;
    let kept = capture.kept().then_some(capture.path.as_path());
    terminal.note(&format!("\n{}", run_text(&recorded.summary(kept), &terminal.page())));
    Ok(())
}

/// Ends as the program did, so that a caller sees no difference.
fn end_as(exit: Exit) -> ExitCode {
    const SIGNALLED: i32 = 128;
    let status = match exit {
        Exit::Code(code) => code,
        Exit::Signal(signal) => {
            lowtide_launch::die_by(signal);
            SIGNALLED + signal
        }
    };
    ExitCode::from(u8::try_from(status & 0xff).unwrap_or(u8::MAX))
}

/// Where the capture goes: to the file asked for, or to a folder that is removed with this value.
struct CapturePlace {
    path: PathBuf,
    folder: Option<TempDir>,
}

impl CapturePlace {
    fn choose(out: Option<&Path>) -> Result<Self> {
        if let Some(out) = out {
            return Ok(Self { path: out.to_owned(), folder: None });
        }
        let folder = tempfile::Builder::new().prefix("lowtide-").tempdir();
        let folder = folder.context("cannot make a temporary folder for the capture")?;
        Ok(Self { path: folder.path().join("run.lowtide"), folder: Some(folder) })
    }

    fn kept(&self) -> bool {
        self.folder.is_none()
    }
}
