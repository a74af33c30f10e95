use crate::arguments::Color;
use anstream::{AutoStream, ColorChoice};
use lowtide_report::{Page, diff_text};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Narrower than this, tables stop shrinking.
const NARROWEST: usize = 60;
/// Wider than this, lines are hard to follow.
const WIDEST: usize = 140;
/// Where nothing tells the width: a file, a pipe.
const UNKNOWN: usize = 100;

/// Where results and messages go.
#[derive(Clone, Copy)]
pub struct Terminal {
    color: ColorChoice,
    width: usize,
}

impl Terminal {
    pub fn new(color: Color) -> Self {
        let color = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        color.write_global();
        let width = terminal_size::terminal_size().map_or(UNKNOWN, |(width, _)| width.0.into());
        Self { color, width: width.clamp(NARROWEST, WIDEST) }
    }

    /// What to lay text out on: this wide, from the working directory, with the source as it is on the disk.
    pub fn page(&self) -> Page<'_> {
        let folder = std::env::current_dir().unwrap_or_default();
        Page { width: self.width, folder, source: &source_line }
    }

    /// Prints a result for people; its colours are left out where they are not wanted.
    pub fn text(&self, text: &str) -> io::Result<()> {
        complete(AutoStream::new(io::stdout(), self.color).lock().write_all(text.as_bytes()))
    }

    /// Prints a result for programs, byte for byte.
    #[expect(clippy::unused_self, reason = "who may print is who has a terminal")]
    pub fn data(&self, data: &str) -> io::Result<()> {
        complete(io::stdout().lock().write_all(data.as_bytes()))
    }

    /// Prints a patch: painted, or byte for byte.
    pub fn diff(&self, diff: &str) -> io::Result<()> {
        match AutoStream::choice(&io::stdout()) {
            ColorChoice::Never => self.data(diff),
            _ => self.text(&diff_text(diff)),
        }
    }

    /// Tells the user something beside the result, in one piece: the program may write there too. If it cannot be told,
    /// nobody can be told that.
    #[expect(clippy::unused_self, reason = "who may print is who has a terminal")]
    pub fn note(&self, text: &str) {
        let mut painted = AutoStream::new(Vec::new(), AutoStream::choice(&io::stderr()));
        let _ = painted.write_all(text.as_bytes());
        let _ = io::stderr().lock().write_all(&painted.into_inner());
    }
}

/// Flushes what was printed. A reader that went away is no error.
fn complete(printed: io::Result<()>) -> io::Result<()> {
    match printed.and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn source_line(file: &Path, line: u32) -> Option<String> {
    let text = fs::read(file).ok()?;
    let index = usize::try_from(line.checked_sub(1)?).ok()?;
    let line = text.split(|byte| *byte == b'\n').nth(index)?;
    Some(String::from_utf8_lossy(line).into_owned())
}
