use crate::arguments::Format;
use crate::terminal::Terminal;
use crate::{judged, sources};
use anyhow::Result;
use clap::Args;
use lowtide_profile::Profile;
use lowtide_report::{findings_json, findings_text};
use std::path::PathBuf;
use std::process::ExitCode;

/// The exit status that says that there is something to do.
const FOUND_STATUS: u8 = 1;

/// Options of `lowtide advise`.
#[derive(Args, Debug)]
#[command(after_help = "\
Verdicts: plausible (the source allows it), unprofitable (would save less than 1 % of the peak or less than 1 MB), \
refuted (a fact of the source forbids it).
Exit status: 0 if there is nothing to do, 1 if there are findings, 2 on an error.")]
pub struct Options {
    /// Python files, or folders of them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// A capture that tells what each place costs
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// How to print the findings
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also show what is refuted or unprofitable, and why
    #[arg(long)]
    all: bool,
}

/// Prints the findings. The exit status is 0 where there is nothing to do, 1 where there is.
pub fn execute(options: &Options, terminal: &Terminal) -> Result<ExitCode> {
    let profile = options.profile.as_deref().map(Profile::read).transpose()?;
    let sources = sources::of_paths(&options.paths, terminal)?;
    let mut findings = judged::findings(&sources.files, profile.as_ref());
    findings.retain(|finding| sources.asked.contains(&finding.candidate.file));
    match options.format {
        Format::Text => terminal.text(&findings_text(&findings, options.all, &terminal.page()))?,
        Format::Json => terminal.data(&findings_json(&findings, options.all)?)?,
    }
    let found = findings.iter().any(|finding| finding.verdict.is_advice());
    Ok(if found { ExitCode::from(FOUND_STATUS) } else { ExitCode::SUCCESS })
}
