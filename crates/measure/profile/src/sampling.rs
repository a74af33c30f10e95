use crate::Usage;
use lowtide_units::Bytes;

/// How blocks were sampled; all counters of such a recording are estimates without bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Average bytes between samples.
    pub mean: Bytes,
}

impl Sampling {
    /// Half the width of the interval that holds the true bytes in 95 of 100 runs, were the blocks all of their mean size.
    ///
    /// A block of b bytes is in the sample with the chance p = 1 - exp(-x), where x = b / mean, and then counts for b / p.
    /// Of n blocks, that has a variance of n b^2 (1 - p) / p, and so of (n b) mean x / (exp(x) - 1).
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "of a margin two digits matter, and it is at least 0"
    )]
    pub fn margin(self, usage: Usage) -> Bytes {
        /// Standard errors, by the normal distribution.
        const WITHIN: f64 = 1.96;
        let (bytes, mean) = (usage.bytes.0 as f64, self.mean.0 as f64);
        let x = bytes / usage.count.max(1) as f64 / mean;
        let relative = if x > 0.0 { x / x.exp_m1() } else { 1.0 };
        Bytes((WITHIN * (bytes * mean * relative).sqrt()).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_blocks_are_known_by_their_samples_and_large_ones_exactly() {
        let sampling = Sampling { mean: Bytes(500_000) };
        // 200 samples of small blocks: one part in the root of 200, 1.96 times.
        assert_eq!(sampling.margin(Usage::new(100_000_000, 1_000_000)).0 / 100_000, 138);
        assert_eq!(sampling.margin(Usage::new(100_000_000, 1)), Bytes(0));
        assert_eq!(sampling.margin(Usage::default()), Bytes(0));
    }
}
