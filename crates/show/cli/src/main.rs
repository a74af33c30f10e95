//! Arguments -> calls -> exit status; the only crate that prints.
//!
//! In: the command line. Out: data on standard output, everything else on standard error, an exit status.
//! Never: measures, judges, edits or formats itself.

mod advise;
mod arguments;
mod explain;
mod failure;
mod fix;
mod judged;
mod located;
mod named;
mod neighbours;
mod out_name;
mod program;
mod prove;
mod prove_area;
mod prove_progress;
mod real_paths;
mod report;
mod run;
mod run_control;
mod slim;
mod sources;
mod terminal;

use arguments::{Arguments, Command};
use clap::Parser;
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::thread;
use terminal::Terminal;

/// The search for waste goes down syntax trees and along calls, as deep as the largest programs have them. What is
/// never reached takes no memory.
const STACK_BYTES: usize = 256 << 20;

fn main() -> ExitCode {
    // First of all: what this process has in memory would count as the program's peak.
    if let Some(status) = lowtide_launch::serve(std::env::args_os().skip(1)) {
        return status;
    }
    match thread::Builder::new().stack_size(STACK_BYTES).spawn(obey) {
        Ok(work) => work.join().unwrap_or_else(|panic| resume_unwind(panic)),
        // Most programs do with less.
        Err(_) => obey(),
    }
}

/// Does what the command line asks for.
fn obey() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::explain_usage(&error),
    };
    let terminal = Terminal::new(arguments.color);
    let outcome = match &arguments.command {
        Command::Run(options) => run::execute(options, &terminal),
        Command::Report(options) => report::execute(options, &terminal),
        Command::Advise(options) => advise::execute(options, &terminal),
        Command::Fix(options) => fix::execute(options, &terminal),
        Command::Prove(options) => prove::execute(options, &terminal),
        Command::Slim(options) => slim::execute(options, &terminal),
        Command::Explain(options) => explain::execute(options, &terminal),
    };
    outcome.unwrap_or_else(|error| failure::explain(&error, &terminal))
}
