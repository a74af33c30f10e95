use crate::arguments::Format;
use clap::Args;
use std::path::PathBuf;

/// Options of `lowtide advise`.
#[derive(Args, Debug)]
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

/// Carries out the subcommand.
pub fn execute(
    _options: &Options,
    _terminal: &crate::terminal::Terminal,
) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not wired yet")
}
