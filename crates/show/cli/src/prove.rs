use crate::arguments::Format;
use crate::terminal::Terminal;
use clap::Args;
use std::process::ExitCode;

/// Options of `lowtide prove`.
#[derive(Args, Debug)]
pub struct Options {
    /// The command as it was, such as "python old.py data.csv"
    #[arg(long, value_name = "CMD")]
    before: String,
    /// The command as it is now
    #[arg(long, value_name = "CMD")]
    after: String,
    /// How often each version runs
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// How to print the proof
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs both versions in turn.
pub fn execute(_options: &Options, _terminal: &Terminal) -> anyhow::Result<ExitCode> {
    anyhow::bail!("prove is not wired yet")
}
