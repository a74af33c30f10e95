//! The least that a program needs to be its own shim; then it runs the command that is given to it.

use lowtide_launch::{Exit, Launch, Target, die_by, serve};
use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(status) = serve(env::args_os().skip(1)) {
        return status;
    }
    let mut words = env::args_os().skip(1);
    let launch = Launch {
        args: words.by_ref().skip(1).collect(),
        ..Launch::new(Target::Command(env::args_os().nth(1).unwrap_or_default()))
    };
    match launch.run().map(|ended| ended.exit) {
        Ok(Exit::Code(code)) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Ok(Exit::Signal(signal)) => {
            die_by(signal);
            ExitCode::FAILURE
        }
        Err(_) => ExitCode::FAILURE,
    }
}
