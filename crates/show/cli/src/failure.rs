use crate::terminal::Terminal;
use anstyle::{AnsiColor, Style};
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
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        Self { message: message.into(), hint: hint.into() }.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Prints an error with its causes and its hint.
pub fn explain(error: &anyhow::Error, terminal: &Terminal) -> ExitCode {
    let red = AnsiColor::Red.on_default().bold();
    let cyan = AnsiColor::Cyan.on_default().bold();
    let mut text = label("error", red, &format!("{error:#}"));
    if let Some(hint) = hint(error) {
        text.push_str(&format!("{cyan}hint:{cyan:#} {hint}\n"));
    }
    terminal.note(&text);
    ExitCode::from(ERROR_STATUS)
}

/// Prints something that did not stop the work.
pub fn warn(terminal: &Terminal, message: &str) {
    terminal.note(&label("warning", AnsiColor::Yellow.on_default().bold(), message));
}

fn label(word: &str, style: Style, message: &str) -> String {
    format!("lowtide: {style}{word}:{style:#} {message}\n")
}

fn hint(error: &anyhow::Error) -> Option<String> {
    error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Failure>().map(|failure| failure.hint.clone()))
}
