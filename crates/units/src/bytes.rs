use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// A count of bytes. Prints in decimal units: `999 B`, `1.5 kB`, `213.4 MB`, `1.20 GB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A signed change of a byte count. Prints with its sign: `+1.5 kB`, `-213.4 MB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteDelta(pub i64);

impl Bytes {
    /// How far this count lies above (positive) or below (negative) `other`.
    #[must_use]
    pub fn delta_from(self, other: Bytes) -> ByteDelta {
        ByteDelta(self.0.cast_signed().wrapping_sub(other.0.cast_signed()))
    }

    /// This count as a share of `whole`, from 0 to 1; 0 of nothing is 0.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    pub fn share_of(self, whole: Bytes) -> f64 {
        if whole.0 == 0 { 0.0 } else { self.0 as f64 / whole.0 as f64 }
    }
}

impl Add for Bytes {
    type Output = Bytes;
    fn add(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Bytes) {
        *self = *self + other;
    }
}

impl Sub for Bytes {
    type Output = Bytes;
    fn sub(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_sub(other.0))
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Bytes>>(iter: I) -> Bytes {
        iter.fold(Bytes(0), Add::add)
    }
}

impl fmt::Display for Bytes {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0 as f64;
        let text = match self.0 {
            0..1_000 => format!("{} B", self.0),
            1_000..999_950 => format!("{:.1} kB", count / 1e3),
            999_950..999_950_000 => format!("{:.1} MB", count / 1e6),
            _ => format!("{:.2} GB", count / 1e9),
        };
        f.pad(&text)
    }
}

impl fmt::Display for ByteDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        f.pad(&format!("{sign}{}", Bytes(self.0.unsigned_abs())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_magnitude_has_its_unit() {
        let shown: Vec<String> = [0, 999, 1_000, 999_949, 999_950, 213_400_000, 1_200_000_000]
            .map(|count| Bytes(count).to_string())
            .into();
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "213.4 MB", "1.20 GB"]);
    }

    #[test]
    fn a_delta_keeps_its_sign() {
        assert_eq!(Bytes(10).delta_from(Bytes(2_010)).to_string(), "-2.0 kB");
        assert_eq!(Bytes(10).delta_from(Bytes(0)).to_string(), "+10 B");
    }
}
