//! What is refused before anything runs, and what the boot module refuses.

use crate::{Test, launcher};
use lowtide_launch::{Launch, LaunchError, Target};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

pub const TESTS: &[Test] = &[
    ("a_missing_script_is_named", a_missing_script_is_named),
    ("a_folder_without_main_is_no_program", a_folder_without_main_is_no_program),
    ("a_folder_with_main_is_a_program", a_folder_with_main_is_a_program),
    ("an_unknown_command_is_not_found", an_unknown_command_is_not_found),
    ("a_file_that_is_no_program_does_not_start", a_file_that_is_no_program_does_not_start),
    ("a_missing_python_is_named", a_missing_python_is_named),
    (
        "a_tracker_that_does_not_load_stops_the_program",
        a_tracker_that_does_not_load_stops_the_program,
    ),
    ("a_missing_tracker_is_found_before_the_start", a_missing_tracker_is_found_before_the_start),
    ("a_command_without_python_records_nothing", a_command_without_python_records_nothing),
];

fn script(path: &Path) -> Result<lowtide_launch::Ended, LaunchError> {
    Launch::new(Target::Script(path.into())).run()
}

fn a_missing_script_is_named() {
    let error = script(Path::new("no/such/program.py")).unwrap_err();
    assert_eq!(error.to_string(), "no such script: no/such/program.py");
}

fn a_folder_without_main_is_no_program() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(script(folder.path()), Err(LaunchError::FolderWithoutMain { .. })));
}

fn a_folder_with_main_is_a_program() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("__main__.py"), "").unwrap();
    assert!(script(folder.path()).unwrap().exit.is_success());
}

fn an_unknown_command_is_not_found() {
    let error = Launch::new(Target::Command("no-such-command-anywhere".into())).run().unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot start no-such-command-anywhere: No such file or directory (os error 2)"
    );
}

fn a_file_that_is_no_program_does_not_start() {
    let error = Launch::new(Target::Command("/etc/passwd".into())).run().unwrap_err();
    assert!(matches!(error, LaunchError::NotStarted { .. }), "{error:?}");
    assert_eq!(error.hint(), "make it executable, or name the interpreter before it");
}

fn a_missing_python_is_named() {
    let python = Some(PathBuf::from("/no/such/python3"));
    let error = Launch { python, ..Launch::new(Target::Code("pass".into())) }.run().unwrap_err();
    assert_eq!(error.to_string(), "no such Python: /no/such/python3");
}

/// A program that leaves a file, launched from a package folder with the real boot folder.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let boot = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../python/lowtide/boot");
        symlink(boot.canonicalize().unwrap(), folder.path().join("boot")).unwrap();
        fs::write(folder.path().join("program.py"), "open(__file__ + '.ran', 'w')").unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the launcher of `program` said, after it left no capture.
    fn launch(&self, program: &Path) -> String {
        let capture = self.path("out.lowtide");
        let mut launcher = launcher(capture.to_str().unwrap(), program);
        let output = launcher.env("LOWTIDE_HOME", self.folder.path()).output().unwrap();
        assert!(!capture.exists());
        String::from_utf8(output.stderr).unwrap()
    }

    /// What was said, where the program did not run.
    fn refusal(&self) -> String {
        let said = self.launch(&self.path("program.py"));
        assert!(!self.path("program.py.ran").exists());
        said
    }
}

fn a_tracker_that_does_not_load_stops_the_program() {
    let case = Case::new();
    fs::write(case.path("_tracker.abi3.so"), "no library").unwrap();
    let said = case.refusal();
    assert!(said.starts_with("lowtide: error: cannot load "), "{said}");
    assert!(said.contains("\nhint: install lowtide again"), "{said}");
    assert!(said.ends_with("\nErr(Refused)"), "{said}");
}

fn a_missing_tracker_is_found_before_the_start() {
    let said = Case::new().refusal();
    assert!(said.starts_with("Err(IncompleteInstallation"), "{said}");
}

fn a_command_without_python_records_nothing() {
    let case = Case::new();
    fs::write(case.path("_tracker.abi3.so"), "never loaded").unwrap();
    let said = case.launch(Path::new("true"));
    assert!(said.contains("exit: Code(0)") && said.contains("recorded: false"), "{said}");
}
