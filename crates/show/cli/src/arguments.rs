use crate::{advise, explain, fix, prove, report, run, slim};
use clap::{Parser, Subcommand, ValueEnum};

/// Lowers a Python program's high-water mark of memory, and proves that it did.
#[derive(Parser, Debug)]
#[command(name = "lowtide", version, propagate_version = true)]
pub struct Arguments {
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run a program and show which lines hold its peak of memory
    Run(run::Options),
    /// Show what a capture holds
    Report(report::Options),
    /// Find places in the source where memory can be saved
    Advise(advise::Options),
    /// Rewrite such places
    Fix(fix::Options),
    /// Run two versions of a program in turn and compare memory, time and behaviour
    Prove(prove::Options),
    /// Measure, advise, fix and prove in one go
    Slim(slim::Options),
    /// Say what a rule looks for, why, and when it is refused
    Explain(explain::Options),
}

#[derive(ValueEnum, Clone, Copy, Debug, Default)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How a result is printed.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}
