//! Findings, for programs.

use lowtide_findings::Finding;
use serde::Serialize;

/// One finding.
#[derive(Serialize)]
pub struct FindingRecord<'a> {
    rule: &'a str,
    name: &'a str,
    file: String,
    line: u32,
    subject: &'a str,
    message: &'a str,
    verdict: &'static str,
    reason: &'a str,
    measured_bytes: Option<u64>,
    measured_count: Option<u64>,
    predicted_saving_bytes: Option<u64>,
    blockers: Vec<BlockerRecord<'a>>,
}

#[derive(Serialize)]
struct BlockerRecord<'a> {
    name: &'a str,
    reason: &'a str,
    line: u32,
}

#[derive(Serialize)]
struct FindingsRecord<'a> {
    findings: Vec<FindingRecord<'a>>,
}

/// The findings to act on, or all of them.
///
/// # Errors
/// Never in practice: all of it has a form in JSON.
pub fn findings_json(findings: &[Finding], all: bool) -> serde_json::Result<String> {
    let shown = findings.iter().filter(|finding| all || finding.verdict.is_advice());
    crate::json::pretty(&FindingsRecord { findings: shown.map(FindingRecord::from).collect() })
}

impl<'a> From<&'a Finding> for FindingRecord<'a> {
    fn from(finding: &'a Finding) -> Self {
        let candidate = &finding.candidate;
        let blocker = |blocker: &'a lowtide_rules::Blocker| BlockerRecord {
            name: blocker.name,
            reason: &blocker.reason,
            line: blocker.line,
        };
        Self {
            rule: candidate.rule,
            name: finding.name(),
            file: candidate.file.display().to_string(),
            line: candidate.line,
            subject: &candidate.subject,
            message: &candidate.message,
            verdict: finding.verdict.name(),
            reason: &finding.reason,
            measured_bytes: finding.measured.map(|measured| measured.bytes),
            measured_count: finding.measured.map(|measured| measured.count),
            predicted_saving_bytes: finding.predicted_saving.map(|saving| saving.0),
            blockers: candidate.blockers.iter().map(blocker).collect(),
        }
    }
}
