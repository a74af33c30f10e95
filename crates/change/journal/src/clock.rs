use std::time::{Duration, SystemTime};

/// Nanoseconds since 1970 of a file's time stamp; negative before.
pub(crate) fn nanoseconds(seconds: i64, nanoseconds: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
}

/// The moment that many nanoseconds after 1970.
pub(crate) fn moment(nanoseconds: i128) -> SystemTime {
    let distance = nanoseconds.unsigned_abs();
    let seconds = u64::try_from(distance / 1_000_000_000).unwrap_or(u64::MAX);
    let rest = u32::try_from(distance % 1_000_000_000).unwrap_or(0);
    let offset = Duration::new(seconds, rest);
    let epoch = SystemTime::UNIX_EPOCH;
    let moved = if nanoseconds < 0 { epoch.checked_sub(offset) } else { epoch.checked_add(offset) };
    moved.unwrap_or(epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_before_1970_goes_back() {
        let expected = SystemTime::UNIX_EPOCH - Duration::from_millis(1_500);
        assert_eq!(moment(nanoseconds(-2, 500_000_000)), expected);
    }
}
