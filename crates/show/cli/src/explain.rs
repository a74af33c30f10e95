use crate::fix::unknown_rule;
use crate::terminal::Terminal;
use anyhow::Result;
use clap::Args;
use lowtide_report::{rule_list, rule_page};
use lowtide_rules::{rule_called, rules};
use std::process::ExitCode;

/// Options of `lowtide explain`.
#[derive(Args, Debug)]
pub struct Options {
    /// A rule's code, such as LT101, or its name; without it, all rules are listed
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

/// Prints the rule's page, or what rules there are.
pub fn execute(options: &Options, terminal: &Terminal) -> Result<ExitCode> {
    let page = terminal.page();
    let text = match &options.code {
        Some(code) => rule_page(rule_called(code).ok_or_else(|| unknown_rule(code))?.page, &page),
        None => rule_list(rules(), &page),
    };
    terminal.text(&text)?;
    Ok(ExitCode::SUCCESS)
}
