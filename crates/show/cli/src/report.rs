use crate::arguments::Format;
use crate::failure;
use crate::judged;
use crate::named;
use crate::sources;
use crate::terminal::Terminal;
use anyhow::Result;
use clap::Args;
use lowtide_findings::Finding;
use lowtide_profile::{Family, Profile};
use lowtide_report::{PeakText, RunSummary, run_json, run_text};
use lowtide_symbols::Files;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Options of `lowtide report`.
#[derive(Args, Debug)]
pub struct Options {
    /// A capture that `lowtide run --out` wrote
    #[arg(value_name = "FILE")]
    capture: PathBuf,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Shows what a capture holds.
pub fn execute(options: &Options, terminal: &Terminal) -> Result<ExitCode> {
    let files = Files::OfSameBuild;
    let profile = named::profile(&options.capture, files)?;
    let findings = findings(&profile, options.format);
    let recorded = Recorded::of(profile, findings, &options.capture, files, terminal);
    let summary = recorded.summary(None);
    match options.format {
        Format::Text => {
            let page = terminal.page();
            let peak = PeakText::of(summary.profile, &page);
            terminal.text(&run_text(&summary, &peak, &page))?;
        }
        Format::Json => terminal.data(&run_json(&summary)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What the rules say to the source of a run, as far as a format tells it.
pub fn findings(profile: &Profile, format: Format) -> Vec<Finding> {
    match format {
        // People are told what pays, programs everything. To look through a project can take longer than the program.
        Format::Text if !judged::can_pay(profile) => Vec::new(),
        Format::Text | Format::Json => judged::findings(&sources::of_run(profile), Some(profile)),
    }
}

/// A capture with those of the other processes of its run, and what the rules say to the source.
pub struct Recorded {
    family: Family,
    findings: Vec<Finding>,
}

impl Recorded {
    /// Reads the rest; a child's capture that cannot be read is told and left out.
    pub fn of(
        profile: Profile,
        findings: Vec<Finding>,
        capture: &Path,
        files: Files,
        terminal: &Terminal,
    ) -> Self {
        let mut children = Vec::new();
        for path in Profile::children_of(capture) {
            match named::profile(&path, files) {
                Ok(child) => children.push(child),
                Err(error) => failure::warn(&error, terminal),
            }
        }
        Self { family: Family::of(profile, children), findings }
    }

    /// As a report wants it.
    pub fn summary<'a>(&'a self, capture: Option<&'a Path>) -> RunSummary<'a> {
        RunSummary {
            profile: self.family.root(),
            descendants: self.family.descendants(),
            findings: &self.findings,
            capture,
        }
    }
}
