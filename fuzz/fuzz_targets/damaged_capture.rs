//! A real capture with words changed and its end cut off is read or refused, as any other bytes are.
//!
//! `capture_reader` has to find out what a capture looks like; this begins with one, and so gets further into it.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use lowtide_profile::Profile;
use lowtide_units::Bytes;
use std::path::Path;

static CAPTURES: [&[u8]; 3] = [
    include_bytes!("../../crates/measure/capture/tests/golden/cpython-3.10.capture"),
    include_bytes!("../../crates/measure/capture/tests/golden/cpython-3.12.capture"),
    include_bytes!("../../crates/measure/capture/tests/golden/cpython-3.13.capture"),
];

#[derive(Arbitrary, Debug)]
struct Damage {
    capture: u8,
    kept: Option<u32>,
    words: Vec<(u32, u32)>,
}

fuzz_target!(|damage: Damage| {
    let mut bytes = CAPTURES[usize::from(damage.capture) % CAPTURES.len()].to_vec();
    for (place, word) in damage.words {
        let place = place as usize % (bytes.len() / 4) * 4;
        bytes[place..place + 4].copy_from_slice(&word.to_le_bytes());
    }
    bytes.truncate(damage.kept.map_or(bytes.len(), |kept| kept as usize));
    let Ok(capture) = lowtide_capture::parse(&bytes, Path::new("damaged")) else { return };
    let profile = Profile::from_capture(&capture);
    let lines: Bytes = profile.lines().iter().map(|line| line.at_peak.bytes).sum();
    assert!(lines <= profile.peak().heap);
});
