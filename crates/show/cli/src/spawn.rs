use clap::Args;
use std::ffi::OsString;

/// What the launcher told its small process.
#[derive(Args, Debug)]
pub struct Options {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Starts the process.
pub fn execute(_options: &Options) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not wired yet")
}
