use crate::program::ProgramOptions;
use clap::Args;
use std::path::PathBuf;

/// Options of `lowtide run`.
#[derive(Args, Debug)]
pub struct Options {
    /// Keep the capture in this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    program: ProgramOptions,
}

/// Carries out the subcommand.
pub fn execute(
    _options: &Options,
    _terminal: &crate::terminal::Terminal,
) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not wired yet")
}
