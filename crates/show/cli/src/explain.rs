use crate::fix::unknown_rule;
use crate::terminal::Terminal;
use anyhow::Result;
use clap::Args;
use lowtide_report::rule_page;
use lowtide_rules::rule_called;
use std::process::ExitCode;

/// Options of `lowtide explain`.
#[derive(Args, Debug)]
pub struct Options {
    /// A rule's code, such as LT101, or its name
    #[arg(value_name = "CODE")]
    code: String,
}

/// Prints the rule's page.
pub fn execute(options: &Options, terminal: &Terminal) -> Result<ExitCode> {
    let rule = rule_called(&options.code).ok_or_else(|| unknown_rule(&options.code))?;
    terminal.text(&rule_page(rule.page, &terminal.page()))?;
    Ok(ExitCode::SUCCESS)
}
