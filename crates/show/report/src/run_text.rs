//! A run, for people.

use crate::figures::figures;
use crate::findings_text::findings_section;
use crate::page::{Page, fit_start, visible};
use crate::peak_text::PeakText;
use crate::processes::processes;
use crate::run_notes::run_notes;
use crate::style::{COMMAND, DIM, HEADING, paint};
use crate::text::joined;
use crate::{RunSummary, command_line, signal_name};
use lowtide_profile::{Exit, ProcessFacts};

/// The report of a run: figures, notes, lines that hold the peak, types, findings, what to do next.
/// `peak` is what it says of the run's own profile.
#[must_use]
pub fn run_text(run: &RunSummary, peak: &PeakText, page: &Page) -> String {
    let before = [title(run, page), figures(run.profile, page), run_notes(run.profile, page)];
    let after = [
        processes(run, peak, page),
        findings_section(run.findings, run.profile.peak().heap, page),
        next_steps(run),
    ];
    joined(before.into_iter().chain(peak.sections.iter().cloned()).chain(after))
}

fn title(run: &RunSummary, page: &Page) -> Vec<String> {
    let process = run.profile.process();
    let facts = format!("Python {}{}", process.python_text, exit(run.profile.exit()));
    let room = page.width.saturating_sub(facts.len() + 2);
    let command = fit_start(&visible(&program(process)), room);
    vec![format!("{}  {}", paint(HEADING, command), paint(DIM, facts))]
}

fn exit(exit: Exit) -> String {
    match exit {
        Exit::Status(0) | Exit::Unknown => String::new(),
        Exit::Status(status) => format!(", exit status {status}"),
        Exit::Signal(signal) => format!(", {}", signal_name(signal)),
    }
}

/// What Python was told to run.
pub fn program(process: &ProcessFacts) -> String {
    match process.argv.get(1..) {
        None | Some([]) => process.executable.display().to_string(),
        Some(words) => command_line(words),
    }
}

fn next_steps(run: &RunSummary) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(capture) = run.capture {
        let report = format!("lowtide report {}", command_line(&[capture.display().to_string()]));
        lines.push(format!("again: {}", paint(COMMAND, visible(&report))));
    }
    if run.findings.iter().any(|finding| finding.verdict.is_advice()) {
        let slim = format!("lowtide slim {}", program(run.profile.process()));
        lines.push(format!("next:  {}", paint(COMMAND, visible(&slim))));
    }
    lines
}
