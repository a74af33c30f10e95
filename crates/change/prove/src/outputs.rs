//! What a run left at the paths that it changed.

use crate::difference::{Difference, Place};
use lowtide_journal::{Original, Record};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// By the path as it is compared: random names are replaced by numbers.
pub(crate) type Outputs = BTreeMap<PathBuf, Output>;

/// What stands at a path after a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Nothing, though there was something before.
    Removed,
    /// A file with these permissions; the content lies there until the run is put back.
    File { mode: u32, content: PathBuf },
    /// A folder with these permissions.
    Folder { mode: u32 },
    /// A symbolic link to this.
    Link { target: PathBuf },
    /// A pipe, socket or device.
    Special,
}

/// Looks at every path that the records speak of.
pub(crate) fn collect(records: &[Record]) -> Outputs {
    let mut names = Names::default();
    let mut outputs = Outputs::new();
    for record in records {
        match record {
            Record::Touched { path, original, random_name } if !is_byte_code(path) => {
                let Some(output) = look(path, original) else { continue };
                if *random_name {
                    names.number(path);
                }
                outputs.insert(names.compared(path), output);
            }
            Record::Moved { to, .. } => add_tree(to, &names, &mut outputs),
            _ => {}
        }
    }
    outputs
}

/// Everything in a folder that was renamed: its files were not touched one by one.
fn add_tree(folder: &Path, names: &Names, outputs: &mut Outputs) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if let Some(output) = look(&path, &Original::Absent) {
            if matches!(output, Output::Folder { .. }) {
                add_tree(&path, names, outputs);
            }
            outputs.insert(names.compared(&path), output);
        }
    }
}

/// `None` if there is nothing and was nothing.
fn look(path: &Path, original: &Original) -> Option<Output> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return (*original != Original::Absent).then_some(Output::Removed);
    };
    let mode = metadata.mode() & 0o7777;
    Some(if metadata.is_file() {
        Output::File { mode, content: path.to_owned() }
    } else if metadata.is_dir() {
        Output::Folder { mode }
    } else if metadata.is_symlink() {
        Output::Link { target: path.read_link().unwrap_or_default() }
    } else {
        Output::Special
    })
}

/// Python's own cache: it says when its source was read, not what the program does.
fn is_byte_code(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with("__pycache__"))
        || path.ends_with("__pycache__")
}

/// Numbers for random names, per folder in order of their first use.
#[derive(Default)]
struct Names {
    given: HashMap<PathBuf, PathBuf>,
    counts: HashMap<PathBuf, u32>,
}

impl Names {
    fn number(&mut self, path: &Path) {
        let folder = self.compared(path.parent().unwrap_or(Path::new("/")));
        let count = self.counts.entry(folder.clone()).or_default();
        *count += 1;
        self.given.insert(path.to_owned(), folder.join(format!("<random name {count}>")));
    }

    fn compared(&self, path: &Path) -> PathBuf {
        let known =
            path.ancestors().find_map(|ancestor| Some((ancestor, self.given.get(ancestor)?)));
        match known
            .and_then(|(ancestor, given)| Some(given.join(path.strip_prefix(ancestor).ok()?)))
        {
            // Joining nothing would add a slash.
            Some(renamed) => renamed.components().collect(),
            None => path.to_owned(),
        }
    }
}

/// Copies the contents into `folder`, so that they outlive putting the run back.
pub(crate) fn set_aside(outputs: &mut Outputs, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (number, output) in outputs.values_mut().enumerate() {
        if let Output::File { content, .. } = output {
            let copy = folder.join(number.to_string());
            fs::copy(&*content, &copy)?;
            *content = copy;
        }
    }
    Ok(())
}

/// The first path, in order of names, at which the two are not the same.
pub(crate) fn first_difference(
    before: &Outputs,
    after: &Outputs,
) -> io::Result<Option<Difference>> {
    let mut paths: Vec<&PathBuf> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        if let Some(difference) = difference_at(path, before.get(path), after.get(path))? {
            return Ok(Some(difference));
        }
    }
    Ok(None)
}

fn difference_at(
    path: &Path,
    before: Option<&Output>,
    after: Option<&Output>,
) -> io::Result<Option<Difference>> {
    let (left, right) = (described(before), described(after));
    if let Some(difference) = Difference::between(Place::Path(path.to_owned()), &left, &right) {
        return Ok(Some(difference));
    }
    match (before, after) {
        (Some(Output::File { content: left, .. }), Some(Output::File { content: right, .. })) => {
            Difference::between_files(|line| Place::Content(path.to_owned(), line), left, right)
        }
        _ => Ok(None),
    }
}

fn described(output: Option<&Output>) -> String {
    match output {
        None => "left alone".to_owned(),
        Some(Output::Removed) => "removed".to_owned(),
        Some(Output::File { mode, .. }) => format!("a file with mode {mode:o}"),
        Some(Output::Folder { mode }) => format!("a folder with mode {mode:o}"),
        Some(Output::Link { target }) => format!("a link to {}", target.display()),
        Some(Output::Special) => "a pipe, socket or device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn absent(path: &Path, random_name: bool) -> Record {
        Record::Touched { path: path.to_owned(), original: Original::Absent, random_name }
    }

    #[test]
    fn a_random_name_gone_by_the_end_is_no_output() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(collect(&[absent(&place.path().join("tmpx1"), true)]), Outputs::new());
    }

    #[test]
    fn random_names_that_stay_are_compared_by_their_order() {
        let place = tempfile::tempdir().unwrap();
        let run = |name: &str, text: &str| {
            let folder = place.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("out"), text).unwrap();
            collect(&[absent(&folder, true), absent(&folder.join("out"), false)])
        };
        let (first, same, other) = (run("tmpa", "x\ny"), run("tmpb", "x\ny"), run("tmpc", "x\nz"));
        assert!(first.contains_key(&place.path().join("<random name 1>/out")));
        assert_eq!(first_difference(&first, &same).unwrap(), None);
        let difference = first_difference(&first, &other).unwrap().unwrap();
        assert_eq!(difference.place, Place::Content(place.path().join("<random name 1>/out"), 2));
    }

    #[test]
    fn a_file_that_only_one_run_wrote_is_a_difference() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("out");
        fs::write(&file, "x").unwrap();
        let wrote = collect(&[absent(&file, false)]);
        let difference = first_difference(&wrote, &Outputs::new()).unwrap().unwrap();
        assert_eq!((difference.place, difference.after), (Place::Path(file), "left alone".into()));
    }

    #[test]
    fn byte_code_is_no_output() {
        let place = tempfile::tempdir().unwrap();
        let cache = place.path().join("__pycache__");
        fs::create_dir(&cache).unwrap();
        fs::write(cache.join("m.cpython-311.pyc"), "x").unwrap();
        assert_eq!(
            collect(&[absent(&cache, false), absent(&cache.join("m.cpython-311.pyc"), false)]),
            Outputs::new()
        );
    }
}
