//! Signals by which a running `lowtide run` begins and ends recordings and copies its capture.

use crate::arguments::Color;
use crate::failure::{self, Failure};
use crate::terminal::Terminal;
use anyhow::Result;
use clap::Args;
use clap::builder::FalseyValueParser;
use lowtide_launch::{Carried, Control, real_time_signal};
use std::path::{Path, PathBuf};

const USUAL_SIGNAL: &str = "RTMIN+10";

/// Options of what can be controlled while a program runs.
#[derive(Args, Debug)]
pub struct ControlOptions {
    /// Record nothing before a signal says so
    #[arg(long, env = "LOWTIDE_PAUSED", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub paused: bool,
    /// The first of three signals to lowtide itself: begin a recording, end it, copy the capture [default: RTMIN+10]
    #[arg(long, value_name = "SIGNAL", env = "LOWTIDE_SIGNALS", hide_env_values = true)]
    signals: Option<String>,
}

impl ControlOptions {
    /// `kept` is where the capture stays; copies of one that does not are named after this process.
    pub fn control(&self, kept: Option<&Path>) -> Result<Control> {
        let nameless = || PathBuf::from(format!("lowtide-{}.lowtide", std::process::id()));
        Ok(Control {
            paused: self.paused,
            first_signal: self.first_signal()?,
            snapshots: std::path::absolute(kept.map_or_else(nameless, Path::to_owned))?,
            tell,
        })
    }

    /// The command that begins a recording.
    pub fn name(&self) -> &str {
        self.signals.as_deref().filter(|name| !name.is_empty()).unwrap_or(USUAL_SIGNAL)
    }

    fn first_signal(&self) -> Result<i32> {
        // All three must be there.
        let number =
            number_after(self.name()).filter(|number| real_time_signal(number + 2).is_some());
        number.and_then(real_time_signal).ok_or_else(|| {
            Failure::with_hint(
                format!("{} is not a real-time signal with two more after it", self.name()),
                "name one such as RTMIN+10: other signals are passed on to the program",
            )
        })
    }
}

/// `10` for `RTMIN+10` and `SIGRTMIN+10`.
fn number_after(name: &str) -> Option<i32> {
    let rest = name.strip_prefix("SIG").unwrap_or(name).strip_prefix("RTMIN")?;
    if rest.is_empty() {
        Some(0)
    } else {
        rest.strip_prefix('+')?.parse().ok().filter(|number| (0..64).contains(number))
    }
}

fn tell(carried: &Carried) {
    let terminal = Terminal::new(Color::Auto);
    match carried {
        Carried::Awaited(signal) => {
            let number = signal - real_time_signal(0).unwrap_or_default();
            let pid = std::process::id();
            terminal.note(&format!(
                "lowtide: nothing is recorded before: kill -s RTMIN+{number} {pid}\n"
            ));
        }
        Carried::Begun(capture) => {
            terminal.note(&format!("lowtide: recording into {}\n", capture.display()));
        }
        Carried::Ended => terminal.note("lowtide: recording ends\n"),
        Carried::Copied(copy) => {
            terminal.note(&format!("lowtide: snapshot in {}\n", copy.display()));
        }
        Carried::NotCopied(error) => {
            failure::warn(&Failure::with_hint(error.to_string(), error.hint()), &terminal);
        }
        Carried::NothingToCopy => terminal.note("lowtide: nothing is recorded yet\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_signals_are_named_as_kill_names_them() {
        assert_eq!(number_after("RTMIN+10"), Some(10));
        assert_eq!(number_after("SIGRTMIN+3"), Some(3));
        assert_eq!(number_after("RTMIN"), Some(0));
        for other in ["USR1", "RTMAX-3", "RTMIN+", "RTMIN+-1", "RTMIN+99", "12"] {
            assert_eq!(number_after(other), None, "{other}");
        }
    }
}
