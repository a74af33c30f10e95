//! LT101 on whole programs: each accepted variant prints the same before and after; each refused one says why.

mod programs;

use programs::{blockers, candidates, fixed, fixed_and_run};

/// Makes a folder of its own with two small files.
const FILES: &str = "import os, tempfile\nos.chdir(tempfile.mkdtemp())\nwith open('a', 'w', newline='') as new: new.write('x,1\\ny é,2\\r\\n\\x0bz\\x85,3\\u2028\\n\\nlast')\nwith open('b', 'w') as new: new.write('one\\ntwo\\n')\n";

/// Fixes one script that reads the files, runs both, and gives the fixed one.
fn accepted(script: &str) -> String {
    let script = format!("# -*- coding: utf-8 -*-\n{FILES}{script}");
    fixed_and_run("LT101", &[("script.py", &script)])
}

/// The blockers of a script of which nothing may be fixed.
fn refused(script: &str) -> Vec<&'static str> {
    let found = candidates("LT101", &[("script.py", script)]);
    assert!(found.iter().all(|candidate| candidate.edits.is_empty()), "{script}: {found:?}");
    blockers("LT101", &[("script.py", script)])
}

#[test]
fn a_loop_after_the_with_moves_into_it() {
    let after = accepted(
        "def main(path):\n    total = 0\n    with open(path) as f:\n        data = f.readlines()\n    for line in data:\n        total += len(line.split(','))\n    print(total)\nmain('a')\n",
    );
    assert!(after.contains("    with open(path) as f:\n        for line in f:\n            total += len(line.split(','))\n    print(total)\n"), "{after}");
}

#[test]
fn statements_and_comments_between_move_too() {
    let after = accepted(
        "def main(path):\n    with open(path) as f:\n        header = f.readline()\n        rows = f.readlines()\n    # now the rest\n    text = '''\nnot code\n  '''\n\n    count = 0  # so far\n    for row in rows:  # each\n        # look\n        count += len(row)\n    else:\n        count += 1\n    # done\n    print(header, text, count)\nmain('a')\n",
    );
    assert!(after.contains("        # now the rest\n        text = '''\nnot code\n  '''\n\n        count = 0  # so far\n        for row in f:  # each\n            # look\n            count += len(row)\n        else:\n            count += 1\n    # done\n"), "{after}");
}

#[test]
fn direct_in_every_consumer() {
    let after = accepted(
        "with open('a') as f:\n    print(sum(len(line) for line in f.readlines()))\nwith open('a') as f:\n    print(sorted(f.readlines()), [line for line in open('b').readlines()])\nwith open('a') as f:\n    for number, line in enumerate(list(f), start=1):\n        print(number, line)\n",
    );
    assert!(
        after.contains("for line in f)")
            && after.contains("sorted(f)")
            && after.contains("enumerate(f, start=1)"),
        "{after}"
    );
    assert!(after.contains("for line in open('b')]"), "{after}");
}

#[test]
fn splitlines_and_split_are_still_called_on_each_line() {
    let after = accepted(
        "with open('a') as f:\n    for line in f.read().splitlines():\n        print(repr(line))\nwith open('a', newline='') as f:\n    for line in f.read().splitlines(True):\n        print(repr(line))\nwith open('a', 'rb') as f:\n    print(max(f.read().splitlines()))\nwith open('a') as f:\n    words = f.read().split()\nfor word in words:\n    print(word)\nwith open('a', newline='\\r\\n') as f:\n    for line in f.read().splitlines(keepends=True): print(repr(line))\n",
    );
    assert!(
        after.contains("for line in (line for row in f for line in row.splitlines()):"),
        "{after}"
    );
    assert!(
        after.contains("row.splitlines(True)")
            && after.contains("for word in (word for row in f for word in row.split()):"),
        "{after}"
    );
}

#[test]
fn files_of_every_kind_and_origin() {
    let after = accepted(
        "import gzip\nfrom pathlib import Path\nwith gzip.open('z', 'wt') as new: new.write('a\\nb\\n')\nwith gzip.open('z', 'rt') as z:\n    for line in z.readlines(): print(line)\nwith Path('a').open(encoding='utf-8') as p:\n    lines = p.readlines()\nfor line in lines: print(line)\nf = open('b')\nfor line in f.readlines(): print(line)\nf.close()\ndef show(stream):\n    for line in stream.readlines():\n        print(line)\nwith open('a') as one: show(one)\nshow(open('b'))\n",
    );
    assert!(!after.contains("readlines"), "{after}");
}

#[test]
fn a_with_of_two_files() {
    let after = accepted(
        "def copy(a, b):\n    with open(a) as source, open(b, 'w') as target:\n        lines = source.readlines()\n        for line in lines:\n            target.write(line.upper())\ncopy('a', 'c')\nprint(open('c').read())\ndef pair():\n    with open('a') as f, open('b') as g:\n        x = f.readlines()\n        y = g.readlines()\n    for line in x:\n        print(line)\n    for line in y:\n        print(line)\npair()\n",
    );
    assert!(
        after.contains("        for line in source:\n            target.write(line.upper())\n"),
        "{after}"
    );
    assert!(!after.contains("g.readlines"), "{after}");
}

#[test]
fn methods_nested_functions_decorators_and_coroutines() {
    let after = accepted(
        "import asyncio, functools\nclass Reader:\n    def __init__(self, path: str) -> None:\n        self.path = path\n    @property\n    def total(self) -> int:\n        with open(self.path) as f:\n            lines: list[str] = f.readlines()\n        return sum(len(line) for line in lines)\ndef outer(path):\n    def inner():\n        with open(path) as f:\n            lines = f.readlines()\n        for line in lines:\n            print(line)\n    inner()\n@functools.lru_cache\ndef cached(path):\n    with open(path) as f:\n        lines = f.readlines()\n    longest = max(lines, key=len)\n    return longest\nasync def main():\n    with open('a') as f:\n        lines = f.readlines()\n    for line in lines:\n        print(line)\n    await asyncio.sleep(0)\nprint(Reader('a').total, cached('b'))\nouter('a')\nasyncio.run(main())\n",
    );
    assert!(!after.contains("readlines"), "{after}");
    assert!(after.contains("            return sum(len(line) for line in f)\n"), "{after}");
}

#[test]
fn tabs_crlf_and_one_line_bodies() {
    let after = accepted(
        "def größe(pfad):\r\n\twith open(pfad) as datei: zeilen = datei.readlines()\r\n\tfor zeile in zeilen: print(zeile)  # ä\r\ngröße('a')\r\n",
    );
    assert!(
        after.contains(
            "\twith open(pfad) as datei:\r\n\t\tfor zeile in datei: print(zeile)  # ä\r\n"
        ),
        "{after}"
    );
    let after = accepted(
        "if True:\n  with open('a') as f:\n     lines = f.readlines()\n  for line in lines:\n   print(line)",
    );
    assert!(
        after.ends_with("  with open('a') as f:\n     for line in f:\n      print(line)"),
        "{after}"
    );
}

#[test]
fn a_name_that_is_kept_becomes_another_name_of_the_file() {
    let after = accepted(
        "with open('a') as f:\n    a = 1; lines = f.readlines()\n    for line in lines:\n        print(line)\nlines = open('b').readlines()\nfor line in lines:\n    print(line)\n",
    );
    assert!(
        after.contains("a = 1; lines = f\n") && after.contains("lines = open('b')\n"),
        "{after}"
    );
    accepted(
        "def f():\n    with open('a') as f:\n        lines = f.readlines()\n        for line in lines: print(line)\n        del lines\nf()\n",
    );
}

#[test]
fn handlers_of_opening_errors_do_not_matter() {
    let after = accepted(
        "def show(path):\n    try:\n        with open(path) as f:\n            for line in f.readlines():\n                print(line)\n    except (FileNotFoundError, PermissionError):\n        print('missing')\n    except IsADirectoryError:\n        print('folder')\nshow('a')\nshow('nowhere')\n",
    );
    assert!(after.contains("in f:"), "{after}");
}

#[test]
fn functions_of_other_files() {
    let tools = "import csv\ndef lines_in(path):\n    total = 0\n    with open(path) as handle:\n        everything = handle.readlines()\n    for row in csv.reader(everything):\n        total += len(row)\n    return total\n";
    let script = format!("{FILES}from lib.tools import lines_in\nprint(lines_in('b'))\n");
    let after =
        fixed("LT101", &[("lib/__init__.py", ""), ("lib/tools.py", tools), ("script.py", &script)]);
    assert!(after[1].1.contains("        for row in csv.reader(handle):\n"), "{after:?}");
    assert_eq!(programs::run(&after), (String::from("2\n"), Some(0)));
}

#[test]
fn a_file_read_in_each_round_of_a_loop() {
    let after = accepted(
        "for path in ['a', 'b']:\n    with open(path) as f:\n        lines = f.readlines()\n    for line in lines:\n        print(path, line)\n",
    );
    assert!(after.contains("        for line in f:\n            print(path, line)\n"), "{after}");
}

#[test]
fn other_uses_of_the_file_are_refused() {
    for (line, blocker) in [
        ("f.tell()", "other-use-of-file"),
        ("f.seek(0)", "other-use-of-file"),
        ("f.read(1)", "other-use-of-file"),
        ("next(f)", "other-use-of-file"),
        ("f.close()", "other-use-of-file"),
        ("g(f)", "other-use-of-file"),
        ("f = None", "other-use-of-file"),
        ("open(path, 'w').close()", "changed-before-use"),
        ("save(path)", "changed-before-use"),
        ("os.remove(path)", "changed-before-use"),
        ("os.replace('x', path)", "changed-before-use"),
        ("Path(path).write_text(line)", "changed-before-use"),
        ("log.write(line)", "changed-before-use"),
        ("unknown.rewrite(path)", "changed-before-use"),
        ("yield line", "changed-before-use"),
        ("lines.append(line)", "needs-a-list"),
        ("print(len(lines))", "needs-a-list"),
        ("print(lines[0])", "needs-a-list"),
        ("print(line in lines)", "used-twice"),
        ("print(locals())", "names-read-by-text"),
    ] {
        let script = format!(
            "import os, unknown\nfrom pathlib import Path\ndef save(path):\n    with open(path, 'w') as out:\n        out.write('x')\ndef show(path, g, log):\n    with open(path) as f:\n        lines = f.readlines()\n        for line in lines:\n            {line}\nshow('a', print, 1)\n"
        );
        let found = refused(&script);
        assert!(found.contains(&blocker), "{line}: {found:?}");
    }
}

#[test]
fn what_happens_between_the_with_and_the_loop_counts() {
    for line in ["os.remove(path)", "open(path, 'w').close()", "os.rename(path, 'b')"] {
        let script = format!(
            "import os\ndef show(path):\n    with open(path) as f:\n        lines = f.readlines()\n    {line}\n    for line in lines:\n        print(line)\nshow('a')\n"
        );
        let found = refused(&script);
        assert!(found.contains(&"changed-before-use"), "{line}: {found:?}");
    }
}

#[test]
fn awaiting_in_the_loop_is_refused() {
    let found = refused(
        "async def show(path, sink):\n    with open(path) as f:\n        for line in f.readlines():\n            await sink.put(line)\n",
    );
    assert!(found.contains(&"changed-before-use"), "{found:?}");
}

#[test]
fn a_file_that_is_read_on_after_a_break_is_refused() {
    for rest in ["print(f.read())", "print(next(f))", "for line in f: print(line)"] {
        let script = format!(
            "with open('a') as f:\n    for line in f.readlines():\n        if line: break\n    {rest}\n"
        );
        let found = refused(&script);
        assert!(found.contains(&"read-after-break"), "{rest}: {found:?}");
    }
    accepted(
        "with open('a') as f:\n    for line in f.readlines():\n        if line > 'x': break\n        print(line)\n    f.close()\n",
    );
    accepted(
        "with open('a') as f:\n    for line in f.readlines():\n        print(line)\n    print(f.read())\n",
    );
}

#[test]
fn pipes_and_objects_of_unknown_kind_are_refused() {
    for (expr, blocker) in [
        ("sys.stdin", "reads-a-pipe"),
        ("sys.stdin.buffer", "reads-a-pipe"),
        ("open(0)", "reads-a-pipe"),
        ("open('/dev/stdin')", "reads-a-pipe"),
        ("open(sys.stdin.fileno())", "reads-a-pipe"),
        ("urlopen('http://a')", "unknown-file"),
        ("zipfile.ZipFile('a').open('member')", "unknown-file"),
        ("subprocess.Popen('ls').stdout", "unknown-file"),
        ("codecs.open('a')", "unknown-file"),
        ("Own('a')", "unknown-file"),
        ("Own('a').open()", "unknown-file"),
        ("io.StringIO('a')", "unknown-file"),
    ] {
        let script = format!(
            "import codecs, io, subprocess, sys, zipfile\nfrom urllib.request import urlopen\nclass Own:\n    def open(self): ...\nf = {expr}\nfor line in f.readlines():\n    print(line)\n"
        );
        let found = refused(&script);
        assert!(found.contains(&blocker), "{expr}: {found:?}");
    }
}

#[test]
fn an_own_function_called_open_is_no_file() {
    assert!(
        refused("def open(path): ...\nfor line in open('a').readlines():\n    print(line)\n")
            .contains(&"unknown-file")
    );
}

#[test]
fn parameters_are_files_only_if_every_caller_says_so() {
    let found = refused(
        "import sys\ndef show(f):\n    for line in f.readlines():\n        print(line)\nshow(open('a'))\nshow(sys.stdin)\n",
    );
    assert!(found.contains(&"reads-a-pipe"), "{found:?}");
    let found = refused(
        "def show(f):\n    for line in f.readlines():\n        print(line)\nshow(open('a'))\nlater = show\n",
    );
    assert!(found.contains(&"unknown-file"), "{found:?}");
}

#[test]
fn line_ends_that_are_cut_in_two_are_refused() {
    for read in [
        "open('a', newline='\\r').read().splitlines()",
        "open('a').read().split('\\n')",
        "open('a', 'rb').read().split(b'\\n')",
        "open('a', newline=end).read().splitlines()",
    ] {
        let found = refused(&format!("end = '\\r'\nfor line in {read}:\n    print(line)\n"));
        assert!(found.contains(&"newline-semantics"), "{read}: {found:?}");
    }
}

#[test]
fn handlers_that_would_see_late_errors_are_refused() {
    for handler in [
        "except OSError",
        "except ValueError",
        "except",
        "except Exception",
        "except (FileNotFoundError, UnicodeError)",
    ] {
        let script = format!(
            "def show(path):\n    try:\n        with open(path) as f:\n            for line in f.readlines(): print(line)\n    {handler}:\n        print('failed')\nshow('a')\n"
        );
        let found = refused(&script);
        assert!(found.contains(&"try-no-longer-covers"), "{handler}: {found:?}");
    }
}

#[test]
fn what_else_a_with_holds_is_not_held_longer() {
    for other in [
        "lock",
        "open('b', 'w') as g",
        "tempfile.TemporaryDirectory() as d",
        "suppress(ValueError)",
    ] {
        let script = format!(
            "import tempfile\nfrom contextlib import suppress\ndef show(lock):\n    with open('a') as f, {other}:\n        lines = f.readlines()\n    for line in lines: print(line)\nshow(1)\n"
        );
        let found = refused(&script);
        assert!(found.contains(&"with-holds-more"), "{other}: {found:?}");
    }
}
