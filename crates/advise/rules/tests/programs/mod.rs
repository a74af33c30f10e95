//! Small Python programs that are fixed by one rule and run before and after.

use lowtide_rules::{Candidate, rule_called};
use lowtide_source::{Project, SourceFile, apply_edits};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Files of a program by path; the last one is its script.
pub type Files<'t> = &'t [(&'t str, &'t str)];

/// All candidates of the rule `code` in a program.
pub fn candidates(code: &str, files: Files<'_>) -> Vec<Candidate> {
    let rule = rule_called(code).expect("the rule exists");
    let files: Vec<SourceFile> = files
        .iter()
        .map(|(path, text)| SourceFile::parse(*path, *text).expect("the program parses"))
        .collect();
    let project = Project::of(&files);
    let modules: Vec<_> = project.modules().map(|(id, _)| id).collect();
    (rule.check)(&project, &modules)
}

/// Names of all blockers in the order found.
pub fn blockers(code: &str, files: Files<'_>) -> Vec<&'static str> {
    candidates(code, files)
        .iter()
        .flat_map(|candidate| &candidate.blockers)
        .map(|blocker| blocker.name)
        .collect()
}

/// The program after fixes are made one at a time until none is left.
pub fn fixed(code: &str, files: Files<'_>) -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> =
        files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect();
    for _ in 0..10 {
        let borrowed: Vec<(&str, &str)> =
            texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let Some(open) =
            candidates(code, &borrowed).into_iter().find(|candidate| !candidate.edits.is_empty())
        else {
            return texts;
        };
        for (path, text) in &mut texts {
            for edits in open.edits.iter().filter(|edits| edits.file.as_os_str() == path.as_str()) {
                *text = apply_edits(text, &edits.edits).expect("edits fit");
            }
        }
    }
    panic!("fixes do not converge: {texts:?}");
}

/// Standard output and exit status of a program.
pub fn run(files: &[(String, String)]) -> (String, Option<i32>) {
    let folder = tempfile::tempdir().expect("a folder for the program");
    let mut script = PathBuf::new();
    for (path, text) in files {
        script = folder.path().join(path);
        std::fs::create_dir_all(script.parent().expect("a file has a folder"))
            .expect("a folder for a package");
        std::fs::write(&script, text).expect("the program is written");
    }
    let python = &interpreters()[0];
    let output = Command::new(python).arg("-B").arg(&script).output().expect("a Python runs");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.stderr.starts_with(b"  File"), "{}", String::from_utf8_lossy(&output.stderr));
    (stdout, output.status.code())
}

/// Fixes the program, checks that something changed and that it runs as before, and gives the fixed script.
pub fn fixed_and_run(code: &str, files: Files<'_>) -> String {
    let before: Vec<(String, String)> =
        files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect();
    let after = fixed(code, files);
    assert_ne!(before, after, "nothing was fixed: {:?}", candidates(code, files));
    let (expected, found) = (run(&before), run(&after));
    assert_eq!(expected.1, Some(0), "the program itself fails: {before:?}");
    assert_eq!(expected, found, "{after:?}");
    after.last().expect("a program has a script").1.clone()
}

/// The Pythons to test with: those of `LOWTIDE_TEST_PYTHONS`, parted by colons, or whichever of 3.10 to 3.13 are found.
pub fn interpreters() -> &'static [String] {
    static FOUND: OnceLock<Vec<String>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let listed = std::env::var("LOWTIDE_TEST_PYTHONS").unwrap_or_default();
        let listed: Vec<&str> = listed.split(':').filter(|path| !path.is_empty()).collect();
        let usual = ["python3", "python3.10", "python3.11", "python3.12", "python3.13"];
        let names = if listed.is_empty() { &usual[..] } else { &listed };
        let mut found: Vec<String> = names.iter().filter_map(|name| executable(name)).collect();
        found.dedup();
        assert!(!found.is_empty(), "no Python found: name some in LOWTIDE_TEST_PYTHONS");
        found
    })
}

/// The interpreter behind `python`, if it is one that lowtide supports.
fn executable(python: &str) -> Option<String> {
    let check = "import sys; print(sys.executable); sys.exit(sys.version_info < (3, 10))";
    let output = Command::new(python).args(["-c", check]).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !path.is_empty()).then_some(path)
}
