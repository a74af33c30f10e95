//! Rewritten files -> the disk: all or none.
#![expect(clippy::unwrap_used, reason = "what a test cannot prepare fails it")]

use lowtide_fix::{FixError, RewrittenFile, write};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use tempfile::TempDir;

fn file(folder: &TempDir, name: &str) -> RewrittenFile {
    let path = folder.path().join(name);
    fs::write(&path, "old\n").unwrap();
    RewrittenFile { path, before: "old\n".to_owned(), after: "new\n".to_owned() }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_mode_stays_and_nothing_else_appears() {
    let folder = tempfile::tempdir().unwrap();
    let script = file(&folder, "script.py");
    fs::set_permissions(&script.path, Permissions::from_mode(0o751)).unwrap();
    write(std::slice::from_ref(&script)).unwrap();
    assert_eq!(text(&script.path), "new\n");
    assert_eq!(fs::metadata(&script.path).unwrap().permissions().mode() & 0o7777, 0o751);
    assert_eq!(names(&folder), ["script.py"]);
}

#[test]
fn a_symbolic_link_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = file(&folder, "real.py");
    let link = folder.path().join("link.py");
    symlink("real.py", &link).unwrap();
    script.path.clone_from(&link);
    write(&[script]).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(text(&folder.path().join("real.py")), "new\n");
}

#[test]
fn one_file_that_cannot_be_written_keeps_all_others_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (file(&folder, "first.py"), file(&folder, "second.py"));
    fs::set_permissions(&second.path, Permissions::from_mode(0o444)).unwrap();
    let error = write(&[first.clone(), second.clone()]).unwrap_err();
    assert!(matches!(&error, FixError::ReadOnlyFile(path) if *path == second.path), "{error}");
    assert_eq!((text(&first.path), text(&second.path)), ("old\n".to_owned(), "old\n".to_owned()));
    assert_eq!(names(&folder), ["first.py", "second.py"]);
}

#[test]
fn a_file_that_somebody_changed_meanwhile_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let script = file(&folder, "script.py");
    fs::write(&script.path, "edited\n").unwrap();
    let error = write(std::slice::from_ref(&script)).unwrap_err();
    assert!(matches!(error, FixError::ChangedMeanwhile(_)), "{error}");
    assert_eq!(text(&script.path), "edited\n");
}

#[test]
fn a_file_that_is_gone_is_an_error_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let script = file(&folder, "script.py");
    fs::remove_file(&script.path).unwrap();
    let error = write(std::slice::from_ref(&script)).unwrap_err();
    assert!(error.to_string().contains("script.py"), "{error}");
    assert!(error.hint().contains("no file was changed"));
}
