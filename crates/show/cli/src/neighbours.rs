use crate::real_paths::RealPaths;
use crate::sources::python_files;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What stands at the top of a project.
const PROJECT_MARKS: [&str; 5] = [".git", ".hg", "pyproject.toml", "setup.py", "setup.cfg"];
/// How far beneath a file's own folder its neighbours are looked for where no mark tells the project's extent.
const DEPTH_WITHOUT_MARK: usize = 3;
/// A project larger than this is looked at in part.
const MOST_FILES: usize = 10_000;

/// The other files of the same projects that these files import, or that import them, directly or not: a rewrite may
/// break them, although nobody asked about them. Sorted; names are absolute.
pub fn neighbours(files: &[PathBuf]) -> Vec<PathBuf> {
    let real_paths = RealPaths::default();
    let known: HashSet<PathBuf> = files.iter().filter_map(|file| real_paths.of(file)).collect();
    let is_other = |path: &PathBuf| real_paths.of(path).is_some_and(|path| !known.contains(&path));
    let others = surroundings(files).into_iter().filter(is_other).take(MOST_FILES);
    let readable: Vec<Importer> =
        files.iter().cloned().chain(others).filter_map(|path| Importer::read(&path)).collect();
    let asked_about: HashSet<&PathBuf> = files.iter().collect();
    let is_asked = |index: &usize| asked_about.contains(&readable[*index].path);
    let asked: Vec<usize> = (0..readable.len()).filter(is_asked).collect();
    let reached = reached(&readable, &asked);
    let found: BTreeSet<&PathBuf> = reached.iter().map(|&index| &readable[index].path).collect();
    found.into_iter().filter(|path| !asked_about.contains(path)).cloned().collect()
}

/// The places of all files that those at `start` import, directly or not, and of all that import those.
fn reached(files: &[Importer], start: &[usize]) -> BTreeSet<usize> {
    let (mut by_module, mut by_import) = (BTreeMap::new(), BTreeMap::new());
    for (index, file) in files.iter().enumerate() {
        by_module.entry(file.module.as_str()).or_insert_with(Vec::new).push(index);
        for word in &file.imported {
            by_import.entry(word.as_str()).or_insert_with(Vec::new).push(index);
        }
    }
    let imported = |index: usize| {
        let words = files[index].imported.iter();
        words.filter_map(|word| by_module.get(word.as_str())).flatten().copied().collect()
    };
    let importing =
        |index: usize| by_import.get(files[index].module.as_str()).cloned().unwrap_or_default();
    let mut reached = closure(start, imported);
    reached.extend(closure(start, importing));
    reached
}

/// What `next` leads to from `start`, again and again.
fn closure(start: &[usize], next: impl Fn(usize) -> Vec<usize>) -> BTreeSet<usize> {
    let mut reached: BTreeSet<usize> = start.iter().copied().collect();
    let mut waiting = start.to_vec();
    while let Some(index) = waiting.pop() {
        waiting.extend(next(index).into_iter().filter(|&next| reached.insert(next)));
    }
    reached
}

/// All Python files around these files.
fn surroundings(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let absolute = files.iter().filter_map(|file| std::path::absolute(file).ok());
    let roots: BTreeSet<(PathBuf, Option<usize>)> =
        absolute.filter_map(|file| root_of(&file)).collect();
    roots.iter().flat_map(|(root, depth)| python_files(root, *depth, &mut |_| {})).collect()
}

/// The folder of the project of a file, and how deep to look into it.
fn root_of(file: &Path) -> Option<(PathBuf, Option<usize>)> {
    let is_marked = |folder: &&Path| PROJECT_MARKS.iter().any(|mark| folder.join(mark).exists());
    match file.ancestors().skip(1).find(is_marked) {
        Some(root) => Some((root.to_owned(), None)),
        None => Some((file.parent()?.to_owned(), Some(DEPTH_WITHOUT_MARK))),
    }
}

/// A file, and all words of its import statements.
struct Importer {
    path: PathBuf,
    module: String,
    imported: BTreeSet<String>,
}

impl Importer {
    fn read(path: &Path) -> Option<Self> {
        let text = String::from_utf8(fs::read(path).ok()?).ok()?;
        let named_by = if path.file_stem()? == "__init__" { path.parent()? } else { path };
        let module = named_by.file_stem()?.to_str()?.to_owned();
        Some(Self { path: path.to_owned(), module, imported: imported_words(&text) })
    }
}

/// Every name in the import statements of a text; a few too many do no harm.
fn imported_words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut is_open = false;
    for line in text.lines().map(str::trim_start) {
        if is_open || line.starts_with("import ") || line.starts_with("from ") {
            let names =
                line.split(|character: char| !character.is_alphanumeric() && character != '_');
            words.extend(names.map(str::to_owned));
            is_open = (is_open || line.contains('(')) && !line.contains(')');
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn names(folder: &tempfile::TempDir, asked: &str) -> Vec<String> {
        let found = neighbours(&[folder.path().join(asked)]);
        found
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string())
            .collect()
    }

    #[test]
    fn importers_and_imported_files_are_found_through_others_and_strangers_are_not() {
        let folder = project(&[
            ("pyproject.toml", ""),
            ("app/rows.py", "from .cells import cell\n"),
            ("app/__init__.py", ""),
            ("app/cells.py", ""),
            ("tool.py", "import beside\nfrom app.rows import (\n    rows,\n)\n"),
            ("beside.py", ""),
            ("deep/down/under/there/job.py", "def f():\n    import tool\n"),
            ("stranger.py", "import json\nrows = 1\n"),
        ]);
        let found = names(&folder, "app/rows.py");
        assert_eq!(found, ["app/cells.py", "deep/down/under/there/job.py", "tool.py"]);
    }

    #[test]
    fn a_script_of_its_own_has_no_neighbours() {
        let folder = project(&[("one.py", "import sys\n"), ("two.py", "import sys\n")]);
        assert!(names(&folder, "one.py").is_empty());
    }
}
