use crate::failure::{self, Failure};
use crate::terminal::Terminal;
use anyhow::{Context, Result};
use ignore::{DirEntry, WalkBuilder, types::TypesBuilder};
use lowtide_profile::Profile;
use lowtide_source::SourceFile;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// The parsed files of a run that are the user's own; what cannot be read or parsed is left out.
pub fn of_run(profile: &Profile) -> Vec<SourceFile> {
    let files = profile.files();
    files.iter().filter(|file| !is_installed(file)).filter_map(|file| parse(file).ok()).collect()
}

/// The parsed files that these paths name: files as they are, folders with all Python files in them that Git would
/// not ignore. A bad file in a folder is told and left out, a bad file that was named is an error.
pub fn of_paths(paths: &[PathBuf], terminal: &Terminal) -> Result<Vec<SourceFile>> {
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    for path in paths {
        let is_folder =
            fs::metadata(path).with_context(|| unreadable(path)).map_err(missing)?.is_dir();
        let found = if is_folder { python_files(path, terminal) } else { vec![path.clone()] };
        for path in
            found.into_iter().map(|path| tidy(&path)).filter(|path| seen.insert(path.clone()))
        {
            match parse(&path) {
                Ok(file) => files.push(file),
                Err(error) if is_folder => failure::warn(&error, terminal),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(files)
}

fn parse(path: &Path) -> Result<SourceFile> {
    let bytes = fs::read(path).with_context(|| unreadable(path))?;
    Ok(SourceFile::from_bytes(path, bytes)?)
}

fn unreadable(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

fn missing(error: anyhow::Error) -> anyhow::Error {
    Failure::new(format!("{error:#}"), "check the path; name Python files, or folders of them")
}

/// All Python files in a folder, sorted.
fn python_files(folder: &Path, terminal: &Terminal) -> Vec<PathBuf> {
    let mut types = TypesBuilder::new();
    types.add_defaults().select("py");
    let mut walk = WalkBuilder::new(folder);
    if let Ok(types) = types.build() {
        walk.types(types);
    }
    walk.require_git(false)
        .sort_by_file_path(Ord::cmp)
        .filter_entry(|entry| !is_environment(entry));
    let mut files = Vec::new();
    for entry in walk.build() {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                files.push(entry.into_path())
            }
            Ok(_) => {}
            Err(error) => failure::warn(&error.into(), terminal),
        }
    }
    files
}

/// A virtual environment holds other people's code, whether or not Git ignores it.
fn is_environment(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.path().join("pyvenv.cfg").is_file()
}

/// `./a.py` is `a.py`.
fn tidy(path: &Path) -> PathBuf {
    path.components().filter(|component| component.as_os_str() != ".").collect()
}

/// Whether a file belongs to Python or to an installed package.
fn is_installed(file: &Path) -> bool {
    let names: Vec<&OsStr> = file.iter().collect();
    let is_packages = |name: &&OsStr| *name == "site-packages" || *name == "dist-packages";
    let is_library = |pair: &[&OsStr]| {
        (pair[0] == "lib" || pair[0] == "lib64") && pair[1].to_string_lossy().starts_with("python")
    };
    names.iter().any(is_packages) || names.windows(2).any(is_library)
}
