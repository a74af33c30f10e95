//! What the shim tells the launcher: five numbers of eight bytes each, through a pipe.

use crate::{Ended, Exit};
use lowtide_units::Bytes;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// Bytes of an encoded outcome.
pub(crate) const ENCODED_BYTES: usize = 40;

/// What became of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran and ended.
    Ended(Counted),
    /// The operating system refused to start it, with this error number.
    NotStarted(i32),
}

/// What the kernel counted for a program that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// As `wait` gives it.
    pub wait_status: i32,
    /// From start to end.
    pub duration_ns: u64,
    /// Most resident bytes.
    pub peak_rss_bytes: u64,
    /// Processor time in user mode.
    pub user_ns: u64,
    /// Processor time in the kernel.
    pub system_ns: u64,
}

const ENDED: u32 = 1;
const NOT_STARTED: u32 = 2;

impl Outcome {
    pub(crate) fn encode(self) -> [u8; ENCODED_BYTES] {
        let (tag, number, counted) = match self {
            Outcome::Ended(counted) => (ENDED, counted.wait_status, counted),
            Outcome::NotStarted(errno) => (NOT_STARTED, errno, Counted::default()),
        };
        let first = u64::from(tag) << 32 | u64::from(number.cast_unsigned());
        let words = [
            first,
            counted.duration_ns,
            counted.peak_rss_bytes,
            counted.user_ns,
            counted.system_ns,
        ];
        let mut encoded = [0; ENCODED_BYTES];
        for (bytes, word) in encoded.as_chunks_mut().0.iter_mut().zip(words) {
            *bytes = word.to_le_bytes();
        }
        encoded
    }

    /// `None` is what no shim of this version writes.
    pub(crate) fn decode(encoded: &[u8; ENCODED_BYTES]) -> Option<Self> {
        let mut words = encoded.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut next = || words.next().unwrap_or_default();
        let first = next();
        let tag = u32::try_from(first >> 32).ok()?;
        let number = u32::try_from(first & u64::from(u32::MAX)).ok()?.cast_signed();
        let counted = Counted {
            wait_status: number,
            duration_ns: next(),
            peak_rss_bytes: next(),
            user_ns: next(),
            system_ns: next(),
        };
        match tag {
            ENDED => Some(Outcome::Ended(counted)),
            NOT_STARTED => Some(Outcome::NotStarted(number)),
            _ => None,
        }
    }
}

impl Counted {
    /// As the caller of a launch sees it.
    pub(crate) fn ended(self, recording: Option<u32>, received: Option<i32>) -> Ended {
        let status = ExitStatus::from_raw(self.wait_status);
        Ended {
            exit: status
                .signal()
                .map_or(Exit::Code(status.code().unwrap_or_default()), Exit::Signal),
            peak_rss: Bytes(self.peak_rss_bytes),
            duration: Duration::from_nanos(self.duration_ns),
            user_time: Duration::from_nanos(self.user_ns),
            system_time: Duration::from_nanos(self.system_ns),
            recorded: recording.is_some(),
            recording: recording.unwrap_or(0),
            received,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(wait_status: i32, duration_ns: u64, peak_rss_bytes: u64, user_ns: u64, system_ns: u64) {
            let counted = Counted { wait_status, duration_ns, peak_rss_bytes, user_ns, system_ns };
            for outcome in [Outcome::Ended(counted), Outcome::NotStarted(wait_status)] {
                prop_assert_eq!(Outcome::decode(&outcome.encode()), Some(outcome));
            }
        }
    }

    #[test]
    fn an_unknown_tag_is_refused() {
        assert_eq!(Outcome::decode(&[0; ENCODED_BYTES]), None);
    }

    #[test]
    fn a_wait_status_is_an_exit_status_or_a_signal() {
        let exit =
            |wait_status| Counted { wait_status, ..Counted::default() }.ended(Some(1), None).exit;
        assert_eq!(
            [exit(0), exit(3 << 8), exit(9)],
            [Exit::Code(0), Exit::Code(3), Exit::Signal(9)]
        );
    }
}
