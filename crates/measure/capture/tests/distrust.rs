//! Bytes that nobody vouches for never make the reader panic, and never ask it for much memory.

mod sample;

use lowtide_capture::{Capture, CaptureError, parse, read};
use proptest::prelude::*;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::{fs, thread};

static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(sample::whole_capture);

/// Bytes of the sample that mean something: header fields, directory, and the start of each segment.
fn meaningful() -> impl Strategy<Value = usize> {
    let starts = [
        0,
        128,
        8192,
        8192 + (16 << 10),
        8192 + (80 << 10),
        8192 + (144 << 10),
        SAMPLE.len() - 200,
    ];
    (prop::sample::select(starts.to_vec()), 0..200_usize).prop_map(|(start, beyond)| start + beyond)
}

fn assert_sound(capture: &Capture) {
    for (node, id) in capture.nodes.iter().zip(0_u32..).skip(1) {
        assert!(node.parent < id);
    }
    let types = capture.census.iter().flat_map(|census| &census.types);
    let mut sites = types.flat_map(|entry| &entry.sites);
    assert!(sites.all(|site| (site.node as usize) < capture.nodes.len()));
    assert!(capture.timeline.windows(2).all(|pair| pair[0].elapsed_ns < pair[1].elapsed_ns));
}

#[test]
fn the_sample_itself_reads_whole() {
    let capture = parse(&SAMPLE, Path::new("sample")).unwrap();
    assert_eq!((capture.nodes.len(), capture.codes.len()), (41, 40));
    assert_eq!(capture.census.unwrap().types.len(), 2);
}

#[test]
fn every_truncation_is_refused() {
    for length in (0..SAMPLE.len()).step_by(7).chain([SAMPLE.len() - 1]) {
        assert!(
            parse(&SAMPLE[..length], Path::new("cut")).is_err(),
            "{length} bytes were taken for a capture"
        );
    }
}

#[test]
fn a_capture_comes_through_a_pipe_too_and_may_break_off_there() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (written, is_whole) in [(SAMPLE.len(), true), (SAMPLE.len() - 1, false)] {
        let (bytes, end) = (SAMPLE[..written].to_vec(), pipe.clone());
        let writer = thread::spawn(move || fs::write(end, bytes));
        match read(&pipe) {
            Ok(capture) => assert!(is_whole && capture.nodes.len() == 41),
            Err(CaptureError::Truncated { found_bytes, .. }) => {
                assert_eq!((found_bytes, is_whole), (written as u64, false));
            }
            Err(error) => panic!("{error}"),
        }
        writer.join().unwrap().unwrap();
    }
}

proptest! {
    #[test]
    fn any_bytes_after_the_header_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 1..2000)) {
        let mut whole = SAMPLE[..8192].to_vec();
        whole.extend(bytes.iter().cycle().take(SAMPLE.len() - 8192));
        assert_sound(&parse(&whole, Path::new("random")).unwrap());
    }

    #[test]
    fn flipped_bytes_are_read_or_refused(flips in prop::collection::vec((meaningful(), any::<u8>()), 1..12)) {
        let mut bytes = SAMPLE.clone();
        for (place, value) in flips {
            bytes[place.min(SAMPLE.len() - 1)] = value;
        }
        if let Ok(capture) = parse(&bytes, Path::new("flipped")) {
            assert_sound(&capture);
        }
    }
}
