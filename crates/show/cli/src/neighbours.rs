use crate::sources::python_files;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What stands at the top of a project.
const PROJECT_MARKS: [&str; 5] = [".git", ".hg", "pyproject.toml", "setup.py", "setup.cfg"];
/// How far beneath a file's own folder its neighbours are looked for where no mark tells the project's extent.
const DEPTH_WITHOUT_MARK: usize = 3;
/// A project larger than this is looked at in part.
const MOST_FILES: usize = 10_000;

/// The other files of the same projects that these files import, or that import them, directly or not: a rewrite may
/// break them, although nobody asked about them. Names are absolute.
pub fn neighbours(files: &[PathBuf]) -> Vec<PathBuf> {
    let mut connected: Vec<Importer> =
        files.iter().filter_map(|file| Importer::read(file)).collect();
    let known: BTreeSet<PathBuf> =
        files.iter().filter_map(|file| file.canonicalize().ok()).collect();
    let mut others: Vec<Importer> = surroundings(files)
        .into_iter()
        .filter(|path| path.canonicalize().is_ok_and(|path| !known.contains(&path)))
        .take(MOST_FILES)
        .filter_map(|path| Importer::read(&path))
        .collect();
    loop {
        let is_connected = |other: &mut Importer| {
            connected.iter().any(|file| file.imports(other) || other.imports(file))
        };
        let found: Vec<Importer> = others.extract_if(.., is_connected).collect();
        if found.is_empty() {
            break;
        }
        connected.extend(found);
    }
    let all: BTreeSet<PathBuf> = connected.into_iter().map(|file| file.path).collect();
    all.into_iter().filter(|path| !files.contains(path)).collect()
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

    fn imports(&self, other: &Importer) -> bool {
        self.imported.contains(&other.module)
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
            ("app/rows.py", "def rows(): ...\n"),
            ("app/__init__.py", ""),
            ("tool.py", "from app.rows import (\n    rows,\n)\n"),
            ("deep/down/under/there/job.py", "def f():\n    import tool\n"),
            ("stranger.py", "import json\nrows = 1\n"),
        ]);
        let found = names(&folder, "app/rows.py");
        assert_eq!(found, ["app/__init__.py", "deep/down/under/there/job.py", "tool.py"]);
    }

    #[test]
    fn a_script_of_its_own_has_no_neighbours() {
        let folder = project(&[("one.py", "import sys\n"), ("two.py", "import sys\n")]);
        assert!(names(&folder, "one.py").is_empty());
    }
}
