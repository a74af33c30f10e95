use crate::arguments::Format;
use crate::program::ProgramOptions;
use crate::prove::UNPROVEN_STATUS;
use crate::prove_area;
use crate::prove_progress::Progress;
use crate::terminal::Terminal;
use crate::{judged, sources};
use anyhow::Result;
use clap::Args;
use lowtide_findings::Finding;
use lowtide_fix::unified_diff;
use lowtide_launch::Launch;
use lowtide_profile::Profile;
use lowtide_report::{slim_json, slim_text};
use lowtide_slim::{Advisor, Slim, Slimmed};
use lowtide_source::SourceFile;
use std::process::ExitCode;

/// Options of `lowtide slim`.
#[derive(Args, Debug)]
#[command(after_help = "Exit status: 0 if a saving is proven, 1 if nothing is, 2 on an error.")]
pub struct Options {
    /// Change the files, as far as proven
    #[arg(long)]
    write: bool,
    /// How often each version runs in the proof, with the tracker and without; 5 or more can prove a saving
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    program: ProgramOptions,
}

/// The rules, asked about the files of a run.
struct Rules;

impl Advisor for Rules {
    fn sources(&self, profile: &Profile) -> Vec<SourceFile> {
        sources::of_run(profile)
    }

    fn findings(&self, files: &[SourceFile], profile: &Profile) -> Vec<Finding> {
        judged::findings(files, Some(profile))
    }
}

/// Runs the whole loop.
pub fn execute(options: &Options, terminal: &Terminal) -> Result<ExitCode> {
    let launch = options.program.launch()?;
    let area = prove_area::open(terminal)?;
    let launch = Launch { stdin: prove_area::shared_input(&area, terminal)?, ..launch };
    let slim = Slim { launch: &launch, runs: options.runs, area: &area, advisor: &Rules };
    let mut progress = Progress::new(terminal);
    let slimmed = slim.run(&mut progress)?;
    progress.finish();
    let wanted = options.write && slimmed.is_proven();
    let outcome = if wanted { lowtide_fix::write(&slimmed.files) } else { Ok(()) };
    // What the runs showed is worth seeing even if the files cannot be written.
    show(&slimmed, wanted && outcome.is_ok(), options.format, terminal)?;
    outcome?;
    Ok(if slimmed.is_proven() { ExitCode::SUCCESS } else { ExitCode::from(UNPROVEN_STATUS) })
}

fn show(slimmed: &Slimmed, written: bool, format: Format, terminal: &Terminal) -> Result<()> {
    let page = terminal.page();
    let diffs = slimmed.files.iter().map(|file| {
        let name = page.name(&file.path);
        unified_diff(name.trim_start_matches('/'), &file.before, &file.after)
    });
    let diff: String = diffs.collect();
    match format {
        Format::Text => terminal.text(&slim_text(slimmed, &diff, written, &page))?,
        Format::Json => terminal.data(&slim_json(slimmed, &diff, written)?)?,
    }
    Ok(())
}
