//! Starts real programs. This test program is its own shim, and with `__launch` it is a small launcher, so that signals
//! can be sent to one.

#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]
#![expect(clippy::print_stderr, reason = "a launcher tells the test that started it")]

mod ended;
mod refusals;
mod signals;

use libtest_mimic::{Arguments, Trial};
use lowtide_launch::{Exit, Launch, Target, die_by, serve};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Makes this program launch what follows: a capture or nothing, a program, its arguments.
const LAUNCHER: &str = "__launch";

fn main() -> ExitCode {
    if let Some(status) = serve(env::args_os().skip(1)) {
        return status;
    }
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    match words.as_slice() {
        [mode, capture, program, args @ ..] if mode == LAUNCHER => launch(capture, program, args),
        _ => libtest_mimic::run(&Arguments::from_args(), trials()).exit_code(),
    }
}

fn trials() -> Vec<Trial> {
    [ended::TESTS, refusals::TESTS, signals::TESTS]
        .concat()
        .into_iter()
        .map(|(name, test)| {
            Trial::test(name, move || {
                test();
                Ok(())
            })
        })
        .collect()
}

/// A test and its name.
type Test = (&'static str, fn());

fn launch(capture: &OsString, program: &OsString, args: &[OsString]) -> ExitCode {
    let capture = Some(PathBuf::from(capture)).filter(|path| !path.as_os_str().is_empty());
    let is_script = Path::new(program).extension().is_some();
    let target =
        if is_script { Target::Script(program.into()) } else { Target::Command(program.into()) };
    let outcome = Launch { capture, args: args.to_vec(), ..Launch::new(target) }.run();
    let Ok(ended) = outcome else {
        eprint!("{outcome:?}");
        return ExitCode::FAILURE;
    };
    if let Exit::Signal(signal) = ended.exit {
        die_by(signal);
    }
    eprint!("{ended:?}");
    ExitCode::SUCCESS
}

/// This program as a launcher of `program`.
fn launcher(capture: &str, program: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([LAUNCHER, capture]).arg(program);
    command
}

/// A command of the shell.
fn shell(script: &str) -> Launch {
    Launch { args: vec!["-c".into(), script.into()], ..Launch::new(Target::Command("sh".into())) }
}
