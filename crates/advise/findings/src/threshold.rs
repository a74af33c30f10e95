use lowtide_units::{Bytes, Estimate, Share};

/// The smallest saving worth a change of the source: it has to reach the share of the peak *and* the byte count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// Of the peak's heap bytes.
    pub share: Share,
    /// In any case.
    pub bytes: Bytes,
}

impl Default for Threshold {
    /// 1 % of the peak and 1 MB.
    fn default() -> Self {
        Self { share: Share(0.01), bytes: Bytes(1_000_000) }
    }
}

impl Threshold {
    /// Why `saving` does not reach this threshold in a run with this `peak`; `None` when it does.
    #[must_use]
    pub fn shortfall(&self, saving: Bytes, peak: Bytes) -> Option<String> {
        let saved = Estimate(saving);
        if saving < self.bytes {
            return Some(format!("it would save {saved}, less than {}", self.bytes));
        }
        let share = Share(saving.share_of(peak));
        (share < self.share).then(|| {
            format!("it would save {saved}, {share} of the peak, less than {}", self.share)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_the_byte_count_and_the_share_have_to_be_reached() {
        let threshold = Threshold::default();
        let shortfall = |saving, peak| threshold.shortfall(Bytes(saving), Bytes(peak));
        assert_eq!(shortfall(1_000_000, 100_000_000), None);
        assert_eq!(
            shortfall(999_999, 1_000_000).as_deref(),
            Some("it would save ~1.0 MB, less than 1.0 MB")
        );
        assert_eq!(
            shortfall(2_000_000, 1_000_000_000).as_deref(),
            Some("it would save ~2.0 MB, 0.2 % of the peak, less than 1.0 %")
        );
    }
}
