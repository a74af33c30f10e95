use crate::arguments::Format;
use crate::program::ProgramOptions;
use crate::terminal::Terminal;
use clap::Args;
use std::process::ExitCode;

/// Options of `lowtide slim`.
#[derive(Args, Debug)]
pub struct Options {
    /// Change the files, as far as proven
    #[arg(long)]
    write: bool,
    /// How often each version runs in the proof
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    program: ProgramOptions,
}

/// Runs the whole loop.
pub fn execute(_options: &Options, _terminal: &Terminal) -> anyhow::Result<ExitCode> {
    anyhow::bail!("slim is not wired yet")
}
