//! A slimmed program, for programs.

use crate::findings_json::FindingRecord;
use crate::proof_json::ProofRecord;
use lowtide_prove::Figures;
use lowtide_slim::{Fix, Slimmed};
use serde::Serialize;

#[derive(Serialize)]
struct SlimRecord<'a> {
    #[serde(flatten)]
    proof: ProofOrNothing,
    predicted_saving_bytes: u64,
    fixes: Vec<FixRecord<'a>>,
    findings: Vec<FindingRecord<'a>>,
    diff: &'a str,
    written: bool,
    program_failed: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ProofOrNothing {
    Proof(Box<ProofRecord>),
    Nothing(NothingRecord),
}

/// The fields of a proof where nothing was there to be proven.
#[derive(Serialize)]
struct NothingRecord {
    verdict: &'static str,
    reason: &'static str,
    same_behaviour: Option<bool>,
    runs: u32,
    before: crate::proof_json::FiguresRecord,
    after: Option<crate::proof_json::FiguresRecord>,
    saving: Option<()>,
}

#[derive(Serialize)]
struct FixRecord<'a> {
    rule: &'a str,
    name: &'a str,
    file: String,
    line: u32,
    subject: &'a str,
    message: &'a str,
    verdict: &'static str,
    reason: &'a str,
    predicted_saving_bytes: Option<u64>,
    own_saving_bytes: Option<u64>,
}

/// Everything that was found, tried and proven. `diff` is the patch of the fixes that remain.
///
/// # Errors
/// Never in practice: all of it has a form in JSON.
pub fn slim_json(slimmed: &Slimmed, diff: &str, written: bool) -> serde_json::Result<String> {
    crate::json::pretty(&SlimRecord {
        proof: proof(slimmed),
        predicted_saving_bytes: slimmed.predicted_saving().0,
        fixes: slimmed.fixes.iter().map(FixRecord::from).collect(),
        findings: slimmed.findings.iter().map(FindingRecord::from).collect(),
        diff,
        written,
        program_failed: slimmed.failure.as_deref(),
    })
}

fn proof(slimmed: &Slimmed) -> ProofOrNothing {
    if let Some(proof) = &slimmed.proof {
        return ProofOrNothing::Proof(Box::new(proof.into()));
    }
    let peak = slimmed.profile.peak();
    ProofOrNothing::Nothing(NothingRecord {
        verdict: "nothing to do",
        reason: "no fix that pays was found",
        same_behaviour: None,
        runs: 0,
        before: Figures {
            peak_heap: Some(peak.heap),
            peak_rss: peak.rss,
            time: slimmed.profile.duration(),
        }
        .into(),
        after: None,
        saving: None,
    })
}

impl<'a> From<&'a Fix> for FixRecord<'a> {
    fn from(fix: &'a Fix) -> Self {
        let candidate = &fix.finding.candidate;
        Self {
            rule: candidate.rule,
            name: fix.finding.name(),
            file: candidate.file.display().to_string(),
            line: candidate.line,
            subject: &candidate.subject,
            message: &candidate.message,
            verdict: fix.finding.verdict.name(),
            reason: &fix.finding.reason,
            predicted_saving_bytes: fix.finding.predicted_saving.map(|saving| saving.0),
            own_saving_bytes: fix.own_saving.map(|saving| saving.0),
        }
    }
}
