use crate::arguments::Format;
use crate::named;
use crate::program::ProgramOptions;
use crate::run_control::ControlOptions;
use crate::terminal::Terminal;
use crate::{failure, out_name, report};
use anyhow::{Context, Result};
use clap::Args;
use clap::builder::FalseyValueParser;
use lowtide_capture::control::capture_of_recording;
use lowtide_findings::Finding;
use lowtide_launch::{Ended, Exit, Launch};
use lowtide_profile::Profile;
use lowtide_report::{PeakText, run_text};
use lowtide_symbols::Files;
use lowtide_units::Bytes;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;

const AFTER_HELP: &str = "\
Signals to the process of lowtide, not of the program, which is never sent anything: RTMIN+10 begins a recording, RTMIN+11
ends it, RTMIN+12 copies the capture to NAME-snapshot-1. The second recording goes to NAME-2. Orders to begin and end are
carried out at the program's next allocations.

A variable in brackets stands for its option where that is not given; an empty one for nothing.

Exit status: the program's own; 2 if it could not be started.";

/// Options of `lowtide run`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct Options {
    /// Keep the capture in this file; {pid}, {host} and {time} in its name are filled in
    #[arg(long, value_name = "FILE", env = "LOWTIDE_OUT", hide_env_values = true)]
    out: Option<OsString>,
    /// Record native functions between the Python lines that call them
    #[arg(long, env = "LOWTIDE_NATIVE", hide_env_values = true, value_parser = FalseyValueParser::new())]
    native: bool,
    /// Record a sample, one block every so many bytes on average (such as 64k or 2M), for almost no time and memory
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOWTIDE_SAMPLE",
        hide_env_values = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = DEFAULT_SAMPLE,
        value_parser = distance,
    )]
    sample: Option<Distance>,
    #[command(flatten)]
    control: ControlOptions,
    #[command(flatten)]
    program: ProgramOptions,
}

/// What `--sample` stands for alone: a few samples of each megabyte.
const DEFAULT_SAMPLE: &str = "512k";

/// Average distance of samples; an empty variable gives none.
#[derive(Clone, Copy, Debug)]
struct Distance(Option<Bytes>);

fn distance(text: &str) -> Result<Distance, String> {
    if text.is_empty() {
        return Ok(Distance(None));
    }
    match text.parse::<Bytes>() {
        Ok(bytes) if bytes.0 > 0 => Ok(Distance(Some(bytes))),
        _ => Err("not a number of bytes above 0, such as 64k or 2M".to_owned()),
    }
}

impl Options {
    /// A variable may be there but empty, where containers are configured.
    fn out(&self) -> Option<PathBuf> {
        self.out.as_deref().filter(|out| !out.is_empty()).map(out_name::filled_in)
    }
}

/// Runs the program as `python` would, then tells on standard error what held its memory.
pub fn execute(options: &Options, terminal: &Terminal) -> Result<ExitCode> {
    let capture = CapturePlace::choose(options.out())?;
    let launch = Launch {
        capture: Some(capture.path.clone()),
        control: Some(options.control.control(capture.kept())?),
        native: options.native,
        sample: options.sample.and_then(|Distance(bytes)| bytes),
        ..options.program.launch()?
    };
    let early = Arc::new(Mutex::new(None));
    let (of_look, terminal_of_look) = (Arc::clone(&early), *terminal);
    let ended = launch.run_looking(Arc::new(move |capture| {
        let mut early = of_look.lock().unwrap_or_else(PoisonError::into_inner);
        *early = early.take().or_else(|| Early::of(capture, &terminal_of_look));
    }))?;
    let early = early.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Err(error) = tell(&ended, early, &capture, options, terminal) {
        failure::warn(&error, terminal);
    }
    // To end runs no destructor, and would leave the temporary capture behind.
    drop(capture);
    end_as(ended.exit)
}

/// What a report takes time for, done while the program is about to end.
struct Early {
    capture: named::Early,
    told: Told,
}

/// What is said of a profile, whatever its process's end.
struct Told {
    findings: Vec<Finding>,
    peak: PeakText,
}

impl Told {
    fn of(profile: &Profile, terminal: &Terminal) -> Self {
        Self {
            findings: report::findings(profile, Format::Text),
            peak: PeakText::of(profile, &terminal.page()),
        }
    }
}

impl Early {
    fn of(capture: &Path, terminal: &Terminal) -> Option<Self> {
        let capture = named::Early::read(capture)?;
        let told = Told::of(capture.profile.so_far(), terminal);
        // To give memory back takes as long as to make use of it.
        Some(Self { capture: capture.without_lines(), told })
    }

    /// Nothing if this is not the capture that was read.
    fn recorded(self, path: &Path, ended: &Ended) -> Option<(Profile, Told)> {
        Some((self.capture.profile(path, ended.ending())?, self.told))
    }
}

fn tell(
    ended: &Ended,
    early: Option<Early>,
    capture: &CapturePlace,
    options: &Options,
    terminal: &Terminal,
) -> Result<()> {
    if !ended.recorded {
        let hint = if options.control.paused {
            format!("it was paused, and got no {} before its end", options.control.name())
        } else {
            "the program ended before Python was up, or Python ignored its environment".to_owned()
        };
        return Err(failure::Failure::with_hint("nothing was recorded", hint));
    }
    let path = capture_of_recording(&capture.path, ended.recording);
    let early = early.and_then(|early| early.recorded(&path, ended));
    let (profile, Told { findings, peak }) = if let Some(early) = early {
        early
    } else {
        let profile = named::profile(&path, Files::AsTheyRan)?;
        let told = Told::of(&profile, terminal);
        (profile, told)
    };
    let recorded = report::Recorded::of(profile, findings, &path, Files::AsTheyRan, terminal);
    let kept = capture.kept().map(|_| path.as_path());
    terminal.note(&format!("\n{}", run_text(&recorded.summary(kept), &peak, &terminal.page())));
    // Nothing is left to do but to end, which gives all memory back at once.
    std::mem::forget(recorded);
    Ok(())
}

/// Ends as the program did, so that a caller sees no difference. The kernel takes threads and memory away at once, which
/// takes longer one by one.
#[expect(clippy::exit, reason = "the last step of the command")]
fn end_as(exit: Exit) -> ! {
    const SIGNALLED: i32 = 128;
    let status = match exit {
        Exit::Code(code) => code,
        Exit::Signal(signal) => {
            lowtide_launch::die_by(signal);
            SIGNALLED + signal
        }
    };
    std::process::exit(status & 0xff)
}

/// Where the capture goes: to the file asked for, or to a folder that is removed with this value.
struct CapturePlace {
    path: PathBuf,
    folder: Option<TempDir>,
}

impl CapturePlace {
    fn choose(out: Option<PathBuf>) -> Result<Self> {
        if let Some(path) = out {
            return Ok(Self { path, folder: None });
        }
        let folder = tempfile::Builder::new().prefix("lowtide-").tempdir();
        let folder = folder.context("cannot make a temporary folder for the capture")?;
        Ok(Self { path: folder.path().join("run.lowtide"), folder: Some(folder) })
    }

    /// Where it stays, if it does.
    fn kept(&self) -> Option<&Path> {
        self.folder.is_none().then_some(self.path.as_path())
    }
}
