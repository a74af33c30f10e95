use crate::arguments::Color;
use anstream::{AutoStream, ColorChoice};
use std::io::{self, ErrorKind, Write};

/// Narrower than this, tables stop shrinking.
const NARROWEST: usize = 60;
/// Wider than this, lines are hard to follow.
const WIDEST: usize = 140;
/// Where nothing tells the width: a file, a pipe.
const UNKNOWN: usize = 100;

/// Where results and messages go.
pub struct Terminal {
    color: ColorChoice,
}

impl Terminal {
    pub fn new(color: Color) -> Self {
        let color = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        color.write_global();
        Self { color }
    }

    /// Columns to lay text out in.
    pub fn width(&self) -> usize {
        terminal_size::terminal_size()
            .map_or(UNKNOWN, |(width, _)| usize::from(width.0))
            .clamp(NARROWEST, WIDEST)
    }

    /// Prints a result. A reader that went away is no error.
    pub fn data(&self, text: &str) -> io::Result<()> {
        let mut stdout = AutoStream::new(io::stdout(), self.color).lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Tells the user something beside the result; if it cannot be told, nobody can be told that.
    pub fn note(&self, text: &str) {
        let mut stderr = AutoStream::new(io::stderr(), self.color).lock();
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}
