use crate::Bytes;
use std::fmt;

/// A number of things. Prints with its thousands apart: `1,000,000`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Count(pub u64);

/// A part of a whole, 0 to 1. Prints as `93.1 %`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Share(pub f64);

/// A byte count that was computed, not measured. Prints with its mark: `~213.4 MB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Estimate(pub Bytes);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.1} %", self.0 * 100.0))
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("~{}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1_000, 123_456, 1_234_567].map(|n| Count(n).to_string()),
            ["0", "999", "1,000", "123,456", "1,234,567"]
        );
    }

    #[test]
    fn shares_and_estimates_carry_their_marks() {
        assert_eq!(Share(0.931).to_string(), "93.1 %");
        assert_eq!(Estimate(Bytes(213_400_000)).to_string(), "~213.4 MB");
    }
}
