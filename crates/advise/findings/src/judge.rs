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
        None if candidate.benefit.never_pays() => {
            (Verdict::Unprofitable, "the consumer keeps all of it anyway".to_owned())
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use lowtide_rules::{Benefit, Evidence, Measured};
    use lowtide_units::{LineSpan, PythonVersion};

    /// A run that holds ten times the number of its first line on every span, in MB.
    struct Run;

    impl Measurements for Run {
        fn peak(&self) -> Bytes {
            Bytes(1_000_000_000)
        }

        fn python(&self) -> PythonVersion {
            PythonVersion::three(11)
        }

        fn look_up(&self, evidence: &Evidence) -> Measured {
            let Evidence::AllocatedUnder(spans) = evidence else { return Measured::default() };
            let bytes = spans.iter().map(|span| u64::from(span.first) * 10_000_000).sum();
            Measured { bytes, count: 1 }
        }
    }

    fn candidate(line: u32, share: f64) -> Candidate {
        let span = LineSpan { file: "a.py".into(), first: line, last: line };
        Candidate {
            rule: "LT102",
            file: "a.py".into(),
            line,
            subject: String::new(),
            message: String::new(),
            evidence: Evidence::AllocatedUnder(vec![span]),
            benefit: Benefit::Keeps { share, constant_bytes: 0 },
            blockers: Vec::new(),
            edits: Vec::new(),
        }
    }

    fn blocked(line: u32) -> Candidate {
        let blocker = |name| Blocker { name, reason: "line 9 reads it".to_owned(), line: 9 };
        Candidate {
            blockers: vec![blocker("used-twice"), blocker("returned")],
            ..candidate(line, 0.0)
        }
    }

    fn verdicts(
        candidates: Vec<Candidate>,
        run: Option<&dyn Measurements>,
    ) -> Vec<(u32, Verdict, String)> {
        let findings = judge(candidates, run, Threshold::default());
        findings
            .into_iter()
            .map(|finding| (finding.candidate.line, finding.verdict, finding.reason))
            .collect()
    }

    #[test]
    fn what_its_consumer_keeps_whole_is_no_advice_even_without_a_run() {
        let findings = judge(vec![candidate(1, 1.0)], None, Threshold::default());
        assert_eq!(findings[0].verdict, Verdict::Unprofitable);
    }

    #[test]
    fn without_a_run_a_candidate_is_plausible_or_refuted() {
        let found = verdicts(vec![blocked(1), candidate(2, 0.0)], None);
        assert_eq!(
            found[0],
            (1, Verdict::Refuted, "used-twice: line 9 reads it (and 1 more)".to_owned())
        );
        assert_eq!(found[1].1, Verdict::Plausible);
    }

    #[test]
    fn with_a_run_the_largest_comes_first_and_small_savings_do_not_pay() {
        let found = verdicts(
            vec![candidate(3, 0.0), candidate(0, 0.0), candidate(9, 0.99), blocked(7)],
            Some(&Run),
        );
        let expected = [
            (9, Verdict::Unprofitable, "it would save ~900.0 kB, less than 1.0 MB"),
            (7, Verdict::Refuted, "used-twice: line 9 reads it (and 1 more)"),
            (
                3,
                Verdict::Plausible,
                "the source allows it; it would save ~30.0 MB, 3.0 % of the peak",
            ),
            (0, Verdict::Unprofitable, "nothing of the peak was allocated here"),
        ];
        assert_eq!(
            found,
            expected.map(|(line, verdict, reason)| (line, verdict, reason.to_owned()))
        );
    }

    #[test]
    fn the_prediction_is_what_the_benefit_model_says_of_what_was_measured() {
        let findings = judge(vec![candidate(10, 0.25)], Some(&Run), Threshold::default());
        assert_eq!(findings[0].measured, Some(Measured { bytes: 100_000_000, count: 1 }));
        assert_eq!(findings[0].predicted_saving, Some(Bytes(75_000_000)));
    }
}
