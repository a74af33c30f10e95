//! Real captures with words changed make a profile whose figures fit together, or none.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use lowtide_profile::Profile;
use lowtide_units::Bytes;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::path::Path;

fn golden(version: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../capture/tests/golden");
    std::fs::read(folder.join(format!("cpython-{version}.capture"))).unwrap()
}

/// A number that may mean something where it stands: an id, a kind, a length; or any.
fn word() -> impl Strategy<Value = u32> {
    prop_oneof![0..8_u32, 0..4000_u32, any::<u32>()]
}

proptest! {
    #[test]
    fn a_damaged_capture_makes_a_profile_whose_figures_fit_together(
        version in select(vec!["3.10", "3.12", "3.13"]),
        words in prop::collection::vec((any::<Index>(), word()), 1..200),
    ) {
        let mut bytes = golden(version);
        for (place, word) in words {
            let start = place.index(bytes.len() / 4) * 4;
            bytes[start..start + 4].copy_from_slice(&word.to_le_bytes());
        }
        if let Ok(capture) = lowtide_capture::parse(&bytes, Path::new("damaged")) {
            let profile = Profile::from_capture(&capture);
            let lines = profile.lines();
            prop_assert_eq!(lines.iter().map(|line| line.at_peak.bytes).sum::<Bytes>(), profile.peak().heap);
            let holding = lines.iter().filter(|line| line.at_peak.bytes > Bytes(0)).count();
            prop_assert_eq!(profile.lines_at_peak(), holding);
            prop_assert_eq!(&profile.heaviest_lines(9)[..], &lines[..lines.len().min(9)]);
            prop_assert!(profile.heaviest_stacks(20).len() <= capture.nodes.len());
            for line in lines.iter().take(9) {
                let native = profile.native_usage(&line.place);
                let native: Bytes = native.iter().map(|usage| usage.at_peak.bytes).sum();
                prop_assert!(native <= line.at_peak.bytes);
            }
        }
    }
}
