//! Findings, for people.

use crate::page::{Page, fit_end, fit_start, visible, wrap};
use crate::style::{COMMAND, DIM, HEADING, STRONG, of_verdict, paint};
use crate::table::{Align, Cell, Table};
use crate::text::joined;
use lowtide_findings::{Finding, Threshold, Verdict};
use lowtide_units::{Bytes, Count, Estimate};

/// Blanks before what belongs to a finding.
const INDENT: &str = "  ";

/// The findings to act on, or all of them, and how many were left out.
#[must_use]
pub fn findings_text(findings: &[Finding], all: bool, page: &Page) -> String {
    let shown: Vec<&Finding> =
        findings.iter().filter(|finding| all || finding.verdict.is_advice()).collect();
    joined([entries(&shown, page), summary(&shown, findings)])
}

/// The findings to act on as a section of a report on a run, and how many places of weight are refuted.
pub fn findings_section(findings: &[Finding], peak: Bytes, page: &Page) -> Vec<String> {
    let shown: Vec<&Finding> =
        findings.iter().filter(|finding| finding.verdict.is_advice()).collect();
    let is_of_weight = |finding: &&Finding| {
        let saving = finding.predicted_saving.unwrap_or_default();
        finding.verdict == Verdict::Refuted
            && Threshold::default().shortfall(saving, peak).is_none()
    };
    let refuted = findings.iter().filter(is_of_weight).count();
    let mut lines = entries(&shown, page);
    if refuted > 0 {
        let places = if refuted == 1 { "place was" } else { "places were" };
        let why = paint(COMMAND, "lowtide advise --all");
        lines.push(format!(
            "{} {places} considered and refuted: {why} says why",
            Count(refuted as u64)
        ));
    }
    if !lines.is_empty() {
        lines.insert(0, paint(HEADING, "Findings"));
    }
    lines
}

fn entries(shown: &[&Finding], page: &Page) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in shown {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(head(finding, page));
        lines.extend(body(finding, page));
    }
    lines
}

/// Place, rule, verdict.
pub(crate) fn head(finding: &Finding, page: &Page) -> String {
    let candidate = &finding.candidate;
    let place = fit_end(&page.place(&candidate.file, candidate.line), page.width / 2);
    let verdict = paint(of_verdict(finding.verdict), finding.verdict);
    format!(
        "{}  {} {}  {verdict}",
        paint(STRONG, place),
        paint(COMMAND, candidate.rule),
        finding.name()
    )
}

fn body(finding: &Finding, page: &Page) -> Vec<String> {
    let room = page.width.saturating_sub(INDENT.len());
    let candidate = &finding.candidate;
    let mut lines = wrap(&visible(&candidate.message), room);
    if let Some(source) = page.source_line(&candidate.file, candidate.line) {
        lines.push(paint(DIM, format!("| {}", fit_start(&source, room - 2))));
    }
    lines.extend(worth(finding).iter().flat_map(|worth| wrap(&visible(worth), room)));
    lines.into_iter().map(|line| format!("{INDENT}{line}")).collect()
}

/// What it would bring, or why it is not to be done; nothing where nobody knows.
fn worth(finding: &Finding) -> Option<String> {
    if !finding.verdict.is_advice() {
        return Some(finding.reason.clone());
    }
    let (measured, saving) = finding.measured.zip(finding.predicted_saving)?;
    Some(format!("holds {} at the peak, would save {}", Bytes(measured.bytes), Estimate(saving)))
}

fn summary(shown: &[&Finding], findings: &[Finding]) -> Vec<String> {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let number = |count: usize, noun: &str| format!("{} {noun}", Count(count as u64));
    let advice = findings.iter().filter(|finding| finding.verdict.is_advice()).count();
    let mut words = number(advice, if advice == 1 { "finding" } else { "findings" });
    let others: Vec<String> = [Verdict::Unprofitable, Verdict::Refuted]
        .into_iter()
        .filter(|verdict| count(*verdict) > 0)
        .map(|verdict| number(count(verdict), verdict.name()))
        .collect();
    if !others.is_empty() {
        let hidden = if shown.len() < findings.len() { " (shown with --all)" } else { "" };
        words = format!("{words}; {}{hidden}", others.join(", "));
    }
    let mut lines = vec![words];
    lines.extend(next_steps(shown));
    lines
}

/// Commands to go on with, each with what it brings.
fn next_steps(shown: &[&Finding]) -> Vec<String> {
    let Some(first) = shown.first() else { return Vec::new() };
    let mut table = Table::new([Align::Left, Align::Left]);
    let mut step = |command: &str, brings: &str| {
        table.row([Cell::painted(COMMAND, command), Cell::painted(DIM, brings)]);
    };
    step(&format!("lowtide explain {}", first.candidate.rule), "what it means");
    if first.measured.is_none() {
        step("lowtide run --out FILE script.py", "what the program holds at its peak");
        step("lowtide advise --profile FILE ...", "what each finding is worth then");
    }
    step("lowtide slim script.py", "measures, fixes and proves");
    let labels = ["next: "].into_iter().chain(std::iter::repeat("      "));
    labels.zip(table.lines()).map(|(label, line)| format!("{label}{line}")).collect()
}
