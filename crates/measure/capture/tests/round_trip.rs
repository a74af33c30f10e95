//! What the writer is told, the reader says.

mod sample;

use lowtide_capture::layout::{Node, TimelinePoint, UNKNOWN_MODULE, node_kind};
use lowtide_capture::{
    CaptureError, CensusSite, ChildEnding, CreateError, Ending, Leaving, ModuleFacts,
    NativeAddress, State, StopReason, Symbol, Way, add_symbols, annotate, read,
};
use sample::{begin_writer, census_payload, code_facts, write_sample};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

#[test]
fn a_finished_capture_says_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    write_sample(&path, 3).finish(77, None);
    let capture = read(&path).unwrap();
    assert_eq!(capture.summary.state, State::Ended);
    assert_eq!((capture.summary.hexversion, capture.summary.pid), (0x030b_07f0, 42));
    assert_eq!(capture.summary.elapsed_ns, 77);
    let process = capture.process.unwrap();
    assert_eq!(process.executable, b"/usr/bin/python3");
    assert_eq!(process.argv, [b"python3".to_vec(), b"\xff.py".to_vec()]);
    assert_eq!(capture.nodes.len(), 4);
    assert_eq!((capture.nodes[3].parent, capture.nodes[3].churn_bytes), (2, 30));
    let code = capture.codes[1].as_ref().unwrap();
    assert_eq!((code.first_line, code.qualified_name.as_slice()), (11, &b"function_1"[..]));
}

#[test]
fn many_nodes_and_long_records_span_segments() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    let mut writer = write_sample(&path, 50_000);
    let long_table = vec![7; 300_000];
    let mut facts = code_facts(2, "long");
    facts.line_table = &long_table;
    assert_eq!(writer.add_code(&facts), Ok(50_000));
    writer.finish(1, None);
    let capture = read(&path).unwrap();
    assert_eq!(capture.nodes.len(), 50_001);
    assert!(capture.nodes.iter().zip(0_u64..).all(|(node, id)| node.churn_bytes == id * 10));
    assert_eq!(capture.codes.len(), 50_001);
    assert_eq!(capture.codes[50_000].as_ref().unwrap().line_table, long_table);
}

#[test]
fn what_a_process_notes_of_its_life_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    let mut writer = write_sample(&path, 3);
    let child = ChildEnding { pid: 43, wait_status: 9, ended_unix_ns: u64::MAX };
    writer.add_fork(2).unwrap();
    writer.add_child_ending(child).unwrap();
    for way in [Way::Exec, Way::Python, Way::Exit(-1)] {
        writer.add_leaving(Leaving { way, peak_rss_bytes: 7 << 32 }).unwrap();
        let life = read(&path).unwrap().life;
        assert_eq!(life.leaving, Some(Leaving { way, peak_rss_bytes: 7 << 32 }));
        assert_eq!((life.forked_at, life.children), (Some(2), vec![child]));
    }
}

#[test]
fn modules_and_symbols_are_read_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    let mut writer = begin_writer(&path);
    let facts = |path| ModuleFacts { base: 1, start: 2, end: 3, build_id: b"id", path };
    assert_eq!(writer.add_module(&facts(b"/lib/libc.so.6")), Ok(0));
    assert_eq!(writer.add_module(&facts(b"/lib/\xff.so")), Ok(1));
    for (code, instruction) in [(1, 7), (1, 7), (UNKNOWN_MODULE, 0), (0, 9)] {
        let kind = node_kind::NATIVE_FRAME;
        writer.add_node(Node { code, instruction, kind, ..Node::default() }).unwrap();
    }
    writer.finish(1, None);
    let capture = read(&path).unwrap();
    let module = capture.modules[1].as_ref().unwrap();
    assert_eq!((module.base, module.start, module.end), (1, 2, 3));
    assert_eq!(
        (module.build_id.as_slice(), module.path.as_slice()),
        (&b"id"[..], &b"/lib/\xff.so"[..])
    );
    let at = |module, address| NativeAddress { module, address };
    assert_eq!(capture.without_symbols(), BTreeSet::from([at(0, 9), at(1, 7)]));
    let symbol = |function: &str, is_inlined| Symbol {
        function: function.into(),
        file: "a.c".into(),
        line: 4,
        is_inlined,
    };
    let symbols = BTreeMap::from([(at(1, 7), vec![symbol("inner", true), symbol("outer", false)])]);
    add_symbols(&path, &symbols).unwrap();
    annotate(&path, &Ending::default()).unwrap();
    let capture = read(&path).unwrap();
    assert_eq!(capture.symbols, symbols);
    assert_eq!(capture.without_symbols(), BTreeSet::from([at(0, 9)]));
}

#[test]
fn a_killed_writer_leaves_a_readable_capture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    let mut writer = write_sample(&path, 2000);
    let _room_that_is_never_published = writer.begin_census(100).unwrap();
    let capture = read(&path).unwrap();
    assert_eq!(capture.summary.state, State::Recording);
    assert_eq!(capture.nodes.len(), 2001);
    assert_eq!(capture.census, None);
}

#[test]
fn a_reason_to_stop_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    write_sample(&path, 1).finish(5, Some(StopReason::SecondInterpreter));
    assert_eq!(
        read(&path).unwrap().summary.state,
        State::Stopped(Some(StopReason::SecondInterpreter))
    );
}

#[test]
fn the_latest_census_counts_and_one_being_written_hides_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    let mut writer = write_sample(&path, 4);
    for round in 1..=9 {
        let payload = census_payload(round, "app.Point");
        let room =
            writer.begin_census(payload.len() + 5000 * usize::try_from(round).unwrap()).unwrap();
        room[..payload.len()].copy_from_slice(&payload);
        writer.publish_census(payload.len());
    }
    let _never_published = writer.begin_census(64).unwrap();
    let census = read(&path).unwrap().census.unwrap();
    assert_eq!((census.elapsed_ns, census.types.len()), (9, 2));
    assert_eq!(census.types[0].name, b"app.Point");
    assert_eq!((census.types[1].count, census.types[1].bytes), (9, 900));
    assert_eq!(census.types[0].sites, []);
    let site = CensusSite { node: 3, count: 9, bytes: 900 };
    assert_eq!(census.types[1].sites, [site]);
}

#[test]
fn a_site_of_a_node_that_is_not_there_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    let mut writer = write_sample(&path, 2);
    let payload = census_payload(5, "app.Point");
    writer.begin_census(payload.len()).unwrap().copy_from_slice(&payload);
    writer.publish_census(payload.len());
    let types = read(&path).unwrap().census.unwrap().types;
    assert_eq!((types[1].count, types[1].sites.len()), (5, 0));
}

#[test]
fn a_long_timeline_is_thinned_out_but_keeps_its_highest_point() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    let mut writer = begin_writer(&path);
    let mut offered = 0;
    for elapsed_ns in (0..100_000_000_000).step_by(1_000_000) {
        if writer.wants_timeline_point(elapsed_ns) {
            offered += 1;
            let live_bytes = if elapsed_ns == 10_000_000_000 { 999 } else { 5 };
            writer.add_timeline_point(&TimelinePoint {
                elapsed_ns,
                live_bytes,
                ..TimelinePoint::default()
            });
        }
    }
    writer.finish(100_000_000_000, None);
    let timeline = read(&path).unwrap().timeline;
    assert!(
        timeline.len() > 500 && timeline.len() <= 1024 && offered > 2048,
        "{} points",
        timeline.len()
    );
    assert!(timeline.windows(2).all(|pair| pair[0].elapsed_ns < pair[1].elapsed_ns));
    assert_eq!(timeline.iter().filter(|point| point.live_bytes == 999).count(), 1);
}

#[test]
fn the_launcher_adds_the_ending() {
    let folder = tempfile::tempdir().unwrap();
    for is_finished in [true, false] {
        let path = folder.path().join("a.capture");
        let writer = write_sample(&path, 10);
        if is_finished {
            writer.finish(1, None);
        }
        let ending = Ending { peak_rss_bytes: 1 << 40, duration_ns: 9, exit_code: 0, signal: -9 };
        annotate(&path, &ending).unwrap();
        let capture = read(&path).unwrap();
        assert_eq!(capture.ending, Some(ending));
        assert_eq!(capture.nodes.len(), 11);
    }
}

#[test]
fn an_old_capture_is_replaced_but_not_emptied_under_its_readers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    write_sample(&path, 10).finish(1, None);
    let old_copy = folder.path().join("old.capture");
    fs::hard_link(&path, &old_copy).unwrap();
    write_sample(&path, 20).finish(1, None);
    assert_eq!(read(&old_copy).unwrap().nodes.len(), 11);
    assert_eq!(read(&path).unwrap().nodes.len(), 21);
}

#[test]
fn neither_a_folder_nor_a_device_is_replaced() {
    for path in [Path::new("/tmp"), Path::new("/dev/null"), Path::new("/nowhere/a.capture")] {
        assert!(matches!(sample::try_begin(path), Err(CreateError::Open(_))), "{}", path.display());
    }
    assert!(Path::new("/dev/null").exists());
}

#[test]
fn a_damaged_parent_hangs_from_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    let mut writer = begin_writer(&path);
    writer.add_node(Node { parent: 5, kind: node_kind::FRAME, ..Node::default() }).unwrap();
    writer.finish(1, None);
    assert_eq!(read(&path).unwrap().nodes[1].parent, 0);
}

#[test]
fn what_is_no_capture_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    fs::write(&path, "total,1\n").unwrap();
    assert!(matches!(read(&path), Err(CaptureError::NotACapture { .. })));
    fs::write(&path, "").unwrap();
    assert!(matches!(read(&path), Err(CaptureError::NotACapture { .. })));
    write_sample(&path, 1).finish(1, None);
    let mut bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..8000]).unwrap();
    assert!(matches!(read(&path), Err(CaptureError::Truncated { expected_bytes: 8192, .. })));
    bytes[8] = 200;
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(read(&path), Err(CaptureError::NewerVersion { found: 200, .. })));
    assert!(matches!(read(folder.path()), Err(CaptureError::Io { .. })));
    assert!(matches!(
        annotate(Path::new("/nowhere"), &Ending::default()),
        Err(CaptureError::Io { .. })
    ));
}

/// Runs the ignored test below in a process that may not write more than a few hundred kilobytes.
#[test]
fn a_full_disk_is_a_reason_to_stop_and_leaves_a_readable_capture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.capture");
    let status = std::process::Command::new("sh")
        .args(["-c", "ulimit -f 600; exec \"$0\" --exact writes_until_refused --ignored"])
        .arg(std::env::current_exe().unwrap())
        .env("CAPTURE_UNDER_TEST", &path)
        .status()
        .unwrap();
    assert!(status.success());
    let capture = read(&path).unwrap();
    assert_eq!(capture.summary.state, State::Stopped(Some(StopReason::StorageFull)));
    assert!(capture.nodes.len() > 1000);
}

#[test]
#[ignore = "the other half of a_full_disk_is_a_reason_to_stop"]
fn writes_until_refused() {
    let path = std::env::var_os("CAPTURE_UNDER_TEST").unwrap();
    let mut writer = begin_writer(Path::new(&path));
    let refused = loop {
        if let Err(reason) = writer.add_node(Node::default()) {
            break reason;
        }
    };
    assert_eq!(refused, StopReason::StorageFull);
    writer.finish(1, Some(refused));
}
