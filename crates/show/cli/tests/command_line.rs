//! argv -> exit status, standard output and standard error, as a caller sees them. Nothing here starts Python; what
//! does is tested under `tests/cli`.
#![expect(clippy::unwrap_used, reason = "what a test cannot prepare fails it")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const TWO_WASTES: &str = "\
def lengths(lines):
    sizes = [len(line) for line in lines]
    return sum(sizes)


def join(chunks):
    data = b\"\"
    for chunk in chunks:
        data += bytes(chunk)
    return data
";

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn run(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lowtide"));
    command.current_dir(folder).args(words).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command.output().unwrap()
}

/// All that a caller sees.
fn seen(folder: &Path, words: &[&str]) -> String {
    let output = run(folder, words);
    let mut seen = format!("$ lowtide {}\n", words.join(" "));
    let streams = [("", &output.stdout), ("! ", &output.stderr)];
    for (mark, stream) in streams {
        for line in String::from_utf8_lossy(stream).lines() {
            writeln!(seen, "{mark}{line}").unwrap();
        }
    }
    write!(seen, "[{}]", output.status.code().map_or("signal".to_owned(), |code| code.to_string()))
        .unwrap();
    seen.replace(&folder.display().to_string(), "[folder]")
}

fn status(output: &Output) -> Option<i32> {
    output.status.code()
}

#[test]
fn advise_on_a_file_and_on_nothing_to_advise() {
    let folder = folder(&[("waste.py", TWO_WASTES.as_bytes()), ("lean.py", b"print(1)\n")]);
    insta::assert_snapshot!(seen(folder.path(), &["advise", "waste.py"]));
    insta::assert_snapshot!("nothing_to_advise", seen(folder.path(), &["advise", "lean.py"]));
}

#[test]
fn advise_in_json() {
    let folder = folder(&[("waste.py", TWO_WASTES.as_bytes())]);
    insta::assert_snapshot!(seen(folder.path(), &["advise", "--format", "json", "waste.py"]));
}

#[test]
fn a_folder_is_searched_without_what_git_ignores_and_a_bad_file_in_it_is_a_warning() {
    let folder = folder(&[
        (".gitignore", b"generated/\n"),
        ("generated/waste.py", TWO_WASTES.as_bytes()),
        ("venv/pyvenv.cfg", b""),
        ("venv/waste.py", TWO_WASTES.as_bytes()),
        ("package/waste.py", TWO_WASTES.as_bytes()),
        ("package/latin.py", b"name = '\xe9'\n"),
        ("package/broken.py", b"def f(:\n"),
    ]);
    insta::assert_snapshot!(seen(folder.path(), &["advise", "."]));
}

#[test]
fn a_bad_file_that_was_named_is_an_error() {
    let folder = folder(&[("latin.py", b"name = '\xe9'\n"), ("broken.py", b"x = 1\ndef f(:\n")]);
    for name in ["latin.py", "broken.py", "missing.py"] {
        insta::assert_snapshot!(format!("named_{name}"), seen(folder.path(), &["advise", name]));
    }
}

#[test]
fn a_diff_by_default_and_only_with_unsafe() {
    let folder = folder(&[("waste.py", TWO_WASTES.as_bytes())]);
    insta::assert_snapshot!(seen(folder.path(), &["fix", "waste.py"]));
    insta::assert_snapshot!(
        "diff_with_unsafe",
        seen(folder.path(), &["fix", "--unsafe", "waste.py"])
    );
    assert_eq!(fs::read_to_string(folder.path().join("waste.py")).unwrap(), TWO_WASTES);
}

#[test]
fn fix_writes_on_request_and_then_has_nothing_to_do() {
    let folder = folder(&[("waste.py", TWO_WASTES.as_bytes())]);
    insta::assert_snapshot!(seen(folder.path(), &["fix", "--unsafe", "--write", "waste.py"]));
    let written = fs::read_to_string(folder.path().join("waste.py")).unwrap();
    assert_ne!(written, TWO_WASTES);
    let again = run(folder.path(), &["fix", "--unsafe", "waste.py"]);
    assert_eq!((status(&again), again.stdout.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn one_rule_by_code_or_name() {
    let folder = folder(&[("waste.py", TWO_WASTES.as_bytes())]);
    let by = |rule| run(folder.path(), &["fix", "--unsafe", "--rule", rule, "waste.py"]).stdout;
    let diff = String::from_utf8(by("LT105")).unwrap();
    assert!(diff.contains("BytesIO") && diff.contains(" sizes = [len"), "{diff}");
    assert_eq!(by("lt105"), by("bytes-concatenation"));
    assert_eq!(status(&run(folder.path(), &["fix", "--rule", "LT999", "waste.py"])), Some(2));
}

#[test]
fn line_ends_and_other_files_survive_a_fix() {
    let windows = TWO_WASTES.replace('\n', "\r\n");
    let folder = folder(&[("waste.py", windows.as_bytes()), ("data.txt", b"\r\n\n")]);
    run(folder.path(), &["fix", "--unsafe", "--write", "."]);
    let written = fs::read_to_string(folder.path().join("waste.py")).unwrap();
    assert_ne!(written, windows);
    assert_eq!(written.matches('\n').count(), written.matches("\r\n").count(), "{written:?}");
    assert_eq!(fs::read(folder.path().join("data.txt")).unwrap(), b"\r\n\n");
}

#[test]
fn a_fix_stays_within_the_files_asked_about() {
    let library = "def squares(xs):\n    out = []\n    for x in xs:\n        out.append(x * x)\n    return out\n";
    let folder = folder(&[
        ("pyproject.toml", b""),
        ("lib.py", library.as_bytes()),
        ("other.py", b"from lib import squares\nprint(squares([1, 2])[0])\n"),
    ]);
    let output = run(folder.path(), &["fix", "--unsafe", "lib.py"]);
    let diff = String::from_utf8(output.stdout).unwrap();
    assert!(!diff.contains("yield"), "other.py indexes the result: {diff}");
}

#[test]
fn a_read_only_file_is_left_alone() {
    let folder = folder(&[("waste.py", TWO_WASTES.as_bytes())]);
    let path = folder.path().join("waste.py");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    insta::assert_snapshot!(seen(folder.path(), &["fix", "--unsafe", "--write", "waste.py"]));
    assert_eq!(fs::read_to_string(path).unwrap(), TWO_WASTES);
}

#[test]
fn captures_that_are_none() {
    let folder = folder(&[
        ("text.lowtide", b"hello"),
        ("empty.lowtide", b""),
        ("cut.lowtide", b"LOWTIDE\0\x01\0\0\0"),
    ]);
    for name in ["text.lowtide", "empty.lowtide", "cut.lowtide", "missing.lowtide", "."] {
        let seen = seen(folder.path(), &["report", name]);
        insta::assert_snapshot!(format!("report_{}", name.trim_end_matches(".lowtide")), seen);
    }
    assert_eq!(status(&run(folder.path(), &["advise", "--profile", "text.lowtide", "."])), Some(2));
}

#[test]
fn programs_that_cannot_be_run() {
    let folder = folder(&[("folder/readme", b""), ("script.py", b"")]);
    for words in [
        &["run", "missing.py"][..],
        &["run", "folder"],
        &["run", "--python", "no-such-python", "script.py"],
        &["run", "--python", "folder/readme", "script.py"],
        &["run", "--out", "no/such/folder/x.lowtide", "script.py"],
        &["run", "-m"],
        &["run", "--unknown", "script.py"],
        &["run"],
    ] {
        insta::assert_snapshot!(words.join("_").replace('/', "-"), seen(folder.path(), words));
    }
}

#[test]
fn explain_by_code_and_by_name_in_any_case() {
    let folder = folder(&[]);
    let by_code = run(folder.path(), &["explain", "LT102"]);
    assert_eq!(status(&by_code), Some(0));
    let text = String::from_utf8(by_code.stdout.clone()).unwrap();
    assert!(text.starts_with("LT102 list-used-once\n"), "{text}");
    for heading in ["What", "Why", "When it does not pay", "When it is refused", "Example"] {
        assert!(text.lines().any(|line| line == heading), "no {heading} in {text}");
    }
    assert!(!text.contains("```") && !text.contains("\n## "), "{text}");
    assert_eq!(run(folder.path(), &["explain", "list-used-ONCE"]).stdout, by_code.stdout);
    let all = String::from_utf8(run(folder.path(), &["explain"]).stdout).unwrap();
    assert!(
        all.contains("LT101 whole-file-read\n  ") && all.contains("LT105 bytes-concatenation\n  "),
        "{all}"
    );
    let unknown = seen(folder.path(), &["explain", "LT0"]);
    assert!(
        unknown.contains(
            "! lowtide: error: no such rule: LT0\n! hint: the rules are LT101 whole-file-read, "
        ),
        "{unknown}"
    );
    assert!(unknown.ends_with("[2]"), "{unknown}");
}

#[test]
fn colour_only_where_it_is_wanted() {
    let folder = folder(&[("waste.py", TWO_WASTES.as_bytes())]);
    let words = |color| ["advise", "waste.py", "--color", color];
    let escapes = |output: &Output| output.stdout.contains(&0x1b);
    assert!(!escapes(&run(folder.path(), &words("auto"))));
    assert!(!escapes(&run(folder.path(), &words("never"))));
    assert!(escapes(&run(folder.path(), &words("always"))));
    let diff = ["fix", "--unsafe", "waste.py", "--color", "always"];
    assert!(escapes(&run(folder.path(), &diff)));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = folder(&[("waste.py", TWO_WASTES.as_bytes())]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_lowtide"));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.current_dir(folder.path()).args(["advise", "waste.py"]).stdout(writer);
    let output = command.output().unwrap();
    assert_eq!((status(&output), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(1), ""));
}
