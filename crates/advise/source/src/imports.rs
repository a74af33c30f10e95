//! Module names from paths, and what import statements bring.

use crate::Module;
use ruff_python_ast::AnyNodeRef;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The modules that a set of files makes.
#[derive(Debug, Default)]
pub(crate) struct ModuleNames {
    by_path: HashMap<PathBuf, usize>,
    paths: Vec<PathBuf>,
    /// Folders that imports may start from, by the first name of what lies in them.
    roots: HashMap<String, BTreeSet<PathBuf>>,
}

/// What one import alias asks for.
pub(crate) struct Imported<'a> {
    /// Number of leading dots.
    pub level: u32,
    pub module: String,
    /// The name taken from the module; `None` if it is the module that is bound.
    pub member: Option<&'a str>,
}

impl ModuleNames {
    pub fn of<'p>(paths: impl Iterator<Item = &'p Path>) -> Self {
        let paths: Vec<PathBuf> = paths.map(Path::to_owned).collect();
        let by_path: HashMap<PathBuf, usize> = paths.iter().cloned().zip(0..).collect();
        let roots = roots_by_first_name(&paths, &by_path);
        Self { by_path, paths, roots }
    }

    /// The dotted name, as far as the files tell it.
    pub fn name_of(&self, id: usize) -> String {
        let path = &self.paths[id];
        let inside = path.strip_prefix(root_of(path, &self.by_path)).unwrap_or(path);
        let parts = inside.with_extension("");
        let mut names: Vec<_> =
            parts.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if names.len() > 1 && names.last().is_some_and(|last| last == "__init__") {
            names.pop();
        }
        names.join(".")
    }

    /// The module called `dotted`, seen from `from` with `level` leading dots.
    pub fn find(&self, from: usize, level: u32, dotted: &str) -> Option<usize> {
        let here = self.paths[from].parent()?;
        if level > 0 {
            let folder = here.ancestors().nth(level as usize - 1)?;
            return self.below(folder, dotted);
        }
        let first = dotted.split('.').find(|part| !part.is_empty())?;
        let mut roots = self.roots.get(first).into_iter().flatten();
        self.below(here, dotted).or_else(|| roots.find_map(|root| self.below(root, dotted)))
    }

    /// The module `name` inside the package `id`.
    pub fn submodule(&self, id: usize, name: &str) -> Option<usize> {
        let path = &self.paths[id];
        if path.file_stem()? != "__init__" {
            return None;
        }
        self.below(path.parent()?, name)
    }

    /// For each file, whether one of `modules` imports it.
    pub fn imported(&self, modules: &[Module<'_>]) -> Vec<bool> {
        let mut imported = vec![false; modules.len()];
        for (from, module) in modules.iter().enumerate() {
            for id in module.nodes().flat_map(|node| self.asked_for(from, module, node)) {
                imported[id] = true;
            }
        }
        imported
    }

    /// The files that `node` imports if it is an import alias of the file `from`.
    pub fn asked_for(&self, from: usize, module: &Module<'_>, node: AnyNodeRef<'_>) -> Vec<usize> {
        match (node, module.parent(node)) {
            (AnyNodeRef::Alias(alias), Some(AnyNodeRef::StmtImport(_))) => {
                self.find(from, 0, &alias.name).into_iter().collect()
            }
            (AnyNodeRef::Alias(alias), Some(AnyNodeRef::StmtImportFrom(import))) => {
                let dotted = import.module.as_ref().map_or("", |module| module.as_str());
                let whole = self.find(from, import.level, dotted);
                let joined = if dotted.is_empty() {
                    alias.name.to_string()
                } else {
                    format!("{dotted}.{}", alias.name)
                };
                whole.into_iter().chain(self.find(from, import.level, &joined)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn below(&self, folder: &Path, dotted: &str) -> Option<usize> {
        let path = dotted
            .split('.')
            .filter(|part| !part.is_empty())
            .fold(folder.to_owned(), |path, part| path.join(part));
        let package = self.by_path.get(&path.join("__init__.py"));
        let file = || {
            self.by_path
                .get(&path.with_file_name(format!("{}.py", path.file_name()?.to_string_lossy())))
        };
        package.or_else(file).copied()
    }
}

/// The folders that imports of `paths` may start from. A large project has very many: only those that hold something of
/// the name that is asked for are worth a look.
fn roots_by_first_name(
    paths: &[PathBuf],
    files: &HashMap<PathBuf, usize>,
) -> HashMap<String, BTreeSet<PathBuf>> {
    let roots: BTreeSet<PathBuf> = paths.iter().map(|path| root_of(path, files)).collect();
    let mut by_name: HashMap<String, BTreeSet<PathBuf>> = HashMap::new();
    for path in paths {
        let bare = path.with_extension("");
        for root in path.ancestors().skip(1).filter(|folder| roots.contains(*folder)) {
            let inside = bare.strip_prefix(root).unwrap_or(&bare);
            let Some(first) = inside.iter().next() else { continue };
            by_name
                .entry(first.to_string_lossy().into_owned())
                .or_default()
                .insert(root.to_owned());
        }
    }
    by_name
}

/// The innermost folder above `path` that is not a package.
fn root_of(path: &Path, files: &HashMap<PathBuf, usize>) -> PathBuf {
    let mut folders = path.ancestors().skip(1);
    folders
        .find(|folder| !files.contains_key(&folder.join("__init__.py")))
        .unwrap_or(Path::new(""))
        .to_owned()
}

/// What `node`, an import alias, brings under the one name it binds.
pub(crate) fn imported<'a>(module: &Module<'a>, node: AnyNodeRef<'a>) -> Option<Imported<'a>> {
    let AnyNodeRef::Alias(alias) = node else { return None };
    match module.parent(node)? {
        AnyNodeRef::StmtImport(_) => {
            let dotted = alias.name.as_str();
            let first = dotted.split('.').next().unwrap_or(dotted);
            let bound = if alias.asname.is_some() { dotted } else { first };
            Some(Imported { level: 0, module: bound.to_owned(), member: None })
        }
        AnyNodeRef::StmtImportFrom(import) => {
            let dotted = import.module.as_ref().map_or("", |module| module.as_str());
            Some(Imported {
                level: import.level,
                module: dotted.to_owned(),
                member: Some(alias.name.as_str()),
            })
        }
        _ => None,
    }
}
