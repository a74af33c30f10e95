use crate::difference::Difference;
use crate::statistics::Interval;
use lowtide_journal::Effect;
use lowtide_units::{Bytes, Elapsed};
use std::fmt;

/// What runs of two versions showed.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Medians of the version before.
    pub before: Figures,
    /// Medians of the version after.
    pub after: Figures,
    /// How much less the version after needs; absent if the runs were stopped by a difference.
    pub saving: Option<Saving>,
    /// Runs of each version, with and without the tracker each.
    pub runs: u32,
    /// What follows.
    pub conclusion: Conclusion,
    /// What the program did to the world outside its files, in its first run.
    pub effects: Vec<Effect>,
}

/// Medians over the runs of one version.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Absent where no Python could be tracked.
    pub peak_heap: Option<Bytes>,
    /// By the kernel's count, without the tracker.
    pub peak_rss: Bytes,
    /// From start to end, without the tracker.
    pub time: Elapsed,
}

/// Medians of the differences between neighbouring runs, with their confidence intervals. Positive is less.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Saving {
    /// In bytes; absent where no Python could be tracked.
    pub heap: Option<Interval>,
    /// In bytes.
    pub rss: Interval,
    /// In seconds.
    pub time: Interval,
}

/// What follows from the runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Conclusion {
    /// Same behaviour, and less memory with confidence.
    Proven,
    /// Same behaviour, but the interval of the saving holds 0.
    NoSaving,
    /// Same behaviour, but more memory with confidence: more heap, or noticeably more of it resident.
    MoreMemory,
    /// Same behaviour and less memory, but in too few runs to be confident.
    TooFewRuns,
    /// The versions do not behave the same.
    Different(Difference),
    /// Two runs of the version before do not behave the same, so nothing can be said of the one after.
    NotComparable(Difference),
}

impl Proof {
    /// Under this confidence nothing is called proven. Five runs reach 93.75 %.
    pub const LEAST_CONFIDENCE: f64 = 0.9;

    /// Whether both versions behaved the same; `None` if that cannot be known.
    #[must_use]
    pub fn same_behaviour(&self) -> Option<bool> {
        match self.conclusion {
            Conclusion::Different(_) => Some(false),
            Conclusion::NotComparable(_) => None,
            _ => Some(true),
        }
    }

    /// Whether the saving is proven.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.conclusion == Conclusion::Proven
    }

    /// Whether the version after takes longer, with confidence.
    #[must_use]
    pub fn is_slower(&self) -> bool {
        self.saving.is_some_and(|saving| {
            saving.time.is_below_zero() && saving.time.confidence >= Self::LEAST_CONFIDENCE
        })
    }
}

impl Saving {
    /// Of versions that behave the same.
    pub(crate) fn conclusion(&self, before: &Figures) -> Conclusion {
        let decisive = self.heap.unwrap_or(self.rss);
        let is_confident = decisive.confidence >= Proof::LEAST_CONFIDENCE;
        if is_confident && (decisive.is_below_zero() || self.is_more_resident(before)) {
            Conclusion::MoreMemory
        } else if !decisive.is_above_zero() {
            Conclusion::NoSaving
        } else if is_confident {
            Conclusion::Proven
        } else {
            Conclusion::TooFewRuns
        }
    }

    /// A few pages more are what an import costs, and no reason to do without a smaller heap.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    fn is_more_resident(&self, before: &Figures) -> bool {
        const NOTICEABLE_SHARE: f64 = 0.01;
        self.rss.is_below_zero() && -self.rss.median >= NOTICEABLE_SHARE * before.peak_rss.0 as f64
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proven => {
                f.write_str("both versions behave the same, and the saving's interval excludes 0")
            }
            Self::NoSaving => {
                f.write_str("both versions behave the same, but the saving's interval holds 0")
            }
            Self::MoreMemory => {
                f.write_str("both versions behave the same, but the one after needs more memory")
            }
            Self::TooFewRuns => f.write_str(
                "both versions behave the same, but there were too few runs to be confident",
            ),
            Self::Different(difference) => {
                write!(f, "the versions behave differently: {difference}")
            }
            Self::NotComparable(difference) => {
                write!(f, "two runs of the version before already differ: {difference}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saving(heap: Option<&[f64]>, rss: &[f64]) -> Saving {
        let interval = |samples: &[f64]| Interval::of_median(samples).unwrap();
        Saving { heap: heap.map(interval), rss: interval(rss), time: interval(&[0.0; 6]) }
    }

    fn conclusion(saving: &Saving) -> Conclusion {
        saving.conclusion(&Figures { peak_rss: Bytes(500), ..Figures::default() })
    }

    #[test]
    fn a_saving_is_proven_when_its_interval_excludes_zero() {
        let less = [5.0, 6.0, 5.0, 4.0, 5.0, 5.0];
        let unsure = [5.0, -6.0, 5.0, 4.0, 5.0, 5.0];
        let more = less.map(|bytes| -bytes);
        assert_eq!(conclusion(&saving(Some(&less), &unsure)), Conclusion::Proven);
        assert_eq!(conclusion(&saving(Some(&unsure), &less)), Conclusion::NoSaving);
        assert_eq!(conclusion(&saving(Some(&more), &less)), Conclusion::MoreMemory);
        assert_eq!(conclusion(&saving(Some(&less), &more)), Conclusion::MoreMemory);
        assert_eq!(
            conclusion(&saving(Some(&less), &more.map(|bytes| bytes / 2.0))),
            Conclusion::Proven
        );
        assert_eq!(conclusion(&saving(None, &less)), Conclusion::Proven);
        assert_eq!(conclusion(&saving(Some(&[0.0; 6]), &less)), Conclusion::NoSaving);
    }

    #[test]
    fn one_run_proves_nothing() {
        assert_eq!(conclusion(&saving(Some(&[9.0]), &[9.0])), Conclusion::TooFewRuns);
        assert_eq!(conclusion(&saving(Some(&[9.0; 4]), &[9.0; 4])), Conclusion::TooFewRuns);
        assert_eq!(conclusion(&saving(Some(&[9.0; 5]), &[9.0; 5])), Conclusion::Proven);
    }
}
