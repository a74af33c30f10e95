//! Captures to read, written by the writer itself.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a sample that cannot be written fails the test")]

use lowtide_capture::layout::{Node, TimelinePoint, node_kind};
use lowtide_capture::{CaptureWriter, CodeFacts, CreateError, Start, encode_text};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub fn try_begin(path: &Path) -> Result<CaptureWriter, CreateError> {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    let start = Start { hexversion: 0x030b_07f0, pid: 42, parent_pid: 41, started_unix_ns: 1 };
    CaptureWriter::create(&path, &start)
}

pub fn begin_writer(path: &Path) -> CaptureWriter {
    let mut writer = try_begin(path).unwrap();
    writer.start_recording();
    writer
}

pub fn code_facts(first_line: u32, name: &str) -> CodeFacts<'_> {
    CodeFacts {
        first_line,
        is_line_table_of_3_10: false,
        filename: b"app.py",
        qualified_name: name.as_bytes(),
        line_table: b"\x80\x01",
    }
}

/// A chain of `count` nodes beneath the root, each with a code object of its own.
pub fn write_sample(path: &Path, count: u32) -> CaptureWriter {
    let mut writer = begin_writer(path);
    let mut texts = [0; 64];
    let mut room = &mut texts[..];
    for text in [&b"/usr/bin/python3"[..], b"/home", b"python3", b"\xff.py"] {
        room = encode_text(room, text).unwrap();
    }
    writer.add_process(4, &texts).unwrap();
    for number in 0..count {
        let code =
            writer.add_code(&code_facts(10 + number, &format!("function_{number}"))).unwrap();
        let node = Node {
            parent: number,
            code,
            kind: node_kind::FRAME,
            churn_bytes: u64::from(number + 1) * 10,
            ..Node::default()
        };
        assert_eq!(writer.add_node(node), Ok(number + 1));
    }
    writer.add_timeline_point(&TimelinePoint {
        elapsed_ns: 3,
        live_bytes: 4,
        ..TimelinePoint::default()
    });
    writer
}

/// A census of two types, `round` objects of 100 bytes of the second, all made by node 3.
pub fn census_payload(round: u64, name: &str) -> Vec<u8> {
    let mut payload = [1000, round].map(u64::to_le_bytes).as_flattened().to_vec();
    payload.extend([2_u32, 1].map(u32::to_le_bytes).as_flattened());
    for (name, count) in [(name, 1), ("int", round)] {
        payload.extend([count, count * 100].map(u64::to_le_bytes).as_flattened());
        payload.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
        payload.extend(name.as_bytes());
        payload.resize(payload.len().next_multiple_of(8), 0);
    }
    payload.extend([1_u32, 3].map(u32::to_le_bytes).as_flattened());
    payload.extend([round, round * 100].map(u64::to_le_bytes).as_flattened());
    payload
}

/// The bytes of a finished capture that has everything a capture can have.
pub fn whole_capture() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    let mut writer = write_sample(&path, 40);
    let payload = census_payload(7, "app.Point");
    writer.begin_census(payload.len()).unwrap().copy_from_slice(&payload);
    writer.publish_census(payload.len());
    writer.finish(1, None);
    std::fs::read(&path).unwrap()
}
