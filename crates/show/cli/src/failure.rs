use crate::arguments::Color;
use crate::terminal::Terminal;
use anstyle::{AnsiColor, Style};
use lowtide_capture::CaptureError;
use lowtide_fix::FixError;
use lowtide_launch::LaunchError;
use lowtide_profile::ProfileError;
use lowtide_prove::ProveError;
use lowtide_slim::SlimError;
use lowtide_source::SourceError;
use std::fmt;
use std::process::ExitCode;

/// The exit status of every error of lowtide's own.
const ERROR_STATUS: u8 = 2;

/// An error that the command line itself finds, with what to do about it.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: String,
}

impl Failure {
    pub fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        Self { message: message.into(), hint: hint.into() }.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Prints an error that ended the work, with its causes and its hint.
pub fn explain(error: &anyhow::Error, terminal: &Terminal) -> ExitCode {
    tell("error", AnsiColor::Red.on_default().bold(), error, terminal);
    if let Some(signal) = interrupting_signal(error) {
        // So that a shell's loop around this command ends too.
        lowtide_launch::die_by(signal);
    }
    ExitCode::from(ERROR_STATUS)
}

/// Prints what is wrong with the command line, or the help that it asks for.
pub fn explain_usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Nobody is left to tell when the reader of the help went away.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let (message, _) = text.split_once("\n\nFor more information").unwrap_or((&text, ""));
    let message = message.trim_start_matches("error: ").trim_end().to_owned();
    explain(
        &Failure::with_hint(message, "`lowtide help` and `lowtide help COMMAND` tell more"),
        &Terminal::new(Color::Auto),
    )
}

/// Prints an error that the work goes on without.
pub fn warn(error: &anyhow::Error, terminal: &Terminal) {
    tell("warning", AnsiColor::Yellow.on_default().bold(), error, terminal);
}

fn tell(word: &str, style: Style, error: &anyhow::Error, terminal: &Terminal) {
    let cyan = AnsiColor::Cyan.on_default().bold();
    let hint = hint(error).map(|hint| format!("{cyan}hint:{cyan:#} {hint}\n"));
    let message = format!("lowtide: {style}{word}:{style:#} {}\n", causes(error));
    terminal.note(&(message + &hint.unwrap_or_default()));
}

/// The error and its causes, each that the one before it does not quote.
fn causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| {
        match told.is_empty() {
            true => cause,
            false if told.ends_with(&cause) => told,
            false => format!("{told}: {cause}"),
        }
    })
}

fn interrupting_signal(error: &anyhow::Error) -> Option<i32> {
    let prove =
        error.downcast_ref::<ProveError>().or_else(|| match error.downcast_ref::<SlimError>() {
            Some(SlimError::Prove(error)) => Some(error),
            _ => None,
        });
    match prove {
        Some(ProveError::Interrupted(signal)) => Some(*signal),
        _ => None,
    }
}

fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        None.or_else(|| cause.downcast_ref::<Failure>().map(|failure| failure.hint.clone()))
            .or_else(|| cause.downcast_ref::<CaptureError>().map(CaptureError::hint))
            .or_else(|| cause.downcast_ref::<LaunchError>().map(LaunchError::hint))
            .or_else(|| cause.downcast_ref::<ProfileError>().map(ProfileError::hint))
            .or_else(|| cause.downcast_ref::<SourceError>().map(|error| error.hint().to_owned()))
            .or_else(|| cause.downcast_ref::<ProveError>().map(ProveError::hint))
            .or_else(|| cause.downcast_ref::<SlimError>().map(SlimError::hint))
            .or_else(|| cause.downcast_ref::<FixError>().map(|error| error.hint().to_owned()))
    })
}
