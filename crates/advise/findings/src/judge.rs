use crate::{Finding, Measurements, Threshold, Verdict};
use lowtide_rules::{Blocker, Candidate};
use lowtide_units::{Bytes, Estimate, Share};
use std::cmp::Reverse;

/// Joins candidates with a run, if there was one, and gives each its verdict.
///
/// Most measured bytes first, then by file, line and rule.
#[must_use]
pub fn judge(
    candidates: Vec<Candidate>,
    run: Option<&dyn Measurements>,
    threshold: Threshold,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = candidates
        .into_iter()
        .map(|candidate| match run {
            Some(run) => judge_measured(candidate, run, threshold),
            None => judge_unmeasured(candidate),
        })
        .collect();
    findings.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
    findings
}

fn sort_key(finding: &Finding) -> impl Ord {
    let Finding { candidate, measured, .. } = finding;
    let bytes = measured.map_or(0, |measured| measured.bytes);
    (
        Reverse(bytes),
        candidate.file.clone(),
        candidate.line,
        candidate.rule,
        candidate.subject.clone(),
    )
}

fn judge_unmeasured(candidate: Candidate) -> Finding {
    let (verdict, reason) = match blocking_facts(&candidate.blockers) {
        Some(facts) => (Verdict::Refuted, facts),
        None => (Verdict::Plausible, "the source allows it; nothing was measured".to_owned()),
    };
    Finding { candidate, measured: None, predicted_saving: None, verdict, reason }
}

fn judge_measured(candidate: Candidate, run: &dyn Measurements, threshold: Threshold) -> Finding {
    let measured = run.look_up(&candidate.evidence);
    let saving = Bytes(candidate.benefit.saving_bytes(measured));
    let (verdict, reason) = if let Some(facts) = blocking_facts(&candidate.blockers) {
        (Verdict::Refuted, facts)
    } else if measured.bytes == 0 {
        (Verdict::Unprofitable, "nothing of the peak was allocated here".to_owned())
    } else if let Some(shortfall) = threshold.shortfall(saving, run.peak()) {
        (Verdict::Unprofitable, shortfall)
    } else {
        (Verdict::Plausible, promise(saving, run.peak()))
    };
    Finding { candidate, measured: Some(measured), predicted_saving: Some(saving), verdict, reason }
}

fn promise(saving: Bytes, peak: Bytes) -> String {
    let share = Share(saving.share_of(peak));
    format!("the source allows it; it would save {}, {share} of the peak", Estimate(saving))
}

fn blocking_facts(blockers: &[Blocker]) -> Option<String> {
    let (first, rest) = blockers.split_first()?;
    let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
    Some(format!("{}: {}{more}", first.name, first.reason))
}
