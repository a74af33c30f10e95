//! Facts of a capture, in the words of a profile.

use crate::call_tree::CompactCapture;
use crate::facts::ProcessLife;
use crate::frames::{FrameId, Frames};
use crate::tree::LineTree;
use crate::{
    Exit, Fall, FileMapped, MemoryKind, Peak, ProcessFacts, Recording, Sampling, Slack,
    TimelinePoint, TypeLine, TypeUsage, Usage,
};
use lowtide_capture::layout;
use lowtide_capture::{CensusSite, Leaving, State, Way};
use lowtide_units::{Bytes, Elapsed, PythonVersion};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

pub fn process_facts(capture: &CompactCapture) -> ProcessFacts {
    let process = capture.process.clone().unwrap_or_default();
    let hexversion = capture.summary.hexversion;
    ProcessFacts {
        executable: OsStr::from_bytes(&process.executable).into(),
        cwd: OsStr::from_bytes(&process.cwd).into(),
        argv: process.argv.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect(),
        python: PythonVersion::from_hexversion(hexversion),
        python_text: version_text(hexversion),
        pid: capture.summary.pid,
        parent_pid: capture.summary.parent_pid,
    }
}

/// As `sys.version` begins (CPython, `Include/patchlevel.h`).
fn version_text(hexversion: u32) -> String {
    let [major, minor, micro, last] = hexversion.to_be_bytes();
    let serial = last & 0xf;
    let level = match last >> 4 {
        0xa => format!("a{serial}"),
        0xb => format!("b{serial}"),
        0xc => format!("rc{serial}"),
        _ => String::new(),
    };
    format!("{major}.{minor}.{micro}{level}")
}

pub fn recording(capture: &CompactCapture) -> Recording {
    match capture.summary.state {
        State::Ended => Recording::Complete,
        State::Starting | State::Recording => Recording::CutOff,
        State::Stopped(reason) => Recording::Stopped(reason),
    }
}

/// As the process itself noted it.
pub fn exit(capture: &CompactCapture) -> Exit {
    match leaving(capture) {
        // The kernel keeps eight bits of it.
        Some(Leaving { way: Way::Exit(status), .. }) => Exit::Status(status & 0xff),
        _ => Exit::Unknown,
    }
}

/// What the process noted of its leaving, if that is what it did afterwards.
fn leaving(capture: &CompactCapture) -> Option<Leaving> {
    capture.life.leaving.filter(|_| capture.summary.state == State::Ended)
}

pub fn life(capture: &CompactCapture, tree: &LineTree) -> ProcessLife {
    ProcessLife {
        started_unix_ns: capture.summary.started_unix_ns,
        forked_at: capture.life.forked_at.map(|node| tree.frames_to(node)),
        way: leaving(capture).map(|leaving| leaving.way),
        children: capture.life.children.clone(),
    }
}

/// The figures of the nodes, not the header's: a process killed between two stores must not make lines and heap differ.
pub fn peak(capture: &CompactCapture, tree: &LineTree) -> Peak {
    let [python, native, mappings] = [MemoryKind::Python, MemoryKind::Native, MemoryKind::Mapping]
        .map(|kind| tree.at_peak(kind));
    let whole = [python, native, mappings].into_iter().sum::<Usage>();
    Peak {
        heap: whole.bytes,
        blocks: whole.count,
        python: python.bytes,
        native: native.bytes,
        mappings: mappings.bytes,
        rss: most_rss(capture),
        slack: capture.timeline.iter().max_by_key(|point| point.live_bytes).map(slack),
        elapsed: Elapsed::from_nanos(capture.summary.peak_elapsed_ns),
    }
}

/// As the process itself saw it.
fn most_rss(capture: &CompactCapture) -> Bytes {
    let seen_at_end = leaving(capture).map_or(0, |leaving| leaving.peak_rss_bytes);
    let seen_by_target = capture.timeline.iter().map(|point| point.rss_bytes).max().unwrap_or(0);
    Bytes(seen_at_end.max(seen_by_target))
}

fn slack(point: &layout::TimelinePoint) -> Slack {
    let arenas = Bytes(point.arena_bytes) - Bytes(point.arena_live_bytes);
    let malloc = Bytes(point.malloc_free_bytes);
    Slack {
        arenas,
        malloc,
        rest: Bytes(point.rss_bytes) - Bytes(point.live_bytes) - arenas - malloc,
    }
}

pub fn timeline(capture: &CompactCapture) -> Vec<TimelinePoint> {
    capture.timeline.iter().map(timeline_point).collect()
}

fn timeline_point(point: &layout::TimelinePoint) -> TimelinePoint {
    TimelinePoint {
        elapsed: Elapsed::from_nanos(point.elapsed_ns),
        heap: Bytes(point.live_bytes),
        rss: Bytes(point.rss_bytes),
        arenas: Bytes(point.arena_bytes),
        arena_live: Bytes(point.arena_live_bytes),
        malloc_free: Bytes(point.malloc_free_bytes),
        files: Bytes(point.file_rss_bytes),
        own: Bytes(point.own_bytes),
        malloc_top: Bytes(point.malloc_top_bytes),
        arena_count: point.arena_count,
        file_mapped: Bytes(point.file_mapped_bytes),
        is_whole: point.kept_elapsed_ns == point.elapsed_ns,
    }
}

pub fn most_resident(capture: &CompactCapture) -> Option<TimelinePoint> {
    let kept = &capture.summary.most_resident;
    let points = capture.timeline.iter().chain([kept]).filter(|point| point.rss_bytes > 0);
    points.max_by_key(|point| point.rss_bytes).map(timeline_point)
}

pub fn sampling(capture: &CompactCapture) -> Option<Sampling> {
    let mean = Bytes(capture.summary.sample_bytes);
    (mean > Bytes(0)).then_some(Sampling { mean })
}

pub fn file_mapped(capture: &CompactCapture) -> FileMapped {
    FileMapped {
        peak: Bytes(capture.summary.file_mapped_peak_bytes),
        left_at_exit: Bytes(capture.summary.file_mapped_bytes),
    }
}

/// A fall that is worth a word: so much of the peak, of which so much stayed resident.
const LEAST_FALL_SHARE: f64 = 0.1;
const LEAST_STUCK_SHARE: f64 = 0.1;
const LEAST_STUCK: Bytes = Bytes(1_000_000);

pub fn fall(timeline: &[TimelinePoint]) -> Option<Fall> {
    let highest = timeline.iter().enumerate().rev().max_by_key(|(_, point)| point.heap)?.0;
    let whole = timeline[highest..].iter().rev().filter(|point| point.is_whole);
    let lowest = whole.min_by_key(|point| point.heap)?;
    let fall = Fall { from: timeline[highest], to: *lowest };
    let is_worth_it = fall.heap().share_of(fall.from.heap) >= LEAST_FALL_SHARE
        && fall.stuck().share_of(fall.heap()) >= LEAST_STUCK_SHARE
        && fall.stuck() >= LEAST_STUCK;
    is_worth_it.then_some(fall)
}

/// Types of one name are taken together: a class made twice is one to its reader.
pub fn types(capture: &CompactCapture, tree: &LineTree) -> Vec<TypeUsage> {
    let mut by_name = BTreeMap::<String, (Usage, Vec<(FrameId, Usage)>)>::new();
    for entry in capture.census.iter().flat_map(|census| &census.types) {
        let name = String::from_utf8_lossy(&entry.name).into_owned();
        let (live, made) = by_name.entry(name).or_default();
        *live += Usage::new(entry.bytes, entry.count);
        let usage = |site: &CensusSite| Usage::new(site.bytes, site.count);
        made.extend(entry.sites.iter().map(|site| (tree.place(site.node).frame, usage(site))));
    }
    let mut types: Vec<TypeUsage> = by_name
        .into_iter()
        .map(|(name, (live, made))| TypeUsage { name, live, lines: type_lines(made, &tree.frames) })
        .collect();
    types.sort_by_key(|usage| Reverse(usage.live.bytes));
    types
}

fn type_lines(mut made: Vec<(FrameId, Usage)>, frames: &Frames) -> Vec<TypeLine> {
    made.sort_unstable_by_key(|(frame, _)| *frame);
    made.dedup_by(|(frame, usage), (kept, total)| {
        let is_same = frame == kept;
        if is_same {
            *total += *usage;
        }
        is_same
    });
    made.sort_unstable_by(|(a, at_a), (b, at_b)| {
        at_b.bytes.cmp(&at_a.bytes).then_with(|| frames.compare(*a, *b))
    });
    made.into_iter().map(|(frame, live)| TypeLine { place: frames.get(frame), live }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_read_as_python_shows_them() {
        assert_eq!([0x030b_07f0, 0x030e_00c2].map(version_text), ["3.11.7", "3.14.0rc2"]);
    }
}
