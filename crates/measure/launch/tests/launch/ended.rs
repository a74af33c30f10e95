//! How programs end, and what is counted for them.

use crate::{Test, shell};
use lowtide_launch::{Exit, Input, Interpreter, Launch, Output, Target};
use lowtide_units::Bytes;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

pub const TESTS: &[Test] = &[
    ("the_exit_status_is_the_programs", the_exit_status_is_the_programs),
    ("a_signal_is_told", a_signal_is_told),
    (
        "the_peak_of_a_large_launcher_is_not_the_programs",
        the_peak_of_a_large_launcher_is_not_the_programs,
    ),
    ("the_peak_of_the_program_is_counted", the_peak_of_the_program_is_counted),
    ("the_environment_is_inherited_in_its_order", the_environment_is_inherited_in_its_order),
    ("a_set_variable_reaches_the_program", a_set_variable_reaches_the_program),
    ("streams_come_from_and_go_to_files", streams_come_from_and_go_to_files),
    ("no_descriptor_is_left_in_the_program", no_descriptor_is_left_in_the_program),
    ("a_program_runs_in_another_folder", a_program_runs_in_another_folder),
    (
        "an_interpreter_sees_the_name_it_was_called_by",
        an_interpreter_sees_the_name_it_was_called_by,
    ),
];

fn the_exit_status_is_the_programs() {
    assert_eq!(shell("exit 7").run().unwrap().exit, Exit::Code(7));
    assert!(shell("true").run().unwrap().exit.is_success());
}

fn a_signal_is_told() {
    assert_eq!(shell("kill -9 $$").run().unwrap().exit, Exit::Signal(9));
}

const MEGABYTE: usize = 1 << 20;

fn the_peak_of_a_large_launcher_is_not_the_programs() {
    let large = black_box(vec![1_u8; 300 * MEGABYTE]);
    let ended = shell("true").run().unwrap();
    assert!(ended.peak_rss < Bytes(50 << 20), "{}", ended.peak_rss);
    drop(large);
}

fn the_peak_of_the_program_is_counted() {
    let code = "len(bytearray(200 << 20))";
    let ended = Launch::new(Target::Code(code.into())).run().unwrap();
    assert!((Bytes(200 << 20)..Bytes(260 << 20)).contains(&ended.peak_rss), "{}", ended.peak_rss);
    assert!(ended.user_time + ended.system_time <= ended.duration * 2);
}

fn output_of(launch: Launch) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let launch = Launch { stdout: Output::File(out.clone()), ..launch };
    assert_eq!(launch.run().unwrap().exit, Exit::Code(0));
    fs::read_to_string(out).unwrap()
}

fn the_environment_is_inherited_in_its_order() {
    let plain = Command::new("env").output().unwrap().stdout;
    assert_eq!(
        output_of(Launch::new(Target::Command("env".into()))),
        String::from_utf8(plain).unwrap()
    );
}

fn a_set_variable_reaches_the_program() {
    let launch = shell("echo \"$LOWTIDE_PROBE\"");
    assert_eq!(
        output_of(Launch { env: vec![("LOWTIDE_PROBE".into(), "a=b c".into())], ..launch }),
        "a=b c\n"
    );
}

fn streams_come_from_and_go_to_files() {
    let folder = tempfile::tempdir().unwrap();
    let [stdin, stderr] = ["in", "err"].map(|name| folder.path().join(name));
    fs::write(&stdin, "given").unwrap();
    let launch = shell("cat; echo told >&2");
    let out = output_of(Launch {
        stdin: Input::File(stdin),
        stderr: Output::File(stderr.clone()),
        ..launch
    });
    assert_eq!((out.as_str(), fs::read_to_string(stderr).unwrap().as_str()), ("given", "told\n"));
    assert_eq!(output_of(Launch { stdin: Input::Nothing, ..shell("cat") }), "");
}

fn no_descriptor_is_left_in_the_program() {
    // `ls` itself opens the folder that it lists.
    let ours = output_of(Launch {
        args: vec!["/proc/self/fd".into()],
        ..Launch::new(Target::Command("ls".into()))
    });
    let plain = Command::new("ls").arg("/proc/self/fd").output().unwrap().stdout;
    assert_eq!(ours, String::from_utf8(plain).unwrap());
}

fn a_program_runs_in_another_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("program.py"), "import os; print(os.getcwd())").unwrap();
    let launch = Launch::new(Target::Script("program.py".into()));
    let printed = output_of(Launch { cwd: Some(folder.path().into()), ..launch });
    assert_eq!(Path::new(printed.trim_end()), folder.path().canonicalize().unwrap());
}

fn an_interpreter_sees_the_name_it_was_called_by() {
    let name = Interpreter::find(None).unwrap().name;
    let code = "import sys; print(sys.orig_argv, sys.executable)";
    let plain = Command::new(name).args(["-c", code]).output().unwrap().stdout;
    assert_eq!(
        output_of(Launch::new(Target::Code(code.into()))),
        String::from_utf8(plain).unwrap()
    );
}
