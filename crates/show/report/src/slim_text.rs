//! A slimmed program, for people.

use crate::diff_text::diff_text;
use crate::findings_text::head;
use crate::page::{Page, fit_start, visible, wrap};
use crate::proof_text::{notes, proof_table};
use crate::style::{BAD, CAUTION, COMMAND, DIM, GOOD, HEADING, paint};
use crate::text::joined;
use lowtide_findings::Finding;
use lowtide_prove::Conclusion;
use lowtide_slim::{Fix, Slimmed};
use lowtide_units::{Bytes, Estimate};

/// Blanks before what belongs to a fix.
const INDENT: &str = "  ";

/// What was found, the diff, the figures before and after, the verdict of each fix, and what to do next.
#[must_use]
pub fn slim_text(slimmed: &Slimmed, diff: &str, written: bool, page: &Page) -> String {
    joined([
        conclusion(slimmed, page),
        diff_text(diff).lines().map(str::to_owned).collect(),
        figures(slimmed, page),
        fixes(slimmed, page),
        untried(slimmed, page),
        next_step(slimmed, written, page),
    ])
}

fn conclusion(slimmed: &Slimmed, page: &Page) -> Vec<String> {
    let (style, word, rest) = match &slimmed.proof {
        Some(proof) if proof.is_proven() => (GOOD, "proven", proof.conclusion.to_string()),
        Some(proof) => match &proof.conclusion {
            Conclusion::Different(_) => (BAD, "not slimmed", proof.conclusion.to_string()),
            other => (CAUTION, "not proven", other.to_string()),
        },
        None => (DIM, "nothing to slim", nothing(slimmed)),
    };
    let mut lines = wrap(&visible(&format!("{word}: {rest}")), page.width);
    if let Some(first) = lines.first_mut()
        && let Some(rest) = first.strip_prefix(word)
    {
        *first = format!("{}{rest}", paint(style, word));
    }
    if let Some(failure) = &slimmed.failure {
        let note = format!("the program itself failed, before as after: {failure}");
        lines
            .extend(wrap(&visible(&note), page.width).into_iter().map(|line| paint(CAUTION, line)));
    }
    lines
}

fn nothing(slimmed: &Slimmed) -> String {
    let peak = slimmed.profile.peak().heap;
    if slimmed.fixes.is_empty() {
        format!("no rule knows a fix that would pay in this run, whose heap peaked at {peak}")
    } else {
        format!("no fix that was tried paid off; the heap peaked at {peak}")
    }
}

fn figures(slimmed: &Slimmed, page: &Page) -> Vec<String> {
    let Some(proof) = &slimmed.proof else { return Vec::new() };
    let mut lines = proof_table(proof);
    if let Some(heap) = proof.saving.and_then(|saving| saving.heap)
        && proof.is_proven()
    {
        let predicted = Estimate(slimmed.predicted_saving());
        lines.push(String::new());
        lines.push(format!("predicted saving {predicted}, proven saving {}", shown(heap.median)));
    }
    lines.extend(notes(proof, page));
    lines
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a proven saving is a positive byte count"
)]
fn shown(saving: f64) -> Bytes {
    Bytes(saving.round() as u64)
}

fn fixes(slimmed: &Slimmed, page: &Page) -> Vec<String> {
    if slimmed.fixes.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![paint(HEADING, "Fixes")];
    lines.extend(slimmed.fixes.iter().flat_map(|fix| entry(fix, page)));
    lines
}

fn entry(fix: &Fix, page: &Page) -> Vec<String> {
    let room = page.width.saturating_sub(INDENT.len());
    let mut lines = vec![head(&fix.finding, page)];
    let mut body = wrap(&visible(&fix.finding.candidate.message), room);
    body.extend(wrap(&visible(&worth(fix)), room));
    lines.extend(body.into_iter().map(|line| format!("{INDENT}{line}")));
    lines
}

fn worth(fix: &Fix) -> String {
    let predicted =
        fix.finding.predicted_saving.map(|saving| format!("predicted {}", Estimate(saving)));
    let own =
        fix.own_saving.filter(|_| fix.is_in()).map(|saving| format!("saves {saving} of its own"));
    let figures = own.into_iter().chain(predicted).collect::<Vec<_>>().join(", ");
    let reason = &fix.finding.reason;
    match (fix.is_in(), figures.is_empty()) {
        (true, false) => figures,
        (false, false) => format!("{reason} ({figures})"),
        (_, true) => reason.clone(),
    }
}

/// Findings that hold much of the peak but must not be touched: what a person could change.
fn untried(slimmed: &Slimmed, page: &Page) -> Vec<String> {
    const WORTH_SAYING: f64 = 0.05;
    let peak = slimmed.profile.peak().heap;
    let blocked = slimmed.findings.iter().filter(|finding| {
        let held = finding.measured.map_or(Bytes(0), |measured| Bytes(measured.bytes));
        !finding.candidate.blockers.is_empty() && held.share_of(peak) >= WORTH_SAYING
    });
    let mut lines: Vec<String> = blocked.flat_map(|finding| refusal(finding, page)).collect();
    if !lines.is_empty() {
        lines.insert(0, paint(HEADING, "Not touched, though they hold much of the peak"));
    }
    lines
}

fn refusal(finding: &Finding, page: &Page) -> Vec<String> {
    let room = page.width.saturating_sub(INDENT.len());
    let reason = fit_start(&visible(&finding.reason), 3 * room);
    let reason = wrap(&reason, room).into_iter().map(|line| format!("{INDENT}{line}"));
    std::iter::once(head(finding, page)).chain(reason).collect()
}

fn next_step(slimmed: &Slimmed, written: bool, page: &Page) -> Vec<String> {
    let files: Vec<String> = slimmed.files.iter().map(|file| page.name(&file.path)).collect();
    if files.is_empty() {
        return Vec::new();
    }
    let files = files.join(", ");
    let line = match (written, slimmed.is_proven()) {
        (true, _) => format!("written: {files}"),
        (false, true) => {
            format!(
                "next: the same command with {} rewrites {files}",
                paint(COMMAND, "lowtide slim --write")
            )
        }
        (false, false) => format!("nothing was written: the fixes of {files} are not proven"),
    };
    vec![line]
}
