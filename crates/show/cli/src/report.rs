use crate::arguments::Format;
use clap::Args;
use std::path::PathBuf;

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

/// Carries out the subcommand.
pub fn execute(
    _options: &Options,
    _terminal: &crate::terminal::Terminal,
) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not wired yet")
}
