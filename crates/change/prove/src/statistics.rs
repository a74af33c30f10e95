//! Medians, and how far they can be trusted.

/// A median with a confidence interval that assumes nothing about how the samples are distributed.
///
/// The interval is bounded by two of the samples, `k`-th from below and `k`-th from above. It misses the true median only
/// if fewer than `k` samples fall on one side of it, and each falls on either side as a coin does; so the confidence is
/// `1 - 2 P(Binomial(n, 1/2) < k)` (the sign test turned round; David and Nagaraja, *Order Statistics*, 7.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The middle sample, or the mean of the two in the middle.
    pub median: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// With this probability the true median lies between the two ends, from 0 to 1.
    pub confidence: f64,
}

impl Interval {
    /// What is aimed at. Six samples are the fewest that reach it (96.9 %).
    pub const WANTED_CONFIDENCE: f64 = 0.95;

    /// The narrowest interval with the wanted confidence, or the widest one where there are too few samples for that.
    /// `None` without samples.
    #[must_use]
    pub fn of_median(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        let widest = Self {
            median: middle(&sorted),
            low: first,
            high: last,
            confidence: confidence(sorted.len(), 1),
        };
        let narrower = (2..=sorted.len() / 2)
            .map(|k| (k, confidence(sorted.len(), k)))
            .take_while(|(_, confidence)| *confidence >= Self::WANTED_CONFIDENCE)
            .last();
        Some(narrower.map_or(widest, |(k, confidence)| Self {
            low: sorted[k - 1],
            high: sorted[sorted.len() - k],
            confidence,
            ..widest
        }))
    }

    /// Whether the whole interval lies above 0.
    #[must_use]
    pub fn is_above_zero(&self) -> bool {
        self.low > 0.0
    }

    /// Whether the whole interval lies below 0.
    #[must_use]
    pub fn is_below_zero(&self) -> bool {
        self.high < 0.0
    }
}

/// The middle of some figures; 0 of none.
#[must_use]
pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    middle(&sorted)
}

fn middle(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => 0.0,
        count if count % 2 == 1 => sorted[count / 2],
        count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
    }
}

/// How surely the median lies between the `k`-th smallest and the `k`-th largest of `samples`.
fn confidence(samples: usize, k: usize) -> f64 {
    let mut ways = 1.0;
    let mut tail = 0.0;
    for below in 0..k {
        tail += ways;
        ways *= figure(samples - below) / figure(below + 1);
    }
    let halvings = i32::try_from(samples).unwrap_or(i32::MAX);
    (1.0 - 2.0 * tail * 0.5_f64.powi(halvings)).max(0.0)
}

#[expect(clippy::cast_precision_loss, reason = "nobody runs a program 2^52 times")]
fn figure(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Counts, over every way in which samples can fall below and above the true median 0, how often it is covered.
    fn covered_share(samples: u32) -> f64 {
        let ways = 1_u32 << samples;
        let is_covered = |way: &u32| {
            let sample = |index: u32| {
                let distance = f64::from(index + 1);
                if way >> index & 1 == 1 { distance } else { -distance }
            };
            let all: Vec<f64> = (0..samples).map(sample).collect();
            let interval = Interval::of_median(&all).unwrap();
            interval.low <= 0.0 && 0.0 <= interval.high
        };
        figure((0..ways).filter(is_covered).count()) / f64::from(ways)
    }

    #[test]
    fn the_confidence_is_the_share_of_all_cases_that_are_covered() {
        for samples in 1..=14 {
            let stated = Interval::of_median(&vec![0.0; samples as usize]).unwrap().confidence;
            assert!((covered_share(samples) - stated).abs() < 1e-12, "{samples} samples");
        }
    }

    #[test]
    fn six_runs_reach_the_wanted_confidence_and_five_do_not() {
        let confidence = |samples| Interval::of_median(&vec![1.0; samples]).unwrap().confidence;
        assert!((confidence(6) - 0.96875).abs() < 1e-12);
        assert!((confidence(5) - 0.9375).abs() < 1e-12);
        assert!(confidence(1).abs() < 1e-12);
    }

    #[test]
    fn more_runs_than_needed_leave_outliers_out() {
        let mut samples = vec![5.0; 18];
        samples.extend([-1000.0, 1000.0]);
        let interval = Interval::of_median(&samples).unwrap();
        assert_eq!((interval.low, interval.median, interval.high), (5.0, 5.0, 5.0));
        assert!(interval.confidence >= Interval::WANTED_CONFIDENCE);
    }

    #[test]
    fn the_median_of_an_even_count_lies_between_the_two_in_the_middle() {
        assert!((median(&[4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < 1e-12);
        assert_eq!(Interval::of_median(&[]), None);
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_median(samples in proptest::collection::vec(-1e9..1e9, 1..40)) {
            let interval = Interval::of_median(&samples).unwrap();
            prop_assert!(interval.low <= interval.median && interval.median <= interval.high);
            prop_assert!(!(interval.is_above_zero() && interval.is_below_zero()));
        }
    }
}
