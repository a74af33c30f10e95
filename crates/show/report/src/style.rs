//! The few styles that every text format shares; each text is complete without them.

use anstyle::{AnsiColor, Style};
use lowtide_findings::Verdict;
use std::fmt::Display;

/// Titles of sections.
pub const HEADING: Style = Style::new().bold();
/// What matters most in its surroundings.
pub const STRONG: Style = Style::new().bold();
/// What is there to be looked up.
pub const DIM: Style = Style::new().dimmed();
/// Commands to type and codes to look up.
pub const COMMAND: Style = AnsiColor::Cyan.on_default();
/// What went well, and lines added.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What went wrong, and lines removed.
pub const BAD: Style = AnsiColor::Red.on_default();
/// What the reader should know before trusting the figures.
pub const CAUTION: Style = AnsiColor::Yellow.on_default();

/// `text` in a style; nothing stays nothing.
pub fn paint(style: Style, text: impl Display) -> String {
    let text = text.to_string();
    if text.is_empty() { text } else { format!("{style}{text}{style:#}") }
}

/// The style of a verdict.
pub fn of_verdict(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Refuted => BAD,
        Verdict::Unprofitable => DIM,
        Verdict::Plausible => CAUTION,
        Verdict::Supported | Verdict::Proven => GOOD,
    }
}
