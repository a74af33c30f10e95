use clap::Args;
use std::path::PathBuf;

/// Options of `lowtide fix`.
#[derive(Args, Debug)]
pub struct Options {
    /// Python files, or folders of them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// A capture that tells which places pay
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Show what would change [default]
    #[arg(long, conflicts_with = "write")]
    diff: bool,
    /// Change the files
    #[arg(long)]
    write: bool,
    /// Also make rewrites that no run has proven
    #[arg(long = "unsafe")]
    unproven: bool,
    /// Only this rule; may be given again
    #[arg(long = "rule", value_name = "CODE")]
    rules: Vec<String>,
}

/// Carries out the subcommand.
pub fn execute(
    _options: &Options,
    _terminal: &crate::terminal::Terminal,
) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not wired yet")
}
