use lowtide_rules::{Candidate, Measured, rule_called};
use lowtide_units::Bytes;
use std::fmt;

/// A candidate joined with what was measured for it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The place in the source, its blockers and its rewrite.
    pub candidate: Candidate,
    /// What a profile says of the place; absent without a profile.
    pub measured: Option<Measured>,
    /// What the benefit model makes of it; absent without a profile.
    pub predicted_saving: Option<Bytes>,
    /// What is known of the rewrite.
    pub verdict: Verdict,
    /// Why the verdict is what it is, in one sentence without a full stop.
    pub reason: String,
}

/// What is known of a rewrite, from worst to best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// A fact of the source, or a run, contradicts the rewrite.
    Refuted,
    /// The predicted saving lies under the threshold.
    Unprofitable,
    /// The source allows it, nothing was observed.
    Plausible,
    /// The source allows it and every use was observed behaving.
    Supported,
    /// Both versions ran, behaved the same, and the saving's confidence interval excludes 0.
    Proven,
}

impl Finding {
    /// The rule's name, which names the waste: `whole-file-read`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        rule_called(self.candidate.rule).map_or(self.candidate.rule, |rule| rule.name)
    }
}

impl Verdict {
    /// The word of the design, as every format shows it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refuted => "refuted",
            Self::Unprofitable => "unprofitable",
            Self::Plausible => "plausible",
            Self::Supported => "supported",
            Self::Proven => "proven",
        }
    }

    /// Whether a reader should act on it: refuted and unprofitable ones are hidden unless asked for.
    #[must_use]
    pub fn is_advice(self) -> bool {
        self >= Self::Plausible
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
