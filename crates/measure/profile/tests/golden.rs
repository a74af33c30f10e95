//! Captures that version 1 wrote, of a program that grows a tree of 16,384 leaves and keeps it, read by today's reader.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use lowtide_profile::{Profile, Recording, Usage};
use lowtide_units::{Bytes, LineSpan};
use std::path::{Path, PathBuf};

fn golden(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("../capture/tests/golden/cpython-{version}.capture"))
}

fn profile(version: &str) -> Profile {
    Profile::read(&golden(version)).unwrap()
}

#[test]
fn figures_stay_what_they_were() {
    let expected = [
        ("3.10", "tree", 3_911_758, 2_486_416),
        ("3.12", "__main__", 3_192_418, 1_183_032),
        ("3.13", "tree", 2_599_146, 1_314_304),
    ];
    for (version, module, heap, leaves) in expected {
        let profile = profile(version);
        assert_eq!(profile.recording(), Recording::Complete);
        assert_eq!(profile.process().python.to_string(), version);
        assert_eq!(profile.peak().heap, Bytes(heap));
        assert_eq!(profile.instances(module, "Leaf"), Usage::new(leaves, 16_384));
        assert_eq!(
            profile.lines().iter().map(|line| line.at_peak.bytes).sum::<Bytes>(),
            Bytes(heap)
        );
    }
}

/// The youngest is of a program that makes a thousand names of a number each, besides, and drops them.
#[test]
fn a_capture_that_does_not_know_what_was_temporary_says_so() {
    assert_eq!(["3.10", "3.13"].map(|version| profile(version).temporary()), [None, None]);
    let youngest = profile("3.12");
    assert_eq!(youngest.temporary(), Some(Usage::new(1_199_052, 36_289)));
    let lines = youngest.lines();
    let names = lines
        .iter()
        .find(|line| &*line.place.function == "names" && line.place.line == 17)
        .unwrap();
    assert_eq!((names.churn, names.temporary), (Usage::new(121_776, 3000), names.churn));
}

#[test]
fn the_call_that_grows_the_tree_holds_it() {
    for version in ["3.10", "3.13"] {
        let profile = profile(version);
        let call = LineSpan { file: PathBuf::from("tree.py"), first: 12, last: 12 };
        let share = profile.under(&[call]).bytes.share_of(profile.peak().heap);
        assert!(share > 0.97, "{share} on {version}");
        let function = LineSpan { file: PathBuf::from("tree.py"), first: 6, last: 9 };
        assert!(profile.under(&[function]).bytes.share_of(profile.peak().heap) > 0.97);
    }
}

#[test]
fn every_truncation_of_every_golden_capture_is_refused() {
    let folder = golden("3.13").parent().unwrap().to_owned();
    let captures: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(captures.len() >= 3);
    for path in captures {
        let whole = std::fs::read(&path).unwrap();
        assert!(lowtide_capture::parse(&whole, &path).is_ok());
        for length in 0..whole.len() {
            let is_refused = lowtide_capture::parse(&whole[..length], &path).is_err();
            assert!(is_refused, "{length} bytes of {} were taken for a capture", path.display());
        }
    }
}
