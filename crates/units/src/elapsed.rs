use std::fmt;
use std::time::Duration;

/// A span of time. Prints in the unit a reader would choose: `320 us`, `45.2 ms`, `1.24 s`, `2 min 05 s`, `3 h 07 min`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Elapsed(pub Duration);

impl Elapsed {
    /// From nanoseconds, the unit of a capture.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(Duration::from_nanos(nanos))
    }

    /// In seconds, for arithmetic and machine-readable formats.
    #[must_use]
    pub const fn seconds(self) -> f64 {
        self.0.as_secs_f64()
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        let whole = self.0.as_secs();
        // Each limit lies where the smaller unit would round up to the larger one.
        let text = match self.0.as_nanos() {
            0..999_500 => format!("{:.0} us", seconds * 1e6),
            999_500..999_950_000 => format!("{:.1} ms", seconds * 1e3),
            999_950_000..59_995_000_000 => format!("{seconds:.2} s"),
            _ if whole < 3600 => format!("{} min {:02} s", whole / 60, whole % 60),
            _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_magnitude_has_its_unit() {
        let shown: Vec<String> = [
            0,
            320_000,
            999_500,
            45_200_000,
            999_950_000,
            59_994_000_000,
            125_000_000_000,
            11_220_000_000_000,
        ]
        .map(|nanos| Elapsed::from_nanos(nanos).to_string())
        .into();
        assert_eq!(
            shown,
            [
                "0 us",
                "320 us",
                "1.0 ms",
                "45.2 ms",
                "1.00 s",
                "59.99 s",
                "2 min 05 s",
                "3 h 07 min"
            ]
        );
    }

    #[test]
    fn a_width_pads_the_whole_text() {
        assert_eq!(format!("[{:>9}]", Elapsed::from_nanos(1_240_000_000)), "[   1.24 s]");
    }
}
