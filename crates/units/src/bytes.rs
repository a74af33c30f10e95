use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

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

/// Why a text is no count of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBytes;

/// A whole number, alone or with a decimal unit: `4096`, `64k`, `64 kB`, `2M`, `1G`.
impl FromStr for Bytes {
    type Err = NotBytes;

    fn from_str(text: &str) -> Result<Self, NotBytes> {
        let text = text.trim();
        let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let factor = match unit.trim_start().trim_end_matches(['B', 'b']) {
            "" => 1,
            "k" | "K" => 1_000,
            "M" | "m" => 1_000_000,
            "G" | "g" => 1_000_000_000,
            _ => return Err(NotBytes),
        };
        let number: u64 = number.parse().map_err(|_| NotBytes)?;
        number.checked_mul(factor).map(Bytes).ok_or(NotBytes)
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
    fn counts_are_read_with_their_units() {
        let read = |text: &str| text.parse::<Bytes>().map(|bytes| bytes.0);
        assert_eq!(
            ["7", "64k", "64 kB", " 2M", "1GB"].map(read),
            [7, 64_000, 64_000, 2_000_000, 1_000_000_000].map(Ok)
        );
        assert_eq!(["", "k", "-1", "1.5M", "2T", "99999999999G"].map(read), [Err(NotBytes); 6]);
    }

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
