//! A run, for programs.

use crate::RunSummary;
use crate::estimated::peak_usage;
use crate::findings_json::FindingRecord;
use crate::page::Page;
use crate::process_name::process_name;
use crate::resident_json::{MomentRecord, ResidentRecord};
use crate::stacks_json::{ModuleRecord, StackRecord, module_records, stack_records};
use lowtide_profile::{
    Birth, Descendant, Exit, Frame, LineUsage, Peak, ProcessFacts, Profile, Recording, Sampling,
    TypeLine, TypeUsage, UsageInTime,
};
use serde::Serialize;

#[derive(Serialize)]
struct RunRecord<'a> {
    #[serde(flatten)]
    figures: Figures<'a>,
    findings: Vec<FindingRecord<'a>>,
    children: Vec<ChildRecord<'a>>,
}

#[derive(Serialize)]
struct Figures<'a> {
    process: ProcessRecord<'a>,
    recording: RecordingRecord,
    exit_status: Option<i32>,
    signal: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampling: Option<SamplingRecord>,
    peak: PeakRecord,
    resident: ResidentRecord,
    churn: ChurnRecord,
    duration_s: f64,
    lines: Vec<LineRecord>,
    types: Vec<TypeRecord<'a>>,
    /// Of the whole heap when the types were counted; null if they were not.
    heap_at_types_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stacks: Vec<StackRecord>,
    timeline: Vec<MomentRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    modules: Vec<ModuleRecord<'a>>,
}

#[derive(Serialize)]
struct ChildRecord<'a> {
    name: String,
    /// The place of its parent in this list; null is the process that the run began with.
    parent: Option<usize>,
    /// Outermost first; null for a process that was executed.
    forked_at: Option<Vec<PlaceRecord<'a>>>,
    #[serde(flatten)]
    figures: Figures<'a>,
}

#[derive(Serialize)]
struct PlaceRecord<'a> {
    file: String,
    line: u32,
    function: &'a str,
}

#[derive(Serialize)]
struct ProcessRecord<'a> {
    executable: String,
    working_directory: String,
    argv: &'a [String],
    python: &'a str,
    pid: u32,
    parent_pid: u32,
}

#[derive(Serialize)]
struct RecordingRecord {
    state: &'static str,
    reason: Option<&'static str>,
}

/// Every figure of the heap is an estimate.
#[derive(Serialize)]
struct SamplingRecord {
    mean_bytes: u64,
    /// Within so many of the estimate the truth lies in 95 of 100 runs.
    peak_heap_margin_bytes: u64,
}

#[derive(Serialize)]
struct PeakRecord {
    heap_bytes: u64,
    heap_blocks: u64,
    python_bytes: u64,
    native_bytes: u64,
    mapping_bytes: u64,
    rss_bytes: u64,
    slack: Option<SlackRecord>,
    elapsed_s: f64,
}

/// What was allocated in total.
#[derive(Serialize)]
struct ChurnRecord {
    bytes: u64,
    blocks: u64,
    /// Null where it was not recorded what was temporary; lines have zeros then.
    temporary_bytes: Option<u64>,
    temporary_blocks: Option<u64>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "in JSON the name has to tell the unit")]
struct SlackRecord {
    arena_bytes: u64,
    malloc_bytes: u64,
    rest_bytes: u64,
}

#[derive(Serialize)]
struct LineRecord {
    file: String,
    line: u32,
    function: String,
    at_peak_bytes: u64,
    at_peak_blocks: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_peak_margin_bytes: Option<u64>,
    left_at_exit_bytes: u64,
    left_at_exit_blocks: u64,
    churn_bytes: u64,
    churn_blocks: u64,
    temporary_bytes: u64,
    temporary_blocks: u64,
    native: Option<UsageRecord>,
    mappings: Option<UsageRecord>,
    workers: Option<UsageRecord>,
}

/// What a line asked for of one kind.
#[derive(Serialize)]
struct UsageRecord {
    at_peak_bytes: u64,
    at_peak_blocks: u64,
    left_at_exit_bytes: u64,
    left_at_exit_blocks: u64,
    churn_bytes: u64,
    churn_blocks: u64,
    temporary_bytes: u64,
    temporary_blocks: u64,
}

#[derive(Serialize)]
struct TypeRecord<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    count: u64,
    bytes: u64,
    lines: Vec<TypeLineRecord<'a>>,
}

#[derive(Serialize)]
struct TypeLineRecord<'a> {
    file: String,
    line: u32,
    function: &'a str,
    count: u64,
    bytes: u64,
}

/// Every figure of a run, of all lines and types, with all findings.
///
/// # Errors
/// Never in practice: all of it has a form in JSON.
pub fn run_json(run: &RunSummary) -> serde_json::Result<String> {
    crate::json::pretty(&RunRecord {
        figures: Figures::from(run.profile),
        findings: run.findings.iter().map(FindingRecord::from).collect(),
        children: run.descendants.iter().map(ChildRecord::from).collect(),
    })
}

impl<'a> From<&'a Descendant> for ChildRecord<'a> {
    fn from(descendant: &'a Descendant) -> Self {
        let forked_at = match &descendant.birth {
            Birth::Forked(frames) => Some(frames.iter().map(PlaceRecord::from).collect()),
            Birth::Started | Birth::Became => None,
        };
        Self {
            name: process_name(descendant, &Page::without_source(), usize::MAX),
            parent: descendant.parent,
            forked_at,
            figures: Figures::from(&descendant.profile),
        }
    }
}

impl<'a> From<&'a Frame> for PlaceRecord<'a> {
    fn from(frame: &'a Frame) -> Self {
        Self { file: frame.file.display().to_string(), line: frame.line, function: &frame.function }
    }
}

impl<'a> From<&'a Profile> for Figures<'a> {
    fn from(profile: &'a Profile) -> Self {
        let (exit_status, signal) = match profile.exit() {
            Exit::Status(status) => (Some(status), None),
            Exit::Signal(signal) => (None, Some(signal)),
            Exit::Unknown => (None, None),
        };
        Self {
            process: profile.process().into(),
            recording: profile.recording().into(),
            exit_status,
            signal,
            sampling: profile.sampling().map(|sampling| SamplingRecord {
                mean_bytes: sampling.mean.0,
                peak_heap_margin_bytes: sampling.margin(peak_usage(profile)).0,
            }),
            peak: profile.peak().into(),
            resident: ResidentRecord::from(profile),
            churn: ChurnRecord::from(profile),
            duration_s: profile.duration().seconds(),
            lines: profile
                .lines()
                .iter()
                .map(|line| LineRecord::new(line, profile.sampling()))
                .collect(),
            types: profile.types().iter().map(TypeRecord::from).collect(),
            heap_at_types_bytes: profile.heap_at_census().map(|heap| heap.0),
            stacks: stack_records(profile),
            timeline: profile.timeline().iter().map(MomentRecord::from).collect(),
            modules: module_records(profile),
        }
    }
}

impl<'a> From<&'a ProcessFacts> for ProcessRecord<'a> {
    fn from(process: &'a ProcessFacts) -> Self {
        Self {
            executable: process.executable.display().to_string(),
            working_directory: process.cwd.display().to_string(),
            argv: &process.argv,
            python: &process.python_text,
            pid: process.pid,
            parent_pid: process.parent_pid,
        }
    }
}

impl From<Recording> for RecordingRecord {
    fn from(recording: Recording) -> Self {
        match recording {
            Recording::Complete => Self { state: "complete", reason: None },
            Recording::CutOff => Self { state: "cut off", reason: None },
            Recording::Stopped(None) => Self { state: "stopped", reason: None },
            Recording::Stopped(Some(reason)) => {
                Self { state: "stopped", reason: Some(reason.message()) }
            }
        }
    }
}

impl From<&Peak> for PeakRecord {
    fn from(peak: &Peak) -> Self {
        Self {
            heap_bytes: peak.heap.0,
            heap_blocks: peak.blocks,
            python_bytes: peak.python.0,
            native_bytes: peak.native.0,
            mapping_bytes: peak.mappings.0,
            rss_bytes: peak.rss.0,
            slack: peak.slack.map(|slack| SlackRecord {
                arena_bytes: slack.arenas.0,
                malloc_bytes: slack.malloc.0,
                rest_bytes: slack.rest.0,
            }),
            elapsed_s: peak.elapsed.seconds(),
        }
    }
}

impl From<&Profile> for ChurnRecord {
    fn from(profile: &Profile) -> Self {
        let (churn, temporary) = (profile.churn(), profile.temporary());
        Self {
            bytes: churn.bytes.0,
            blocks: churn.count,
            temporary_bytes: temporary.map(|usage| usage.bytes.0),
            temporary_blocks: temporary.map(|usage| usage.count),
        }
    }
}

impl LineRecord {
    fn new(usage: &LineUsage, sampling: Option<Sampling>) -> Self {
        Self {
            file: usage.place.file.display().to_string(),
            line: usage.place.line,
            function: usage.place.function.to_string(),
            at_peak_bytes: usage.at_peak.bytes.0,
            at_peak_blocks: usage.at_peak.count,
            at_peak_margin_bytes: sampling.map(|sampling| sampling.margin(usage.at_peak).0),
            left_at_exit_bytes: usage.left_at_exit.bytes.0,
            left_at_exit_blocks: usage.left_at_exit.count,
            churn_bytes: usage.churn.bytes.0,
            churn_blocks: usage.churn.count,
            temporary_bytes: usage.temporary.bytes.0,
            temporary_blocks: usage.temporary.count,
            native: UsageRecord::of(usage.native),
            mappings: UsageRecord::of(usage.mappings),
            workers: UsageRecord::of(usage.workers),
        }
    }
}

impl UsageRecord {
    /// `None` where nothing was ever asked for.
    fn of(usage: UsageInTime) -> Option<Self> {
        (usage.churn.count > 0).then_some(Self {
            at_peak_bytes: usage.at_peak.bytes.0,
            at_peak_blocks: usage.at_peak.count,
            left_at_exit_bytes: usage.left_at_exit.bytes.0,
            left_at_exit_blocks: usage.left_at_exit.count,
            churn_bytes: usage.churn.bytes.0,
            churn_blocks: usage.churn.count,
            temporary_bytes: usage.temporary.bytes.0,
            temporary_blocks: usage.temporary.count,
        })
    }
}

impl<'a> From<&'a TypeUsage> for TypeRecord<'a> {
    fn from(entry: &'a TypeUsage) -> Self {
        Self {
            name: &entry.name,
            count: entry.live.count,
            bytes: entry.live.bytes.0,
            lines: entry.lines.iter().map(TypeLineRecord::from).collect(),
        }
    }
}

impl<'a> From<&'a TypeLine> for TypeLineRecord<'a> {
    fn from(entry: &'a TypeLine) -> Self {
        Self {
            file: entry.place.file.display().to_string(),
            line: entry.place.line,
            function: &entry.place.function,
            count: entry.live.count,
            bytes: entry.live.bytes.0,
        }
    }
}
