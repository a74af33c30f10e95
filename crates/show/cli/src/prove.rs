use crate::arguments::Format;
use crate::failure::Failure;
use crate::prove_area;
use crate::prove_progress::Progress;
use crate::terminal::Terminal;
use anyhow::Result;
use clap::Args;
use lowtide_launch::{Input, Launch, Target};
use lowtide_prove::{Experiment, Version};
use lowtide_report::{proof_json, proof_text};
use std::ffi::OsString;
use std::process::ExitCode;

/// The exit status where all went well but nothing was proven.
pub const UNPROVEN_STATUS: u8 = 1;

/// Options of `lowtide prove`.
#[derive(Args, Debug)]
#[command(after_help = "Exit status: 0 if a saving is proven, 1 if not, 2 on an error.")]
pub struct Options {
    /// The command as it was, such as "python old.py data.csv"
    #[arg(long, value_name = "CMD")]
    before: String,
    /// The command as it is now
    #[arg(long, value_name = "CMD")]
    after: String,
    /// How often each version runs, with the tracker and without; 5 or more can prove a saving
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// How to print the proof
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs both versions in turn.
pub fn execute(options: &Options, terminal: &Terminal) -> Result<ExitCode> {
    let (before, after) = (words("--before", &options.before)?, words("--after", &options.after)?);
    let area = prove_area::open(terminal)?;
    let input = prove_area::shared_input(&area, terminal)?;
    let (before, after) = (version(before, &input), version(after, &input));
    let experiment =
        Experiment { before: &before, after: &after, runs: options.runs, reference: None };
    let mut progress = Progress::new(terminal);
    let proof = experiment.run(&area, &mut progress)?;
    progress.finish();
    match options.format {
        Format::Text => terminal.text(&proof_text(&proof, &terminal.page()))?,
        Format::Json => terminal.data(&proof_json(&proof)?)?,
    }
    Ok(if proof.is_proven() { ExitCode::SUCCESS } else { ExitCode::from(UNPROVEN_STATUS) })
}

fn words(option: &str, command: &str) -> Result<Vec<String>> {
    let words = shlex::split(command).filter(|words| !words.is_empty());
    words.ok_or_else(|| {
        Failure::with_hint(
            format!("{option} is no command: `{command}`"),
            "write a program and its arguments, quoted as in a shell",
        )
    })
}

fn version(command: Vec<String>, input: &Input) -> Version {
    let mut words = command.into_iter().map(OsString::from);
    let target = Target::Command(words.next().unwrap_or_default());
    let launch = Launch { args: words.collect(), stdin: input.clone(), ..Launch::new(target) };
    Version { launch, substitutes: Vec::new() }
}
