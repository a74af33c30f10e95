//! Tells on standard error how runs go on: one line that moves on a terminal, plain lines elsewhere.

use crate::failure::{self, Failure};
use crate::terminal::Terminal;
use indicatif::{ProgressBar, ProgressStyle};
use lowtide_prove::{Effect, Observer, Side};
use lowtide_slim::Phase;
use std::io::{self, IsTerminal};
use std::time::Duration;

/// More effects than that are counted, not listed.
const LISTED_EFFECTS: usize = 5;
const REDRAW: Duration = Duration::from_millis(120);

/// Shows what is being done.
pub struct Progress<'a> {
    terminal: &'a Terminal,
    bar: Option<ProgressBar>,
}

impl<'a> Progress<'a> {
    pub fn new(terminal: &'a Terminal) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(spinner());
            bar.enable_steady_tick(REDRAW);
            bar
        });
        Self { terminal, bar }
    }

    /// Takes the moving line away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn step(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(what.to_owned()),
            None => self.terminal.note(&format!("lowtide: {what}\n")),
        }
    }
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn bar(done: u32) -> ProgressStyle {
    // Nothing is known of the time left before the first run has ended.
    let left = if done == 0 { "" } else { " (about {eta} left)" };
    ProgressStyle::with_template(&format!(
        "{{spinner}} {{msg}} [{{bar:30}}] {{pos}}/{{len}} {{elapsed}}{left}"
    ))
    .map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars("=> "))
}

impl Observer for Progress<'_> {
    fn run_starts(&mut self, index: u32, count: u32, side: Side) {
        let Some(shown) = &self.bar else {
            if index == 0 {
                self.step(&format!("running both versions in turn, {count} runs"));
            }
            return;
        };
        if index == 0 {
            shown.reset();
            shown.set_length(u64::from(count));
        }
        shown.set_style(bar(index));
        shown.set_position(u64::from(index));
        shown.set_message(match side {
            Side::Before => "proving: before",
            Side::After => "proving: after ",
        });
    }

    fn effects_seen(&mut self, effects: &[Effect]) {
        let mut listed: Vec<String> = effects
            .iter()
            .take(LISTED_EFFECTS)
            .map(|effect| format!("{} {}", effect.verb, effect.object))
            .collect();
        if effects.len() > LISTED_EFFECTS {
            listed.push(format!("and {} more", effects.len() - LISTED_EFFECTS));
        }
        let warning = Failure::with_hint(
            format!(
                "the program reaches outside its files, and will do so again in each run: it {}",
                listed.join(", ")
            ),
            "press Ctrl-C if it must not be repeated, --runs 1 repeats it least; what other programs write is neither \
             compared nor put back",
        );
        let tell = || failure::warn(&warning, self.terminal);
        match &self.bar {
            Some(bar) => bar.suspend(tell),
            None => tell(),
        }
    }
}

impl lowtide_slim::Observer for Progress<'_> {
    fn phase(&mut self, phase: &Phase) {
        if let Some(bar) = &self.bar {
            bar.set_style(spinner());
        }
        self.step(&match phase {
            Phase::Measuring => "measuring the program (its own output is not shown)".to_owned(),
            Phase::Trying { round: 1, fixes } => format!("trying {}", counted(*fixes)),
            Phase::Trying { fixes, .. } => format!("trying {} at the next peak", counted(*fixes)),
            Phase::Weighing { turn, count } => format!("weighing fix {turn} of {count}"),
            Phase::Proving { fixes } => format!("proving {}", counted(*fixes)),
        });
    }
}

fn counted(fixes: usize) -> String {
    if fixes == 1 { "1 fix".to_owned() } else { format!("{fixes} fixes") }
}
