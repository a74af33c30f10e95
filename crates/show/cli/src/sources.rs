use crate::failure::{self, Failure};
use crate::neighbours::neighbours;
use crate::terminal::Terminal;
use anyhow::{Context, Result};
use ignore::{DirEntry, WalkBuilder, types::TypesBuilder};
use lowtide_profile::Profile;
use lowtide_source::SourceFile;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Files to look at, with those around them that have a say in what may be changed.
pub struct Sources {
    /// All of them, parsed.
    pub files: Vec<SourceFile>,
    /// The paths of those that were asked about.
    pub asked: BTreeSet<PathBuf>,
}

/// The user's own files of a run and those connected with them; what cannot be read or parsed is left out.
pub fn of_run(profile: &Profile) -> Vec<SourceFile> {
    let files = profile.files();
    let mut own: Vec<PathBuf> = files.iter().filter(|file| !is_installed(file)).cloned().collect();
    own.extend(neighbours(&own));
    own.iter().filter_map(|file| parse(file).ok()).collect()
}

/// The files that these paths name: files as they are, folders with all Python files in them that Git would not
/// ignore. A bad file in a folder is told and left out, a bad file that was named is an error.
pub fn of_paths(paths: &[PathBuf], terminal: &Terminal) -> Result<Sources> {
    let mut sources = Sources { files: Vec::new(), asked: BTreeSet::new() };
    for path in paths {
        let metadata = fs::metadata(path).map_err(|error| missing(path, &error))?;
        let mut tell = |error: &anyhow::Error| failure::warn(error, terminal);
        if metadata.is_dir() {
            for file in python_files(path, None, &mut tell) {
                sources.add(tidy(&file)).unwrap_or_else(|error| tell(&error));
            }
        } else {
            sources.add(tidy(path))?;
        }
    }
    sources.add_neighbours();
    Ok(sources)
}

impl Sources {
    fn add(&mut self, path: PathBuf) -> Result<()> {
        if !self.asked.contains(&path) {
            self.files.push(parse(&path)?);
            self.asked.insert(path);
        }
        Ok(())
    }

    /// Named from the working directory if the files asked about are, so that imports between them can be followed.
    fn add_neighbours(&mut self) {
        let folder = std::env::current_dir().unwrap_or_default();
        let asked: Vec<PathBuf> = self.asked.iter().cloned().collect();
        let is_relative = asked.iter().all(|path| path.is_relative());
        for path in neighbours(&asked) {
            let nearby = path.strip_prefix(&folder).ok().filter(|_| is_relative);
            self.files.extend(parse(nearby.unwrap_or(&path)).ok());
        }
    }
}

fn parse(path: &Path) -> Result<SourceFile> {
    let bytes = fs::read(path).with_context(|| unreadable(path))?;
    Ok(SourceFile::from_bytes(path, bytes)?)
}

fn unreadable(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

fn missing(path: &Path, error: &io::Error) -> anyhow::Error {
    let message = format!("{}: {error}", unreadable(path));
    Failure::with_hint(message, "check the path; name Python files, or folders of them")
}

/// All Python files in a folder, sorted; `tell` gets to know what could not be looked into.
pub fn python_files(
    folder: &Path,
    depth: Option<usize>,
    tell: &mut dyn FnMut(&anyhow::Error),
) -> Vec<PathBuf> {
    let mut types = TypesBuilder::new();
    if types.add("python", "*.py").is_ok() {
        types.select("python");
    }
    let mut walk = WalkBuilder::new(folder);
    if let Ok(types) = types.build() {
        walk.types(types);
    }
    walk.require_git(false).max_depth(depth).sort_by_file_path(Ord::cmp);
    walk.filter_entry(|entry| !is_environment(entry));
    let mut files = Vec::new();
    for entry in walk.build() {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                files.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => tell(&error.into()),
        }
    }
    files
}

/// A virtual environment holds other people's code, whether or not Git ignores it.
fn is_environment(entry: &DirEntry) -> bool {
    let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
    entry.depth() > 0 && is_folder && entry.path().join("pyvenv.cfg").is_file()
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
