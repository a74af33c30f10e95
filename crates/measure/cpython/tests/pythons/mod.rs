//! The interpreters to test with: `LOWTIDE_TEST_PYTHONS` (separated by colons) where it is set, otherwise each
//! `python3.X` on the path and each that pyenv has.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "test support")]

use std::path::PathBuf;
use std::process::Command;

pub struct Python {
    pub executable: PathBuf,
    pub minor: u32,
}

/// Never empty: a test over no interpreter would prove nothing.
pub fn found() -> Vec<Python> {
    let named = std::env::var("LOWTIDE_TEST_PYTHONS").unwrap_or_default();
    let pythons: Vec<Python> = if named.is_empty() {
        (10..=15).filter_map(find_minor).collect()
    } else {
        named.split(':').map(|path| probe(path).unwrap()).collect()
    };
    assert!(
        !pythons.is_empty(),
        "no python3.10 or later: put one on PATH or name it in LOWTIDE_TEST_PYTHONS"
    );
    for python in &pythons {
        eprintln!("testing with {}", python.executable.display());
    }
    pythons
}

fn find_minor(minor: u32) -> Option<Python> {
    let version = format!("3.{minor}");
    let from_path = || probe(&format!("python{version}"));
    let from_pyenv = || {
        let output = Command::new("pyenv").args(["prefix", &version]).output().ok()?;
        let prefix = String::from_utf8(output.stdout).ok()?;
        probe(&format!("{}/bin/python3", prefix.trim_end()))
    };
    from_path().or_else(from_pyenv).filter(|python| python.minor == minor)
}

fn probe(executable: &str) -> Option<Python> {
    let script = "import sys; print(sys.version_info[1], sys.executable)";
    let output = Command::new(executable).args(["-c", script]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (minor, executable) = text.trim_end().split_once(' ')?;
    Some(Python { executable: executable.into(), minor: minor.parse().ok()? })
}
