//! Signals reach the program once, whoever they are sent to.

use crate::{Test, launcher};
use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

pub const TESTS: &[Test] = &[
    (
        "a_signal_to_the_launcher_reaches_the_program_once",
        a_signal_to_the_launcher_reaches_the_program_once,
    ),
    (
        "a_signal_to_the_group_reaches_the_program_once",
        a_signal_to_the_group_reaches_the_program_once,
    ),
    ("a_launcher_dies_by_the_programs_signal", a_launcher_dies_by_the_programs_signal),
    ("an_ignored_signal_stays_ignored", an_ignored_signal_stays_ignored),
    ("a_killed_launcher_takes_the_program_along", a_killed_launcher_takes_the_program_along),
];

/// Tells each SIGTERM and SIGUSR1 that it gets, until its input ends.
const TELLS: &str = "
import signal, sys
def tell(number, frame):
    print(signal.Signals(number).name, flush=True)
signal.signal(signal.SIGTERM, tell)
signal.signal(signal.SIGUSR1, tell)
print('ready', flush=True)
sys.stdin.read()
print('end', flush=True)
";

/// A launcher in a process group of its own, and its program.
struct Running {
    launcher: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    _folder: tempfile::TempDir,
}

impl Running {
    fn start(code: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("program.py");
        fs::write(&script, code).unwrap();
        let mut command = launcher("", &script);
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut launcher = command.spawn().unwrap();
        let stdin = launcher.stdin.take();
        let lines = BufReader::new(launcher.stdout.take().unwrap()).lines();
        let mut running = Self { launcher, stdin, lines, _folder: folder };
        assert_eq!(running.line(), "ready");
        running
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    fn kill(&self, signal: &str, receiver: &str) {
        let id = self.launcher.id();
        let status =
            Command::new("kill").args([signal, "--", &format!("{receiver}{id}")]).status().unwrap();
        assert!(status.success());
    }

    /// What the program still says until it ends by itself.
    fn rest(mut self) -> Vec<String> {
        self.stdin.take().unwrap().flush().unwrap();
        let rest = self.lines.map(Result::unwrap).collect();
        assert!(self.launcher.wait().unwrap().success());
        rest
    }
}

const LAUNCHER_ALONE: &str = "";
const WHOLE_GROUP: &str = "-";

fn a_signal_to_the_launcher_reaches_the_program_once() {
    let mut running = Running::start(TELLS);
    running.kill("-TERM", LAUNCHER_ALONE);
    assert_eq!(running.line(), "SIGTERM");
    assert_eq!(running.rest(), ["end"]);
}

fn a_signal_to_the_group_reaches_the_program_once() {
    let mut running = Running::start(TELLS);
    running.kill("-TERM", WHOLE_GROUP);
    assert_eq!(running.line(), "SIGTERM");
    // A second copy of SIGTERM would take the same way as this, before it.
    running.kill("-USR1", LAUNCHER_ALONE);
    assert_eq!(running.line(), "SIGUSR1");
    assert_eq!(running.rest(), ["end"]);
}

fn a_launcher_dies_by_the_programs_signal() {
    let mut running = Running::start("import sys; print('ready', flush=True); sys.stdin.read()");
    running.kill("-TERM", LAUNCHER_ALONE);
    assert_eq!(running.launcher.wait().unwrap().signal(), Some(15));
}

fn an_ignored_signal_stays_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("program.py");
    fs::write(&script, "import signal; print(signal.getsignal(signal.SIGHUP).name)").unwrap();
    let launcher = launcher("", &script);
    let output = Command::new("nohup")
        .arg(launcher.get_program())
        .args(launcher.get_args())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "SIG_IGN\n");
}

fn a_killed_launcher_takes_the_program_along() {
    let mut running = Running::start("print('ready', flush=True)\nwhile True: pass");
    running.kill("-KILL", LAUNCHER_ALONE);
    running.launcher.wait().unwrap();
    // The output ends only when the last process that holds it has ended.
    let (ended, is_ended) = mpsc::channel();
    thread::spawn(move || ended.send(running.lines.next().is_none()));
    assert_eq!(is_ended.recv_timeout(Duration::from_secs(30)), Ok(true));
}
