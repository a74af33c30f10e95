//! What a block counts for: itself, or when blocks are sampled, all those like it that were not.
//!
//! Logarithms come from a crate without tables: those of the C library are 200 kB that the program may never touch.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "estimates need fewer digits than a double has, and are never negative"
)]

/// Bytes and blocks that are added to counters, and later taken off again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) bytes: u64,
    pub(crate) blocks: u32,
}

impl Amount {
    /// A block that is counted whether it was sampled or not.
    #[inline]
    pub(crate) const fn exact(bytes: u64) -> Self {
        Self { bytes, blocks: 1 }
    }

    /// A block that was sampled: points fall on the bytes that are allocated, `mean_bytes` apart on average and
    /// independent of each other, so that the chance of a block to be hit is 1 - exp(-bytes / mean). It counts for its
    /// size and itself divided by that. Where this is no whole number, the address decides between its neighbours, in
    /// proportion, so that the average over many blocks is right and a block counts as much when it is freed.
    #[cold]
    pub(crate) fn sampled(bytes: u64, mean_bytes: u64, address: usize) -> Self {
        let chance = -libm::expm1(-(bytes.max(1) as f64) / mean_bytes as f64);
        let dice = spread(address as u64);
        Self {
            bytes: rounded(bytes as f64 / chance, dice) as u64,
            blocks: rounded(1.0 / chance, dice.rotate_left(32)) as u32,
        }
    }
}

fn rounded(number: f64, dice: u64) -> f64 {
    const OUTCOMES: f64 = 18_446_744_073_709_551_616.0;
    let below = number.floor();
    if (dice as f64) < (number - below) * OUTCOMES { below + 1.0 } else { below }
}

/// The distance to the next point, from 64 random bits.
pub(crate) fn distance(mean_bytes: u64, random: u64) -> u64 {
    const FRACTION_BITS: u32 = 53;
    let at_least = 0.5 / (1u64 << FRACTION_BITS) as f64;
    let uniform = (random >> (u64::BITS - FRACTION_BITS)) as f64 / (1u64 << FRACTION_BITS) as f64;
    (-libm::log(uniform + at_least) * mean_bytes as f64).ceil() as u64
}

/// Bits that look random, one to one (the finaliser of `SplitMix64`, Steele and others 2014).
pub(crate) fn spread(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEAN: u64 = 10_000;

    /// Samples `count` blocks of `bytes` as the hooks do; what they are estimated at.
    fn estimate(bytes: u64, count: u64) -> (f64, f64) {
        let (mut left, mut random) = (distance(MEAN, spread(1)), 1_u64);
        let (mut total_bytes, mut total_blocks) = (0, 0);
        for index in 0..count {
            if left > bytes {
                left -= bytes;
                continue;
            }
            random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            left = distance(MEAN, spread(random));
            let amount = Amount::sampled(bytes, MEAN, 0x7000_0000 + index as usize * 16);
            total_bytes += amount.bytes;
            total_blocks += u64::from(amount.blocks);
        }
        (total_bytes as f64, total_blocks as f64)
    }

    /// With a fixed seed the result is always the same; the bounds are five standard errors of the estimate.
    #[test]
    fn estimates_are_unbiased_from_small_blocks_to_large_ones() {
        for bytes in [16, 500, 3_000, 10_000, 25_000, 80_000] {
            let count = 400_000_000 / bytes;
            let chance = 1.0 - (-(bytes as f64) / MEAN as f64).exp();
            let error = ((1.0 - chance) / (chance * count as f64)).sqrt() + 1e-4;
            let (found_bytes, found_blocks) = estimate(bytes, count);
            let expected = (bytes * count) as f64;
            assert!(
                (found_bytes / expected - 1.0).abs() < 5.0 * error,
                "{bytes}: {found_bytes} of {expected}"
            );
            assert!(
                (found_blocks / count as f64 - 1.0).abs() < 5.0 * error,
                "{bytes}: {found_blocks} of {count}"
            );
        }
    }

    #[test]
    fn a_block_counts_as_much_when_it_is_freed() {
        for address in (0..10_000).map(|index| index * 16) {
            assert_eq!(
                Amount::sampled(7_000, MEAN, address),
                Amount::sampled(7_000, MEAN, address)
            );
        }
        assert_eq!(
            Amount::sampled(u64::from(u32::MAX), MEAN, 16),
            Amount::exact(u64::from(u32::MAX))
        );
        assert!(Amount::sampled(0, MEAN, 16).blocks > 0);
    }
}
