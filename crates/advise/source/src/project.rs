use crate::imports::{ModuleNames, imported};
use crate::scope::{Access, ScopeId, VariableId};
use crate::{Module, SourceFile};
use ruff_python_ast::{AnyNodeRef, Expr, ExprAttribute, StmtClassDef, StmtFunctionDef};
use std::collections::BTreeMap;
use std::path::Path;

/// Number of a module in its project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(pub(crate) usize);

/// A variable of one of the project's modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Definition {
    /// Its module.
    pub module: ModuleId,
    /// The variable there.
    pub variable: VariableId,
}

/// What a name or a dotted name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A variable of the project; imports within the project are followed to where it is defined.
    Variable(Definition),
    /// A module of the project.
    Module(ModuleId),
    /// Something from outside, by its full name: `itertools.chain`, `builtins.len`.
    External(String),
}

/// An expression or import that means some [`Definition`].
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// Where it stands.
    pub module: ModuleId,
    /// The name expression, attribute expression or import alias.
    pub node: AnyNodeRef<'a>,
}

/// Several files that import each other.
///
/// ```
/// use lowtide_source::{Project, SourceFile};
/// let files = [SourceFile::parse("a.py", "import b\nb.f()\n")?, SourceFile::parse("b.py", "def f(): ...\n")?];
/// let project = Project::of(&files);
/// let b = project.module_at("b.py".as_ref()).unwrap();
/// let f = project.global(b, "f").unwrap();
/// assert_eq!(project.uses_of(f).len(), 1);
/// # Ok::<(), lowtide_source::SourceError>(())
/// ```
#[derive(Debug, Default)]
pub struct Project<'a> {
    modules: Vec<Module<'a>>,
    names: ModuleNames,
    /// For each module, whether another one imports it.
    imported: Vec<bool>,
    /// What each variable that one import alone binds is bound to.
    imports: BTreeMap<Definition, Meaning>,
    uses: BTreeMap<Definition, Vec<Use<'a>>>,
    /// Attributes, and strings that could name one, by what they spell.
    attributes: BTreeMap<&'a str, Vec<Use<'a>>>,
    functions: BTreeMap<&'a str, Vec<Function<'a>>>,
    /// Classes by the names that their bodies bind.
    class_variables: BTreeMap<&'a str, Vec<(ModuleId, &'a StmtClassDef)>>,
}

/// A function or method of the project.
#[derive(Clone, Copy, Debug)]
pub struct Function<'a> {
    /// Its module.
    pub module: ModuleId,
    /// The `def`.
    pub def: &'a StmtFunctionDef,
    /// The class in whose body it stands directly.
    pub class: Option<&'a StmtClassDef>,
}

impl<'a> Project<'a> {
    /// Resolves the names of all `files` and the imports among them.
    #[must_use]
    pub fn of(files: &'a [SourceFile]) -> Self {
        let names = ModuleNames::of(files.iter().map(SourceFile::path));
        let modules: Vec<_> = files
            .iter()
            .enumerate()
            .map(|(id, file)| Module::analyse(file, names.name_of(id)))
            .collect();
        let imported = names.imported(&modules);
        let mut project = Self { modules, names, imported, ..Self::default() };
        project.imports = project.collect_imports();
        project.attributes = project.collect_attributes();
        project.functions = project.collect_functions();
        project.class_variables = project.collect_class_variables();
        project.uses = project.collect_uses();
        project
    }

    /// All modules, in the order of the files given.
    pub fn modules(&self) -> impl Iterator<Item = (ModuleId, &Module<'a>)> + '_ {
        self.modules.iter().enumerate().map(|(id, module)| (ModuleId(id), module))
    }

    /// A module.
    #[must_use]
    pub fn module(&self, id: ModuleId) -> &Module<'a> {
        &self.modules[id.0]
    }

    /// The module of a file, by the path under which it was given.
    #[must_use]
    pub fn module_at(&self, path: &Path) -> Option<ModuleId> {
        self.modules().find(|(_, module)| module.file().path() == path).map(|(id, _)| id)
    }

    /// The module-level variable called `name`.
    #[must_use]
    pub fn global(&self, module: ModuleId, name: &str) -> Option<Definition> {
        let variable = self.module(module).variable_in(ScopeId::MODULE, name)?;
        Some(Definition { module, variable })
    }

    /// What an expression means, if it is a name or a dotted name.
    #[must_use]
    pub fn meaning(&self, module: ModuleId, expr: &Expr) -> Option<Meaning> {
        match expr {
            Expr::Name(name) => match self.module(module).variable_of(name) {
                Some(variable) => Some(self.follow(Definition { module, variable })),
                None if self.module(module).is_builtin(name) => {
                    Some(Meaning::External(format!("builtins.{}", name.id)))
                }
                None => None,
            },
            Expr::Attribute(attribute) => self.meaning_of_attribute(module, attribute),
            _ => None,
        }
    }

    /// What a dotted name means.
    #[must_use]
    pub fn meaning_of_attribute(
        &self,
        module: ModuleId,
        attribute: &ExprAttribute,
    ) -> Option<Meaning> {
        self.member(&self.meaning(module, &attribute.value)?, &attribute.attr)
    }

    /// The full name of something from outside the project; `None` if the expression means anything else.
    #[must_use]
    pub fn external_name(&self, module: ModuleId, expr: &Expr) -> Option<String> {
        match self.meaning(module, expr)? {
            Meaning::External(name) => Some(name),
            _ => None,
        }
    }

    /// Every expression and import of the project that means `definition`, bindings excluded.
    #[must_use]
    pub fn uses_of(&self, definition: Definition) -> &[Use<'a>] {
        self.uses.get(&definition).map_or(&[], Vec::as_slice)
    }

    /// Every attribute called `name`, and every string that spells it.
    #[must_use]
    pub fn attributes_named(&self, name: &str) -> &[Use<'a>] {
        self.attributes.get(name).map_or(&[], Vec::as_slice)
    }

    /// The classes whose bodies bind `name`.
    #[must_use]
    pub fn classes_with_variable(&self, name: &str) -> &[(ModuleId, &'a StmtClassDef)] {
        self.class_variables.get(name).map_or(&[], Vec::as_slice)
    }

    /// Every function and method called `name`.
    #[must_use]
    pub fn functions_named(&self, name: &str) -> &[Function<'a>] {
        self.functions.get(name).map_or(&[], Vec::as_slice)
    }

    /// The function that `definition` is, if it is bound by one `def` and nothing else.
    #[must_use]
    pub fn function(&self, definition: Definition) -> Option<Function<'a>> {
        match self.sole_binding(definition)? {
            AnyNodeRef::StmtFunctionDef(def) => {
                let candidates = self.functions_named(def.name.as_str());
                candidates.iter().find(|function| std::ptr::eq(function.def, def)).copied()
            }
            _ => None,
        }
    }

    /// The class that `definition` is, if it is bound by one `class` and nothing else.
    #[must_use]
    pub fn class(&self, definition: Definition) -> Option<&'a StmtClassDef> {
        match self.sole_binding(definition)? {
            AnyNodeRef::StmtClassDef(class) => Some(class),
            _ => None,
        }
    }

    /// The node that binds `definition`, if only one does.
    #[must_use]
    pub fn sole_binding(&self, definition: Definition) -> Option<AnyNodeRef<'a>> {
        let mut rebinding = self
            .module(definition.module)
            .references(definition.variable)
            .filter(|r| r.access.rebinds());
        let only = rebinding.next()?;
        (rebinding.next().is_none() && only.access == Access::Store).then_some(only.node)
    }

    /// Whether any file of the project imports `module`.
    #[must_use]
    pub fn is_imported(&self, module: ModuleId) -> bool {
        self.imported[module.0]
    }

    /// Whether `node` is an import alias that brings a module of the project, or something from one.
    #[must_use]
    pub fn imports_own_module(&self, module: ModuleId, node: AnyNodeRef<'_>) -> bool {
        !self.names.asked_for(module.0, self.module(module), node).is_empty()
    }

    /// Follows an imported variable to its origin.
    fn follow(&self, definition: Definition) -> Meaning {
        let mut seen = vec![definition];
        let mut meaning = Meaning::Variable(definition);
        while let Meaning::Variable(at) = meaning {
            let Some(next) = self.imports.get(&at) else { break };
            meaning = next.clone();
            match meaning {
                Meaning::Variable(next) if seen.contains(&next) => break,
                Meaning::Variable(next) => seen.push(next),
                _ => {}
            }
        }
        meaning
    }

    fn collect_imports(&self) -> BTreeMap<Definition, Meaning> {
        let mut imports = BTreeMap::new();
        for (id, module) in self.modules() {
            let aliases = module.nodes().filter_map(|node| match node {
                AnyNodeRef::Alias(alias) => {
                    module.reference_at(alias.asname.as_ref().unwrap_or(&alias.name))
                }
                _ => None,
            });
            for reference in aliases {
                let definition =
                    Definition { module: id, variable: module.reference(reference).variable };
                if let Some(meaning) = self.imported_by(definition) {
                    imports.insert(definition, meaning);
                }
            }
        }
        imports
    }

    fn collect_attributes(&self) -> BTreeMap<&'a str, Vec<Use<'a>>> {
        let mut attributes: BTreeMap<&'a str, Vec<Use<'a>>> = BTreeMap::new();
        for (module, names) in self.modules() {
            for node in names.nodes() {
                let spelled = match node {
                    AnyNodeRef::ExprAttribute(attribute) => attribute.attr.as_str(),
                    AnyNodeRef::ExprStringLiteral(text) => text.value.to_str(),
                    _ => continue,
                };
                attributes.entry(spelled).or_default().push(Use { module, node });
            }
        }
        attributes
    }

    /// What the import statement that alone binds `definition` brings.
    fn imported_by(&self, definition: Definition) -> Option<Meaning> {
        let node = self.sole_binding(definition)?;
        let module = self.module(definition.module);
        let import = imported(module, node)?;
        let whole = self.dotted(definition.module, import.level, &import.module)?;
        match import.member {
            Some(member) => self.own_member(&whole, member, Some(definition)),
            None => Some(whole),
        }
    }

    /// The module called `dotted`, seen from `from` with `level` leading dots.
    pub(crate) fn dotted(&self, from: ModuleId, level: u32, dotted: &str) -> Option<Meaning> {
        match self.names.find(from.0, level, dotted) {
            Some(id) => Some(Meaning::Module(ModuleId(id))),
            None if level == 0 => Some(Meaning::External(dotted.to_owned())),
            None => None,
        }
    }

    fn member(&self, of: &Meaning, name: &str) -> Option<Meaning> {
        match self.own_member(of, name, None)? {
            Meaning::Variable(definition) => Some(self.follow(definition)),
            other => Some(other),
        }
    }

    /// What `name` is bound to in `of` itself; `asking` is the binding that asks, as in `from . import part`.
    fn own_member(&self, of: &Meaning, name: &str, asking: Option<Definition>) -> Option<Meaning> {
        match of {
            Meaning::External(outer) => Some(Meaning::External(format!("{outer}.{name}"))),
            Meaning::Module(id) => match self.global(*id, name) {
                Some(definition) if Some(definition) != asking => {
                    Some(Meaning::Variable(definition))
                }
                _ => self.names.submodule(id.0, name).map(|id| Meaning::Module(ModuleId(id))),
            },
            Meaning::Variable(_) => None,
        }
    }

    fn collect_functions(&self) -> BTreeMap<&'a str, Vec<Function<'a>>> {
        let mut functions: BTreeMap<&'a str, Vec<Function<'a>>> = BTreeMap::new();
        for (id, module) in self.modules() {
            for node in module.nodes() {
                let AnyNodeRef::StmtFunctionDef(def) = node else { continue };
                let class = module
                    .ancestors(node)
                    .take_while(|above| !above.is_stmt_function_def())
                    .find_map(|above| match above {
                        AnyNodeRef::StmtClassDef(class) => Some(class),
                        _ => None,
                    });
                functions.entry(def.name.as_str()).or_default().push(Function {
                    module: id,
                    def,
                    class,
                });
            }
        }
        functions
    }

    fn collect_class_variables(&self) -> BTreeMap<&'a str, Vec<(ModuleId, &'a StmtClassDef)>> {
        let mut classes: BTreeMap<&'a str, Vec<(ModuleId, &'a StmtClassDef)>> = BTreeMap::new();
        for (id, module) in self.modules() {
            for node in module.nodes() {
                let AnyNodeRef::StmtClassDef(class) = node else { continue };
                let Some(scope) = module.scope_opened_by(node) else { continue };
                for name in module.scope(scope).variables.keys() {
                    classes.entry(name).or_default().push((id, class));
                }
            }
        }
        classes
    }

    fn collect_uses(&self) -> BTreeMap<Definition, Vec<Use<'a>>> {
        let mut uses: BTreeMap<Definition, Vec<Use<'a>>> = BTreeMap::new();
        for (id, module) in self.modules() {
            for node in module.nodes() {
                if let Some(Meaning::Variable(definition)) = self.meaning_of_use(id, node) {
                    uses.entry(definition).or_default().push(Use { module: id, node });
                }
            }
        }
        uses
    }

    fn meaning_of_use(&self, id: ModuleId, node: AnyNodeRef<'a>) -> Option<Meaning> {
        let module = self.module(id);
        match node {
            AnyNodeRef::ExprName(name) => {
                let reference = module.reference(module.reference_at(name)?);
                reference
                    .access
                    .reads()
                    .then(|| self.follow(Definition { module: id, variable: reference.variable }))
            }
            AnyNodeRef::ExprAttribute(attribute) => self.meaning_of_attribute(id, attribute),
            AnyNodeRef::Alias(alias) => {
                let bound = alias.asname.as_ref().unwrap_or(&alias.name);
                let variable = module.reference(module.reference_at(bound)?).variable;
                match self.follow(Definition { module: id, variable }) {
                    Meaning::Variable(origin)
                        if origin.variable != variable || origin.module != id =>
                    {
                        Some(Meaning::Variable(origin))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the name in the last statement of the last file means.
    fn meaning_in_last(texts: &[(&str, &str)]) -> String {
        let files: Vec<_> =
            texts.iter().map(|(path, text)| SourceFile::parse(*path, *text).unwrap()).collect();
        let project = Project::of(&files);
        let (id, module) = project.modules().last().unwrap();
        let statement = module.file().syntax().body.last().unwrap().as_expr_stmt().unwrap();
        match project.meaning(id, &statement.value) {
            Some(Meaning::Variable(found)) => {
                let module = project.module(found.module);
                format!("{}:{}", module.name(), module.variable(found.variable).name)
            }
            Some(Meaning::Module(id)) => project.module(id).name().to_owned(),
            Some(Meaning::External(name)) => name,
            None => "?".to_owned(),
        }
    }

    #[test]
    fn names_are_followed_through_packages() {
        let package = [
            ("pkg/__init__.py", "from .part import thing as it\n"),
            ("pkg/part.py", "def thing(): ...\n"),
        ];
        let with = |script| meaning_in_last(&[package[0], package[1], ("main.py", script)]);
        assert_eq!(with("import pkg\npkg.it\n"), "pkg.part:thing");
        assert_eq!(with("from pkg import it as other\nother\n"), "pkg.part:thing");
        assert_eq!(with("import pkg.part as part\npart.thing\n"), "pkg.part:thing");
        assert_eq!(with("import pkg.part\npkg.part\n"), "pkg.part");
        assert_eq!(with("from os.path import join\njoin\n"), "os.path.join");
        assert_eq!(with("len\n"), "builtins.len");
        assert_eq!(with("from os import *\nlen\n"), "?");
    }

    #[test]
    fn imports_that_go_round_in_circles_end() {
        assert_eq!(
            meaning_in_last(&[("pkg/__init__.py", "from . import part\npart\n")]),
            "pkg:part"
        );
        let circle = [("a.py", "from b import x\n"), ("b.py", "from a import x\nx\n")];
        assert!(meaning_in_last(&circle).ends_with(":x"));
    }

    #[test]
    fn a_package_s_own_part_is_a_module() {
        let files = [("pkg/part.py", ""), ("pkg/__init__.py", "from . import part\npart\n")];
        assert_eq!(meaning_in_last(&files), "pkg.part");
    }
}
