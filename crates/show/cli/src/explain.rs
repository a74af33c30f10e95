use clap::Args;

/// Options of `lowtide explain`.
#[derive(Args, Debug)]
pub struct Options {
    /// A rule's code, such as LT101, or its name
    #[arg(value_name = "CODE")]
    code: String,
}

/// Carries out the subcommand.
pub fn execute(
    _options: &Options,
    _terminal: &crate::terminal::Terminal,
) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not wired yet")
}
