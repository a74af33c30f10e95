use lowtide_findings::{Finding, Verdict};
use lowtide_fix::RewrittenFile;
use lowtide_profile::Profile;
use lowtide_prove::{Effect, Proof};
use lowtide_units::Bytes;

/// What became of a program.
#[derive(Clone, Debug)]
pub struct Slimmed {
    /// The program as it was found.
    pub profile: Profile,
    /// How the program itself failed in its first run, if it did.
    pub failure: Option<String>,
    /// What it did to the world outside its files in its first run.
    pub effects: Vec<Effect>,
    /// What the rules said to the program as it was found, largest first.
    pub findings: Vec<Finding>,
    /// Every fix that was tried: the ones that are in the files first.
    pub fixes: Vec<Fix>,
    /// The files that changed, with the fixes that remain.
    pub files: Vec<RewrittenFile>,
    /// What the runs of both versions showed; absent when no fix remained to be proven.
    pub proof: Option<Proof>,
}

/// A fix that was tried.
#[derive(Clone, Debug)]
pub struct Fix {
    /// Where, what it promised, and its verdict with the reason. Its line is that of the file as it was found.
    pub finding: Finding,
    /// What the heap's peak grew by when it alone was left out; absent when it was never weighed.
    pub own_saving: Option<Bytes>,
}

impl Slimmed {
    /// Whether a saving was proven.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.proof.as_ref().is_some_and(Proof::is_proven)
    }

    /// What the fixes that remain promised together, before any of them was run.
    #[must_use]
    pub fn predicted_saving(&self) -> Bytes {
        self.fixes
            .iter()
            .filter(|fix| fix.is_in())
            .filter_map(|fix| fix.finding.predicted_saving)
            .sum()
    }
}

impl Fix {
    pub(crate) fn new(finding: Finding) -> Self {
        Self { finding, own_saving: None }
    }

    /// Whether it is in the rewritten files.
    #[must_use]
    pub fn is_in(&self) -> bool {
        self.finding.verdict.is_advice()
    }

    pub(crate) fn judged(mut self, verdict: Verdict, reason: impl Into<String>) -> Self {
        self.finding.verdict = verdict;
        self.finding.reason = reason.into();
        self
    }
}
