//! A made-up run in every format: what a reader sees at two widths, without colour, and when it ended badly.

use lowtide_capture::Life;
use lowtide_capture::layout::{Node, Temporary, TimelinePoint, node_kind};
use lowtide_capture::{
    Capture, Census, CensusEntry, CensusSite, ChildEnding, Code, Ending, Module, NativeAddress,
    Process, State, StopReason, Summary, Symbol,
};
use lowtide_findings::{Finding, Verdict};
use lowtide_profile::{CallTree, EarlyProfile, Exit, Family, Profile};
use lowtide_report::{
    Page, PeakText, RunSummary, findings_json, findings_text, run_json, run_text,
};
use lowtide_rules::{Benefit, Blocker, Candidate, Evidence, Measured};
use lowtide_units::Bytes;
use std::path::Path;

const MEGABYTE: u64 = 1_000_000;

/// A run whose peak of 200 MB is held by three lines, one of them in an installed package.
fn capture() -> Capture {
    Capture {
        summary: summary(),
        process: Some(Process {
            executable: b"/usr/bin/python3".to_vec(),
            cwd: b"/project".to_vec(),
            argv: ["python3", "app.py", "two words"].map(|word| word.as_bytes().to_vec()).into(),
        }),
        nodes: vec![
            Node::default(),
            node(0, 0, 0, 0),
            node(1, 1, 150 * MEGABYTE, 1_000_000),
            node(2, 2, 40 * MEGABYTE, 12),
            node(1, 3, 10 * MEGABYTE, 1),
        ],
        temporary: Some(vec![(2, of_line_5())]),
        codes: [
            code("app.py", 1, "<module>"),
            code("app.py", 5, "load.<locals>.<listcomp>"),
            code(
                "/usr/lib/python3.11/site-packages/a_package/with/deep/folders/decoder.py",
                353,
                "decode",
            ),
            code("app.py", 9, "keep"),
        ]
        .map(Some)
        .into(),
        modules: Vec::new(),
        symbols: std::collections::BTreeMap::new(),
        timeline: vec![TimelinePoint {
            elapsed_ns: 900_000_000,
            live_bytes: 200 * MEGABYTE,
            rss_bytes: 230 * MEGABYTE,
            arena_bytes: 170 * MEGABYTE,
            arena_live_bytes: 160 * MEGABYTE,
            malloc_free_bytes: 2 * MEGABYTE,
            file_rss_bytes: 9 * MEGABYTE,
            own_bytes: 6 * MEGABYTE,
            arena_count: 170,
            kept_elapsed_ns: 900_000_000,
            ..TimelinePoint::default()
        }],
        census: Some(Census {
            live_bytes: 200 * MEGABYTE,
            elapsed_ns: 900_000_000,
            types: vec![
                entry("int", 1_000_000, 28 * MEGABYTE, &[(2, 900_000), (4, 100_000)]),
                entry("app.Point", 50_000, 2_400_000, &[(3, 40_000), (2, 5_000)]),
                entry("code", 1, 144, &[]),
            ],
        }),
        life: Life::default(),
        ending: Some(Ending {
            peak_rss_bytes: 240 * MEGABYTE,
            duration_ns: 1_240_000_000,
            exit_code: 0,
            signal: 0,
        }),
    }
}

fn of_line_5() -> Temporary {
    Temporary { bytes: 120 * MEGABYTE, blocks: 900_000 }
}

fn summary() -> Summary {
    Summary {
        state: State::Ended,
        hexversion: 0x030b_07f0,
        pid: 42,
        parent_pid: 41,
        started_unix_ns: 1,
        elapsed_ns: 1_200_000_000,
        live_bytes: 0,
        live_blocks: 0,
        peak_bytes: 200 * MEGABYTE,
        peak_blocks: 1_000_013,
        peak_number: 1,
        peak_elapsed_ns: 900_000_000,
        arena_bytes: 0,
        unrecorded_blocks: 0,
        file_mapped_bytes: 0,
        file_mapped_peak_bytes: 50 * MEGABYTE,
        most_resident: TimelinePoint::default(),
        sample_bytes: 0,
    }
}

fn node(parent: u32, code: u32, bytes: u64, blocks: u32) -> Node {
    Node {
        parent,
        code,
        kind: node_kind::FRAME,
        at_peak_bytes: bytes,
        at_peak_blocks: blocks,
        churn_bytes: bytes * 2,
        churn_blocks: u64::from(blocks) * 2,
        peak_number: 1,
        ..Node::default()
    }
}

/// A code object of one line: its line table says that all of it stands there (Objects/locations.md of CPython).
fn code(file: &str, line: u32, name: &str) -> Code {
    Code {
        first_line: line,
        is_line_table_of_3_10: false,
        filename: file.as_bytes().to_vec(),
        qualified_name: name.as_bytes().to_vec(),
        line_table: b"\x80\x01".to_vec(),
    }
}

/// With sites: node, and how many of the objects it made.
fn entry(name: &str, count: u64, bytes: u64, sites: &[(u32, u64)]) -> CensusEntry {
    let site = |&(node, made)| CensusSite { node, count: made, bytes: bytes / count * made };
    CensusEntry {
        name: name.as_bytes().to_vec(),
        count,
        bytes,
        sites: sites.iter().map(site).collect(),
    }
}

fn finding(verdict: Verdict, reason: &str) -> Finding {
    Finding {
        candidate: Candidate {
            rule: "LT102",
            file: "/project/app.py".into(),
            line: 5,
            subject: "items".to_owned(),
            message: "the list `items` is gone through once, by `for`".to_owned(),
            evidence: Evidence::AllocatedUnder(Vec::new()),
            benefit: Benefit::Keeps { share: 0.0, constant_bytes: 0 },
            blockers: Vec::new(),
            edits: Vec::new(),
        },
        measured: Some(Measured { bytes: 190 * MEGABYTE, count: 1_000_012 }),
        predicted_saving: Some(Bytes(190 * MEGABYTE)),
        verdict,
        reason: reason.to_owned(),
    }
}

fn refuted() -> Finding {
    let blocker =
        Blocker { name: "used-twice", reason: "`items` is read again".to_owned(), line: 7 };
    let mut finding = finding(Verdict::Refuted, "used-twice: `items` is read again");
    finding.candidate.blockers.push(blocker);
    finding
}

fn source(file: &Path, line: u32) -> Option<String> {
    let text = match (file.to_str()?, line) {
        ("/project/app.py", 5) => {
            "    items = [parse(row)\tfor row in rows if row and not row.startswith('#')]  # 数据"
        }
        ("/project/app.py", 9) => "kept.append(row)",
        _ => return None,
    };
    Some(text.to_owned())
}

fn page(width: usize) -> Page<'static> {
    Page { width, folder: "/project".into(), source: &source }
}

fn text(capture: &Capture, findings: &[Finding], width: usize) -> String {
    let profile = Profile::from_capture(capture);
    let run = RunSummary { profile: &profile, descendants: &[], findings, capture: None };
    printed(&run, width)
}

fn printed(run: &RunSummary, width: usize) -> String {
    let page = page(width);
    let text = run_text(run, &PeakText::of(run.profile, &page), &page);
    anstream::adapter::strip_str(&text).to_string()
}

#[test]
fn a_run_at_80_columns() {
    insta::assert_snapshot!(text(&capture(), &[finding(Verdict::Plausible, "")], 80));
}

#[test]
fn a_run_at_120_columns() {
    insta::assert_snapshot!(text(&capture(), &[finding(Verdict::Plausible, "")], 120));
}

#[test]
fn a_heap_that_fell_and_an_rss_that_stayed() {
    let mut fallen = capture();
    let peak = fallen.timeline[0];
    fallen.timeline.push(TimelinePoint {
        elapsed_ns: 1_100_000_000,
        live_bytes: 12 * MEGABYTE,
        rss_bytes: 190 * MEGABYTE,
        arena_live_bytes: 9 * MEGABYTE,
        malloc_free_bytes: 3 * MEGABYTE,
        own_bytes: 7 * MEGABYTE,
        kept_elapsed_ns: 1_100_000_000,
        ..peak
    });
    let text = text(&fallen, &[], 80);
    let shown = text.split("\n\n").filter(|section| section.starts_with("Why"));
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn memory_that_no_python_line_asked_for_is_named_so() {
    let mut native = capture();
    native.nodes.push(Node { kind: node_kind::NATIVE, ..node(0, 0, 90 * MEGABYTE, 7) });
    native.summary.peak_bytes += 90 * MEGABYTE;
    let text = text(&native, &[], 80);
    assert!(text.contains("7  no Python line\n"), "{text}");
    assert!(text.contains("200.0 MB Python, 90.0 MB native\n"), "{text}");
}

#[test]
fn what_worker_threads_asked_for_stands_at_the_line_that_waited_and_is_marked() {
    let mut threaded = capture();
    threaded.nodes.push(Node { kind: node_kind::WORKER, ..node(3, 0, 0, 0) });
    threaded.nodes.push(Node { kind: node_kind::NATIVE, ..node(5, 0, 90 * MEGABYTE, 7) });
    threaded.summary.peak_bytes += 90 * MEGABYTE;
    let text = text(&threaded, &[], 80);
    assert!(text.contains("decoder.py:353  decode (90.0 MB by worker threads)\n"), "{text}");
}

/// Under `load`: 100 MB by way of the interpreter and a library, 40 MB within functions that nobody knows.
fn with_native_functions() -> Capture {
    let mut capture = capture();
    let module = |path: &str| Module { path: path.into(), ..Module::default() };
    capture.modules =
        [module("/usr/lib/libpython3.11.so.1.0"), module("/project/_parse.so")].map(Some).into();
    let call = |parent, module, address, bytes| Node {
        kind: node_kind::NATIVE_FRAME,
        instruction: address,
        ..node(parent, module, bytes, 1)
    };
    let first = 5;
    assert_eq!(capture.nodes.len(), 5);
    capture.nodes.extend([
        call(2, 0, 1, 0),
        call(first, 1, 1, 0),
        call(first + 1, 1, 2, 0),
        call(first + 2, 1, 3, 0),
        call(first + 3, 1, 4, 0),
        Node { kind: node_kind::NATIVE, ..node(first + 4, 0, 100 * MEGABYTE, 5) },
        call(first, 1, 5, 40 * MEGABYTE),
    ]);
    capture.summary.peak_bytes += 140 * MEGABYTE;
    let symbol = |function: &str, line, is_inlined| Symbol {
        function: function.into(),
        file: if line == 0 { String::new() } else { "parse.cpp".into() },
        line,
        is_inlined,
    };
    let at = |module, address| NativeAddress { module, address };
    capture.symbols = [
        (at(0, 1), vec![symbol("cfunction_vectorcall_O", 0, false)]),
        (at(1, 1), vec![symbol("parse_row(_object*, _object*)", 11, false)]),
        (at(1, 2), vec![symbol("rows::Table::extend(unsigned long)", 22, false)]),
        (
            at(1, 3),
            vec![symbol("grow", 33, true), symbol("std::vector<rows::Cell>::resize", 34, false)],
        ),
        (at(1, 4), vec![symbol("operator new(unsigned long)", 0, false)]),
    ]
    .into();
    capture
}

#[test]
fn a_run_with_native_functions_at_80_columns() {
    insta::assert_snapshot!(text(&with_native_functions(), &[], 80));
}

#[test]
fn what_was_sampled_is_marked_among_native_functions_too() {
    let mut sampled = with_native_functions();
    sampled.summary.sample_bytes = 512_000;
    let text = text(&sampled, &[], 80);
    assert!(text.contains("\n~100.0 MB    parse_row > "), "{text}");
}

#[test]
fn the_stacks_of_a_run_with_native_functions_in_json() -> serde_json::Result<()> {
    let profile = Profile::from_capture(&with_native_functions());
    let run = RunSummary { profile: &profile, descendants: &[], findings: &[], capture: None };
    let told: serde_json::Value = serde_json::from_str(&run_json(&run)?)?;
    insta::assert_snapshot!(serde_json::to_string_pretty(&told["stacks"][1])?);
    Ok(())
}

#[test]
fn what_was_refuted_is_counted_where_it_would_have_paid() {
    let text = text(&capture(), &[refuted()], 80);
    assert!(
        text.contains(
            "Findings\n1 place was considered and refuted: lowtide advise --all says why\n"
        ),
        "{text}"
    );
    assert!(!text.contains("next:"), "{text}");
}

#[test]
fn no_line_is_wider_than_the_page() {
    for width in [60, 80, 100, 110, 120, 140] {
        let native = text(&with_native_functions(), &[], width);
        let plain = text(&capture(), &[finding(Verdict::Plausible, "")], width);
        for line in plain.lines().chain(native.lines()) {
            let columns = unicode_width::UnicodeWidthStr::width(line);
            assert!(columns <= width, "{columns} columns of {width}: {line}");
        }
    }
}

#[test]
fn a_kept_capture_is_named() {
    let profile = Profile::from_capture(&capture());
    let run = RunSummary {
        profile: &profile,
        descendants: &[],
        findings: &[],
        capture: Some(Path::new("my run.lowtide")),
    };
    let text = printed(&run, 80);
    assert!(text.ends_with("again: lowtide report 'my run.lowtide'\n"), "{text}");
}

#[test]
fn a_report_prepared_before_the_process_ended_is_the_same() {
    let ending = capture().ending.unwrap();
    let mut early = capture();
    early.ending = None;
    let tree = CallTree::of(&early);
    let early = EarlyProfile::of(early.with_nodes(tree));
    for width in [80, 120] {
        let page = page(width);
        let peak = PeakText::of(early.so_far(), &page);
        let profile = early.clone().without_lines().ended(ending);
        let child = || vec![Profile::from_capture(&forked(50, 42, 4))];
        let family = Family::of(profile, child());
        let whole = Family::of(Profile::from_capture(&capture()), child());
        let text = run_text(&summary_of(&family), &peak, &page);
        let text = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(text, printed(&summary_of(&whole), width));
    }
}

/// The process `pid`, begun `pid` nanoseconds after 1970 by `parent_pid`.
fn process(pid: u32, parent_pid: u32, words: &[&str]) -> Capture {
    let mut process = capture();
    process.summary.pid = pid;
    process.summary.parent_pid = parent_pid;
    process.summary.started_unix_ns = u64::from(pid);
    process.ending = None;
    let argv = ["python3"].iter().chain(words).map(|word| word.as_bytes().to_vec()).collect();
    process.process = process.process.map(|facts| Process { argv, ..facts });
    process
}

fn forked(pid: u32, parent_pid: u32, node: u32) -> Capture {
    let mut forked = process(pid, parent_pid, &["app.py"]);
    forked.life.forked_at = Some(node);
    forked.summary.live_bytes = u64::from(pid);
    forked
}

/// A program that forks five workers of one kind, one of them killed and one with a child of its own, and starts others.
fn family() -> Family {
    let mut root = capture();
    let ending = |pid, wait_status| ChildEnding { pid, wait_status, ended_unix_ns: 1_000 };
    root.life.children = vec![ending(50, 9), ending(51, 0), ending(60, 3 << 8)];
    let spawn = ["-c", "from multiprocessing.spawn import spawn_main; spawn_main()"];
    let mut others: Vec<Capture> = (50..55).map(|pid| forked(pid, 42, 4)).collect();
    others[0].summary.state = State::Recording;
    others.push(forked(55, 54, 1));
    others.extend([process(60, 42, &["tool.py", "--all"]), process(61, 60, &spawn)]);
    let mut became = process(42, 42, &["-m", "server"]);
    became.summary.started_unix_ns = 2_000;
    others.push(became);
    let profiles = others.iter().map(Profile::from_capture).collect();
    Family::of(Profile::from_capture(&root), profiles)
}

fn summary_of(family: &Family) -> RunSummary<'_> {
    RunSummary {
        profile: family.root(),
        descendants: family.descendants(),
        findings: &[],
        capture: None,
    }
}

fn family_text(width: usize) -> String {
    let text = printed(&summary_of(&family()), width);
    text[text.find("10 processes").unwrap_or_default()..].to_owned()
}

#[test]
fn processes_at_80_columns() {
    insta::assert_snapshot!(family_text(80));
}

#[test]
fn processes_at_120_columns() {
    insta::assert_snapshot!(family_text(120));
    for line in family_text(120).lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 120, "{line}");
    }
}

#[test]
fn how_a_child_ended_is_what_its_parent_was_told() {
    let family = family();
    let exits: Vec<(u32, Exit)> = family
        .descendants()
        .iter()
        .map(|child| (child.profile.process().pid, child.profile.exit()))
        .filter(|(_, exit)| *exit != Exit::Unknown)
        .collect();
    assert_eq!(exits, [(50, Exit::Signal(9)), (51, Exit::Status(0)), (60, Exit::Status(3))]);
}

#[test]
fn a_killed_program_is_said_to_be_killed() {
    let mut killed = capture();
    killed.summary.state = State::Recording;
    killed.ending = Some(Ending { signal: 9, ..killed.ending.unwrap_or_default() });
    insta::assert_snapshot!(text(&killed, &[], 80));
}

#[test]
fn a_tracker_that_gave_up_says_why() {
    let mut stopped = capture();
    stopped.summary.state = State::Stopped(Some(StopReason::StorageFull));
    let text = text(&stopped, &[], 80);
    assert!(
        text.contains("recording stopped early: no space is left where the capture is"),
        "{text}"
    );
    assert!(text.contains("hint: free some space"), "{text}");
}

#[test]
fn a_run_in_json() -> serde_json::Result<()> {
    let profile = Profile::from_capture(&capture());
    let findings = [finding(Verdict::Plausible, "it pays")];
    let run =
        RunSummary { profile: &profile, descendants: &[], findings: &findings, capture: None };
    insta::assert_snapshot!(run_json(&run)?);
    Ok(())
}

#[test]
fn refuted_findings_are_counted_and_shown_on_request() -> serde_json::Result<()> {
    let findings = [finding(Verdict::Plausible, "it pays"), refuted()];
    let shown =
        |all| anstream::adapter::strip_str(&findings_text(&findings, all, &page(80))).to_string();
    insta::assert_snapshot!(format!("{}\n=== with --all\n{}", shown(false), shown(true)));
    insta::assert_snapshot!("findings_json", findings_json(&findings, true)?);
    assert!(!findings_json(&findings, false)?.contains("used-twice"));
    Ok(())
}
