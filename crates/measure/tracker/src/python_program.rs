//! Whether a command starts a Python that reads its environment, told from names and words alone.

/// Whether a program of this name is a Python: `python`, `python3`, `python3.13t`, `python3.12-dbg`.
pub(crate) fn names_python(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"python") else { return false };
    let is_version = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let suffix = &rest[rest.iter().take_while(|byte| is_version(byte)).count()..];
    matches!(suffix, b"" | b"d" | b"t" | b"td" | b"-dbg")
}

/// What stands behind the last slash.
pub(crate) fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

/// Whether Python, called with these words after its own name, takes no notice of PYTHONPATH (`-E`, `-I`) or of a
/// `sitecustomize` (`-S`).
pub(crate) fn ignores_environment<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> bool {
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let [b'-', letters @ ..] = word else { return false };
        match letters {
            [] => return false,
            b"-check-hash-based-pycs" => drop(words.next()),
            [b'-', ..] => {}
            letters => match last_option(letters) {
                Reads::Ignoring => return true,
                Reads::Program => return false,
                Reads::NextWord => drop(words.next()),
                Reads::Nothing => {}
            },
        }
    }
    false
}

/// What the letters of one word of options lead to.
enum Reads {
    Ignoring,
    Program,
    NextWord,
    Nothing,
}

fn last_option(letters: &[u8]) -> Reads {
    for (index, letter) in letters.iter().enumerate() {
        match letter {
            b'E' | b'I' | b'S' => return Reads::Ignoring,
            b'c' | b'm' => return Reads::Program,
            b'W' | b'X' if index + 1 == letters.len() => return Reads::NextWord,
            b'W' | b'X' => return Reads::Nothing,
            _ => {}
        }
    }
    Reads::Nothing
}

/// What a script is run by, as its first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interpreter<'a> {
    /// A Python that reads its environment.
    Python,
    /// A program at this path that may be a Python under another name.
    Named(&'a [u8]),
    /// Nothing that could be one.
    Other,
}

/// The first bytes of an executable file: a script has its interpreter in its first line (execve(2)).
pub(crate) fn interpreter(start: &[u8]) -> Interpreter<'_> {
    let Some(text) = start.strip_prefix(b"#!") else { return Interpreter::Other };
    let mut lines = text.split(|&byte| byte == b'\n');
    let mut words = words(lines.next().unwrap_or_default());
    let Some(path) = words.next() else { return Interpreter::Other };
    match file_name(path) {
        b"sh" if hands_itself_to_python(lines.next().unwrap_or_default()) => Interpreter::Python,
        b"env" => match words.find(|word| !is_for_env(word)) {
            Some(name) if names_python(file_name(name)) => unless_ignoring(words),
            _ => Interpreter::Other,
        },
        name if names_python(name) => unless_ignoring(words),
        _ if ignores_environment(words) => Interpreter::Other,
        _ => Interpreter::Named(path),
    }
}

fn unless_ignoring<'a>(words: impl Iterator<Item = &'a [u8]>) -> Interpreter<'a> {
    if ignores_environment(words) { Interpreter::Other } else { Interpreter::Python }
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// Options of env(1) and assignments come before the program's name.
fn is_for_env(word: &[u8]) -> bool {
    word.starts_with(b"-") || word.contains(&b'=')
}

/// Installers write this where the path of the Python is too long for a first line: a shell replaces itself by Python.
fn hands_itself_to_python(second_line: &[u8]) -> bool {
    second_line.starts_with(b"'''exec' ") && second_line.windows(6).any(|word| word == b"python")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pythons_are_known_by_name_and_others_are_not() {
        let pythons =
            ["python", "python3", "python3.13", "python3.13t", "python2.7", "python3-dbg"];
        assert!(pythons.iter().all(|name| names_python(name.as_bytes())));
        let others =
            ["pypy3", "python-config", "python3.12-config", "bpython", "ipython", "sh", ""];
        assert!(!others.iter().any(|name| names_python(name.as_bytes())));
    }

    fn ignoring(line: &str) -> bool {
        ignores_environment(line.split(' ').map(str::as_bytes))
    }

    #[test]
    fn options_that_shut_the_environment_out_are_seen_before_the_program_only() {
        let shut = [
            "-I x.py",
            "-uE x.py",
            "-X dev -S x.py",
            "-Wignore -bIc x",
            "--check-hash-based-pycs never -I",
        ];
        assert!(shut.iter().all(|line| ignoring(line)));
        let open = [
            "x.py -I",
            "-c -I",
            "-mIES",
            "-W I -X ES x.py",
            "-WIES -XI x.py",
            "-uP -m x -E",
            "- -I",
            "",
        ];
        assert!(!open.iter().any(|line| ignoring(line)));
    }

    #[test]
    fn scripts_name_their_python_in_many_ways() {
        let scripts: [&[u8]; 7] = [
            b"#!/usr/bin/python3\n",
            b"#! /usr/bin/env python3\nimport x",
            b"#!/usr/bin/env -S PYTHONUTF8=1 python3 -u\n",
            b"#!/usr/bin/python3 -s",
            b"#!/v/bin/python\r\n",
            b"#!/bin/sh\n'''exec' \"/a long/path/bin/python\" \"$0\" \"$@\"\n' '''\n",
            b"#!/bin/sh\n'''exec' /a/path/bin/python3.12 \"$0\" \"$@\"\n' '''\n",
        ];
        assert!(scripts.iter().all(|start| interpreter(start) == Interpreter::Python));
    }

    #[test]
    fn other_scripts_and_programs_are_no_pythons() {
        let others: [&[u8]; 7] = [
            b"#!/bin/sh\npython x.py\n",
            b"#!/usr/bin/env bash\n",
            b"#!/usr/bin/python3 -I\n",
            b"#!/usr/bin/env -S python3 -Es\n",
            b"#!",
            b"\x7fELF",
            b"",
        ];
        for start in others {
            let found = interpreter(start);
            let is_shell = found == Interpreter::Named(b"/bin/sh");
            assert!(is_shell || found == Interpreter::Other, "{found:?}");
        }
        assert_eq!(interpreter(b"#!/opt/app/run -x"), Interpreter::Named(b"/opt/app/run"));
    }
}
