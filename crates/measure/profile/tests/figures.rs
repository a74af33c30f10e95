//! A small capture, written out by hand, and the figures that follow from it.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use lowtide_capture::Life;
use lowtide_capture::layout::{Node, Temporary, TimelinePoint, node_kind};
use lowtide_capture::{
    Capture, Census, CensusEntry, CensusSite, Code, Ending, NodeStore, Process, State, StopReason,
    Summary,
};
use lowtide_profile::{
    CallTree, EarlyProfile, Exit, MemoryKind, Profile, Recording, Slack, StackFrame, Usage,
    UsageInTime,
};
use lowtide_units::{Bytes, LineSpan};
use std::path::PathBuf;

const PEAK_NUMBER: u64 = 9;

/// `co_linetable` of 3.11 for one code unit (two bytes) per line, from the first line on.
fn one_unit_per_line(lines: u32) -> Vec<u8> {
    (0..lines).flat_map(|line| [0x80 | (13 << 3), if line == 0 { 0 } else { 2 }]).collect()
}

fn code(filename: &str, name: &str, first_line: u32) -> Code {
    Code {
        first_line,
        is_line_table_of_3_10: false,
        filename: filename.into(),
        qualified_name: name.into(),
        line_table: one_unit_per_line(10),
    }
}

/// A node whose own bytes at the peak are `at_peak`, in a tenth as many blocks, all of them freed since.
fn freed(parent: u32, code: u32, instruction: u32, at_peak: u64) -> Node {
    Node {
        parent,
        code,
        instruction,
        kind: node_kind::FRAME,
        at_peak_bytes: at_peak,
        at_peak_blocks: u32::try_from(at_peak / 10).unwrap(),
        churn_bytes: at_peak * 2,
        churn_blocks: at_peak / 5,
        peak_number: PEAK_NUMBER,
        ..Node::default()
    }
}

/// A node that was last touched before the peak, so what is live counts.
fn untouched(parent: u32, kind: u32, live: u64) -> Node {
    Node {
        parent,
        kind,
        live_bytes: live,
        live_blocks: 1,
        at_peak_bytes: 77,
        at_peak_blocks: 7,
        churn_bytes: live,
        churn_blocks: 1,
        peak_number: PEAK_NUMBER - 1,
        ..Node::default()
    }
}

/// Of a recursion, of native code under it, and of a mapping.
fn temporary() -> Vec<(u32, Temporary)> {
    [(3, 30, 3), (4, 4000, 1), (5, 4096, 1)]
        .map(|(node, bytes, blocks)| (node, Temporary { bytes, blocks }))
        .into()
}

/// main (app.py 1..) calls walk (lib/walk.py 20..), which calls itself.
fn nodes() -> Vec<Node> {
    vec![
        untouched(0, node_kind::FRAME, 5),
        freed(0, 0, 0, 0),
        freed(1, 1, 2, 100),
        freed(2, 1, 2, 200),
        untouched(3, node_kind::NATIVE, 4000),
        untouched(1, node_kind::MAPPING, 8192),
        freed(0, 0, 4, 30),
        freed(6, 2, 0, 40),
        // On the line of node 2, at another instruction.
        freed(1, 1, 3, 1000),
    ]
}

fn summary() -> Summary {
    Summary {
        state: State::Ended,
        hexversion: 0x030c_01f0,
        pid: 12,
        parent_pid: 11,
        started_unix_ns: 1,
        elapsed_ns: 5_000_000,
        live_bytes: 12_197,
        live_blocks: 3,
        peak_bytes: 13_567,
        peak_blocks: 140,
        peak_number: PEAK_NUMBER,
        peak_elapsed_ns: 2_000_000,
        arena_bytes: 0,
        unrecorded_blocks: 0,
        file_mapped_bytes: 0,
        file_mapped_peak_bytes: 4096,
        most_resident: TimelinePoint::default(),
        sample_bytes: 0,
    }
}

fn timeline() -> Vec<TimelinePoint> {
    let point = |elapsed_ns, live_bytes| TimelinePoint {
        elapsed_ns,
        live_bytes,
        rss_bytes: live_bytes + 50,
        arena_bytes: 20,
        arena_live_bytes: 12,
        malloc_free_bytes: 7,
        ..TimelinePoint::default()
    };
    vec![point(1, 10), point(2, 1000), point(3, 20)]
}

fn census() -> Census {
    let site = |node, count, bytes| CensusSite { node, count, bytes };
    let entry = |name: &str, sites: &[CensusSite]| CensusEntry {
        name: name.into(),
        count: sites.iter().map(|site| site.count).sum(),
        bytes: sites.iter().map(|site| site.bytes).sum(),
        sites: sites.to_vec(),
    };
    let types = vec![
        entry("__main__.Point", &[site(1, 3, 300)]),
        entry("lib.walk.Point", &[site(0, 2, 20)]),
        // Two instructions of one line, and another line.
        entry("int", &[site(6, 2, 90), site(2, 3, 100), site(8, 5, 100)]),
        entry("int", &[site(8, 1, 11)]),
    ];
    Census { live_bytes: 1000, elapsed_ns: 2, types }
}

fn capture() -> Capture {
    Capture {
        summary: summary(),
        process: Some(Process {
            executable: b"/usr/bin/python3".to_vec(),
            cwd: b"/home/me".to_vec(),
            argv: vec![b"python3".to_vec(), b"src/app.py".to_vec()],
        }),
        nodes: nodes(),
        temporary: Some(temporary()),
        codes: [
            code("src/app.py", "<module>", 1),
            code("/home/me/lib/walk.py", "walk", 20),
            code("<frozen importlib._bootstrap>", "_load", 3),
        ]
        .map(Some)
        .into(),
        modules: Vec::new(),
        symbols: std::collections::BTreeMap::new(),
        timeline: timeline(),
        census: Some(census()),
        life: Life::default(),
        ending: None,
    }
}

fn span(file: &str, first: u32, last: u32) -> LineSpan {
    LineSpan { file: PathBuf::from(file), first, last }
}

#[test]
fn lines_hold_what_they_asked_for_themselves_and_add_up_to_the_peak() {
    let profile = Profile::from_capture(&capture());
    let lines = profile.lines();
    let shown = lines.iter().map(|line| {
        let place = &line.place;
        format!(
            "{}:{} {} {}",
            place.file.display(),
            place.line,
            place.function,
            line.at_peak.bytes.0
        )
    });
    let expected = [
        "/home/me/src/app.py:1 <module> 8192",
        "/home/me/lib/walk.py:21 walk 5300",
        "<frozen importlib._bootstrap>:3 _load 40",
        "/home/me/src/app.py:3 <module> 30",
        ":0  5",
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
    assert_eq!(profile.peak().heap, lines.iter().map(|line| line.at_peak.bytes).sum());
    let walk = &lines[1];
    assert_eq!(walk.at_peak.count, 131);
    assert_eq!((walk.left_at_exit, walk.churn), (Usage::new(4000, 1), Usage::new(6600, 261)));
}

#[test]
fn what_was_temporary_is_told_of_lines_kinds_and_stacks_and_adds_up() {
    let profile = Profile::from_capture(&capture());
    let lines = profile.lines();
    let found = lines.iter().map(|line| line.temporary).collect::<Vec<_>>();
    let of_lines = [Usage::new(4096, 1), Usage::new(4030, 4)];
    assert_eq!(found, [&of_lines[..], &[Usage::default(); 3]].concat());
    assert_eq!(lines[1].native.temporary, Usage::new(4000, 1));
    assert_eq!(lines[0].mappings.temporary, Usage::new(4096, 1));
    assert_eq!(profile.temporary(), Some(found.into_iter().sum()));
    assert_eq!(profile.churn(), lines.iter().map(|line| line.churn).sum());
    let of_stacks = profile.heaviest_stacks(100).into_iter().map(|stack| stack.temporary).sum();
    assert_eq!(profile.temporary(), Some(of_stacks));
    let older = Capture { temporary: None, ..capture() };
    assert_eq!(Profile::from_capture(&older).temporary(), None);
}

#[test]
fn the_peak_is_told_apart_by_who_handed_it_out() {
    let peak = *Profile::from_capture(&capture()).peak();
    assert_eq!([peak.python, peak.native, peak.mappings].map(|part| part.0), [1375, 4000, 8192]);
    assert_eq!((peak.heap, peak.blocks), (Bytes(13_567), 140));
    assert_eq!(peak.rss, Bytes(1050));
    assert_eq!(peak.slack, Some(Slack { arenas: Bytes(8), malloc: Bytes(7), rest: Bytes(35) }));
}

#[test]
fn under_a_line_each_block_counts_once_however_often_the_stack_passes() {
    let profile = Profile::from_capture(&capture());
    assert_eq!(profile.under(&[span("/home/me/lib/walk.py", 21, 21)]), Usage::new(5300, 131));
    assert_eq!(profile.under(&[span("src/app.py", 1, 1)]), Usage::new(13_492, 132));
    let both = [span("src/../src/app.py", 1, 1), span("lib/walk.py", 1, 99)];
    assert_eq!(profile.under(&both), profile.under(&both[..1]));
    assert_eq!(profile.under(&[span("src/app.py", 3, 3)]), Usage::new(70, 7));
    assert_eq!(profile.under(&[span("src/app.py", 2, 2), span("app.py", 1, 9)]), Usage::default());
}

fn line_of(frame: &StackFrame) -> u32 {
    match frame {
        StackFrame::Python(frame) => frame.line,
        StackFrame::Native(frame) => frame.line,
    }
}

#[test]
fn stacks_are_outermost_first_and_keep_kinds_apart() {
    let stacks = Profile::from_capture(&capture()).heaviest_stacks(7);
    let shown = stacks.iter().map(|stack| {
        let lines: Vec<u32> = stack.frames.iter().map(line_of).collect();
        (lines, stack.kind, stack.at_peak.bytes.0)
    });
    let expected = [
        (vec![1], MemoryKind::Mapping, 8192),
        (vec![1, 21, 21], MemoryKind::Native, 4000),
        (vec![1, 21], MemoryKind::Python, 1100),
        (vec![1, 21, 21], MemoryKind::Python, 200),
        (vec![3, 3], MemoryKind::Python, 40),
        (vec![3], MemoryKind::Python, 30),
        (vec![], MemoryKind::Python, 5),
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}

#[test]
fn the_heaviest_lines_are_the_first_of_all() {
    let profile = Profile::from_capture(&capture());
    let lines = profile.lines();
    assert_eq!((lines.len(), profile.lines_at_peak()), (5, 5));
    for count in 0..=5 {
        assert_eq!(profile.heaviest_lines(count), lines[..count]);
    }
}

#[test]
fn counters_that_need_more_than_32_bits_are_as_exact_as_others() {
    const MANY: u64 = 5 << 32;
    let mut capture = capture();
    capture.nodes.push(Node { churn_blocks: MANY + 1, churn_bytes: 9, ..freed(1, 1, 2, 3) });
    capture.nodes.push(untouched(9, node_kind::NATIVE, MANY));
    let lines = Profile::from_capture(&capture).lines();
    let walk = &lines[0];
    assert_eq!(
        (walk.place.line, walk.at_peak.bytes, walk.native.at_peak.bytes),
        (21, Bytes(5300 + 3 + MANY), Bytes(4000 + MANY))
    );
    assert_eq!(walk.churn, Usage::new(6600 + 9 + MANY, 261 + 2 + MANY));
}

#[test]
fn what_workers_asked_for_belongs_to_the_line_that_waited_and_is_told_apart() {
    let mut capture = capture();
    // Under node 3, in walk: a worker's own blocks of Python's allocators, and of malloc.
    capture.nodes.push(untouched(3, node_kind::WORKER, 10));
    capture.nodes.push(untouched(9, node_kind::NATIVE, 600));
    // Of a worker that nobody waited for.
    capture.nodes.push(untouched(0, node_kind::WORKER, 0));
    capture.nodes.push(untouched(11, node_kind::MAPPING, 4096));
    let profile = Profile::from_capture(&capture);
    let at_peak = |usage: UsageInTime| usage.at_peak.bytes.0;
    let lines = profile.lines();
    let line = |line: u32| lines.iter().find(|usage| usage.place.line == line).unwrap();
    let walk = line(21);
    assert_eq!(walk.at_peak, Usage::new(5910, 133));
    assert_eq!([walk.native, walk.mappings, walk.workers].map(at_peak), [4600, 0, 610]);
    let nowhere = line(0);
    assert_eq!([nowhere.native, nowhere.mappings, nowhere.workers].map(at_peak), [0, 4096, 4096]);
    assert_eq!(profile.peak().native, Bytes(4600));
    let stacks = profile.heaviest_stacks(20);
    let by_workers =
        stacks.iter().filter(|stack| stack.by_workers && stack.at_peak.bytes > Bytes(0));
    let shown: Vec<_> =
        by_workers.map(|stack| (stack.frames.len(), stack.kind, stack.at_peak.bytes.0)).collect();
    let expected =
        [(0, MemoryKind::Mapping, 4096), (3, MemoryKind::Native, 600), (3, MemoryKind::Python, 10)];
    assert_eq!(shown, expected);
}

#[test]
fn instances_are_found_by_the_scripts_name_and_by_paths_that_begin_further_up() {
    let profile = Profile::from_capture(&capture());
    for module in ["__main__", "app", "src.app"] {
        assert_eq!(profile.instances(module, "Point"), Usage::new(300, 3), "{module}");
    }
    for module in ["lib.walk", "me.lib.walk", "lib.walk.__init__"] {
        assert_eq!(profile.instances(module, "Point"), Usage::new(20, 2), "{module}");
    }
    for (module, qualname) in
        [("walk", "Point"), ("other", "Point"), ("app", "oint"), ("app", "app.Point")]
    {
        assert_eq!(profile.instances(module, qualname), Usage::default(), "{module} {qualname}");
    }
}

/// Millions of bytes.
fn moment(elapsed_ns: u64, heap: u64, rss: u64, malloc_free: u64) -> TimelinePoint {
    TimelinePoint {
        elapsed_ns,
        live_bytes: heap * 1_000_000,
        rss_bytes: rss * 1_000_000,
        malloc_free_bytes: malloc_free * 1_000_000,
        kept_elapsed_ns: elapsed_ns,
        ..TimelinePoint::default()
    }
}

fn fall_of(timeline: Vec<TimelinePoint>) -> Option<(Bytes, Bytes)> {
    let profile = Profile::from_capture(&Capture { timeline, ..capture() });
    profile.fall().map(|fall| (fall.to.heap, fall.stuck()))
}

#[test]
fn a_fall_that_rss_did_not_follow_is_told() {
    let peak = moment(10, 100, 110, 0);
    let megabytes = |count: u64| Bytes(count * 1_000_000);
    let stuck = Some((megabytes(20), megabytes(70)));
    assert_eq!(fall_of(vec![peak, moment(20, 20, 100, 75), moment(30, 50, 110, 50)]), stuck);
    assert_eq!(fall_of(vec![peak, moment(20, 20, 31, 1)]), None, "it followed");
    assert_eq!(fall_of(vec![peak, moment(20, 99, 110, 1)]), None, "it is no fall");
    assert_eq!(fall_of(vec![moment(5, 20, 100, 75), peak]), None, "it rose");
    let stale = TimelinePoint { kept_elapsed_ns: 5, ..moment(20, 10, 100, 0) };
    assert_eq!(fall_of(vec![peak, stale, moment(30, 20, 100, 75)]), stuck);
}

#[test]
fn memory_that_was_never_resident_cannot_go() {
    assert_eq!(fall_of(vec![moment(10, 1000, 30, 0), moment(20, 10, 29, 0)]), None);
}

#[test]
fn types_of_one_name_are_one_line() {
    let profile = Profile::from_capture(&capture());
    let names: Vec<&str> = profile.types().iter().map(|usage| usage.name.as_str()).collect();
    assert_eq!(names, ["int", "__main__.Point", "lib.walk.Point"]);
    assert_eq!(profile.types()[0].live, Usage::new(301, 11));
    assert_eq!(profile.heap_at_census(), Some(Bytes(1000)));
}

#[test]
fn the_lines_of_a_type_take_instructions_and_types_of_one_name_together() {
    let profile = Profile::from_capture(&capture());
    let lines = |name: &str| {
        let usage = profile.types().iter().find(|usage| usage.name == name).unwrap();
        let lines = usage.lines.iter().map(|line| (line.place.line, line.live));
        lines.collect::<Vec<_>>()
    };
    assert_eq!(lines("int"), [(21, Usage::new(211, 9)), (3, Usage::new(90, 2))]);
    assert_eq!(lines("__main__.Point"), [(1, Usage::new(300, 3))]);
    assert_eq!(lines("lib.walk.Point"), [(0, Usage::new(20, 2))]);
}

#[test]
fn facts_of_the_process_are_told() {
    let mut capture = capture();
    let profile = Profile::from_capture(&capture);
    assert_eq!((profile.recording(), profile.exit()), (Recording::Complete, Exit::Unknown));
    assert_eq!(profile.process().python_text, "3.12.1");
    assert!((profile.duration().seconds() - 0.005).abs() < 1e-9);
    assert_eq!(profile.files(), ["/home/me/lib/walk.py", "/home/me/src/app.py"].map(PathBuf::from));
    capture.summary.state = State::Stopped(Some(StopReason::StorageFull));
    capture.ending = Some(Ending {
        peak_rss_bytes: 1 << 30,
        duration_ns: 7_000_000_000,
        exit_code: 0,
        signal: 9,
    });
    let profile = Profile::from_capture(&capture);
    assert_eq!(profile.recording(), Recording::Stopped(Some(StopReason::StorageFull)));
    assert_eq!((profile.exit(), profile.peak().rss), (Exit::Signal(9), Bytes(1 << 30)));
    assert!((profile.duration().seconds() - 7.0).abs() < 1e-9);
}

#[test]
fn a_profile_made_before_the_process_ended_is_that_of_the_whole_capture() {
    let mut capture = capture();
    let mut tree = CallTree::default();
    capture.nodes.iter().for_each(|node| tree.add(node, &capture.summary));
    let early = EarlyProfile::of(capture.clone().with_nodes(tree));
    let ending = Ending { peak_rss_bytes: 1 << 30, exit_code: 3, ..Ending::default() };
    capture.ending = Some(ending);
    let whole = Profile::from_capture(&capture);
    assert!(early.is_of(&capture.summary));
    assert_eq!(format!("{:?}", early.clone().ended(ending)), format!("{whole:?}"));
    capture.summary.elapsed_ns += 1;
    assert!(!early.is_of(&capture.summary), "it was recorded on");
    capture.summary.elapsed_ns -= 1;
    capture.summary.state = State::Recording;
    assert!(!early.is_of(&capture.summary));
}

#[test]
fn a_capture_that_lost_its_code_records_still_adds_up() {
    let mut capture = capture();
    capture.codes.clear();
    capture.process = None;
    let profile = Profile::from_capture(&capture);
    assert_eq!(profile.peak().heap, Bytes(13_567));
    assert!(profile.lines().iter().any(|line| &*line.place.function == "<lost>"));
}
