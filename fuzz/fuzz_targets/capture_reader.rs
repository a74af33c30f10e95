//! Any bytes are read or refused, and what is read makes a profile whose lines add up to its peak.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lowtide_profile::Profile;
use lowtide_units::Bytes;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let Ok(capture) = lowtide_capture::parse(bytes, Path::new("fuzzed")) else { return };
    let profile = Profile::from_capture(&capture);
    let lines: Bytes = profile.lines().iter().map(|line| line.at_peak.bytes).sum();
    assert!(lines <= profile.peak().heap);
    assert!(profile.heaviest_stacks(20).len() <= capture.nodes.len());
});
