//! The safer rewrite: the function keeps its name and its list, a generator beside it does the work, and the callers
//! that go through the results once move to it.

use super::annotation;
use super::callers::Caller;
use super::collected::Collected;
use super::generator::body_edits;
use crate::Blocker;
use lowtide_source::ast::{AnyNodeRef, Expr, ExprName, Parameters, Stmt, StmtImportFrom};
use lowtide_source::{
    Access, FileEdits, Function, Meaning, Module, ModuleId, Project, Ranged, TextEdit, TextRange,
};

/// Edits of all files.
pub(super) fn edits<'a>(
    project: &Project<'a>,
    collected: &Collected<'a>,
    moved: &[&Caller<'a>],
) -> Result<Vec<FileEdits>, Blocker> {
    let split = Split {
        project,
        function: collected.function,
        iterator: format!("iter_{}", collected.function.def.name),
    };
    split.may_be_made()?;
    let mut files: Vec<(ModuleId, TextEdit)> = Vec::new();
    let home = collected.function.module;
    let at_home = split.definition(collected)?;
    files.extend(at_home.into_iter().map(|edit| (home, edit)));
    for caller in moved {
        files.extend(split.call(caller)?.into_iter().map(|edit| (caller.site.module, edit)));
    }
    Ok(by_file(project, files))
}

/// Sorts edits into files; several callers may ask for the same import.
pub(super) fn by_file(
    project: &Project<'_>,
    mut edits: Vec<(ModuleId, TextEdit)>,
) -> Vec<FileEdits> {
    edits.sort();
    edits.dedup();
    let mut files: Vec<FileEdits> = Vec::new();
    for (id, edit) in edits {
        let path = project.module(id).file().path();
        match files.last_mut() {
            Some(last) if last.file == path => last.edits.push(edit),
            _ => files.push(FileEdits { file: path.to_owned(), edits: vec![edit] }),
        }
    }
    files
}

struct Split<'p, 'a> {
    project: &'p Project<'a>,
    function: Function<'a>,
    /// The name of the generator.
    iterator: String,
}

impl<'a> Split<'_, 'a> {
    fn module(&self) -> &Module<'a> {
        self.project.module(self.function.module)
    }

    fn blocker(&self, name: &'static str, reason: String) -> Blocker {
        Blocker { name, reason, line: self.module().file().line_of(self.function.def.name.start()) }
    }

    fn may_be_made(&self) -> Result<(), Blocker> {
        if self.module().fresh_name(&self.iterator) != self.iterator
            || !self.project.functions_named(&self.iterator).is_empty()
        {
            return Err(
                self.blocker("name-taken", format!("there is a `{}` already", self.iterator))
            );
        }
        if let Some(decorator) = self.function.def.decorator_list.first() {
            let text = self.module().file().slice(&decorator.expression);
            return Err(self.blocker("decorated", format!("`{text}` would have to be shared out")));
        }
        if self.function.def.type_params.is_some() {
            return Err(self.blocker(
                "type-parameters",
                "its type parameters would have to be shared out".into(),
            ));
        }
        Ok(())
    }

    /// Renames the function, makes it a generator, and writes the old one behind it.
    fn definition(&self, collected: &Collected<'a>) -> Result<Vec<TextEdit>, Blocker> {
        let def = self.function.def;
        let mut edits = vec![TextEdit::replace(def.name.range, self.iterator.clone())];
        edits.extend(annotation::edits(self.project, self.function)?);
        edits.extend(body_edits(self.module(), collected));
        edits.extend(self.docstring().map(|text| {
            TextEdit::replace(text, format!("\"\"\"As `{}`, one result at a time.\"\"\"", def.name))
        }));
        edits.push(self.wrapper());
        Ok(edits)
    }

    fn docstring(&self) -> Option<TextRange> {
        match self.function.def.body.first()? {
            Stmt::Expr(statement) if statement.value.is_string_literal_expr() => {
                Some(statement.range)
            }
            _ => None,
        }
    }

    /// `def f(...): return list(iter_f(...))`
    fn wrapper(&self) -> TextEdit {
        let file = self.module().file();
        let def = self.function.def;
        let (newline, outer) = (file.newline(), file.indentation_at(def.start()));
        let inner = format!("{outer}{}", file.indentation_step());
        let signature = file.slice(TextRange::new(
            def.start(),
            def.returns.as_ref().map_or(def.parameters.end(), |returns| returns.end()),
        ));
        let documented = self
            .docstring()
            .map(|range| format!("{inner}{}{newline}", file.slice(range)))
            .unwrap_or_default();
        let owner = self.function.class.and(def.parameters.iter_non_variadic_params().next());
        let callee = owner.map(|first| format!("{}.", first.parameter.name)).unwrap_or_default()
            + &self.iterator;
        let arguments = forwarded(&def.parameters, owner.is_some());
        let between = if outer.is_empty() { newline.repeat(2) } else { newline.to_owned() };
        let end = file.full_line(def.end()).end();
        let closing = if file.text()[..end.into()].ends_with(['\n', '\r']) { "" } else { newline };
        let text = format!(
            "{closing}{between}{outer}{signature}:{newline}{documented}{inner}return list({callee}({arguments})){newline}"
        );
        TextEdit::insert(end, text)
    }

    /// Moves one caller to the generator.
    fn call(&self, caller: &Caller<'a>) -> Result<Vec<TextEdit>, Blocker> {
        let id = caller.site.module;
        let module = self.project.module(id);
        let renamed = |range: TextRange| TextEdit::replace(range, self.iterator.clone());
        match &*caller.site.call.func {
            Expr::Attribute(attribute) if self.reaches_home(id, &attribute.value) => {
                Ok(vec![renamed(attribute.attr.range)])
            }
            Expr::Name(name) if id == self.function.module && !is_imported_name(module, name) => {
                Ok(vec![renamed(name.range)])
            }
            Expr::Name(name) => {
                Ok(vec![self.import_beside(module, id, name)?, renamed(name.range)])
            }
            _ => Err(self.blocker("caller-unclear", "a caller names it in an unusual way".into())),
        }
    }

    /// Whether the generator is an attribute of `object`: its method, or a name of its module.
    fn reaches_home(&self, id: ModuleId, object: &'a Expr) -> bool {
        self.function.class.is_some()
            || self.project.meaning(id, object) == Some(Meaning::Module(self.function.module))
    }

    /// Imports the generator where the caller imports the function.
    fn import_beside(
        &self,
        module: &Module<'a>,
        id: ModuleId,
        callee: &'a ExprName,
    ) -> Result<TextEdit, Blocker> {
        let unclear = || {
            self.blocker(
                "caller-unclear",
                format!("{} imports it in an unusual way", module.file().path().display()),
            )
        };
        let variable = module.variable_of(callee).ok_or_else(unclear)?;
        let mut bindings =
            module.references(variable).filter(|reference| reference.access != Access::Load);
        let binding = bindings.next().filter(|_| bindings.next().is_none()).ok_or_else(unclear)?;
        let (AnyNodeRef::Alias(alias), Some(AnyNodeRef::StmtImportFrom(import))) =
            (binding.node, module.parent(binding.node))
        else {
            return Err(unclear());
        };
        let is_free = module.fresh_name(&self.iterator) == self.iterator;
        if !is_free || !self.comes_from_home(id, import) {
            return Err(unclear());
        }
        Ok(TextEdit::insert(alias.range.end(), format!(", {}", self.iterator)))
    }

    /// Whether the import names the very module of the function, not one that passes it on.
    fn comes_from_home(&self, id: ModuleId, import: &StmtImportFrom) -> bool {
        self.project.imported_module(id, import) == Some(Meaning::Module(self.function.module))
    }
}

fn is_imported_name<'a>(module: &Module<'a>, name: &'a ExprName) -> bool {
    module.variable_of(name).is_some_and(|variable| {
        module.references(variable).any(|reference| matches!(reference.node, AnyNodeRef::Alias(_)))
    })
}

/// The arguments that hand every parameter on.
fn forwarded(parameters: &Parameters, skips_first: bool) -> String {
    let positional =
        parameters.posonlyargs.iter().chain(&parameters.args).skip(usize::from(skips_first));
    let mut arguments: Vec<String> =
        positional.map(|each| each.parameter.name.to_string()).collect();
    arguments.extend(parameters.vararg.iter().map(|each| format!("*{}", each.name)));
    arguments
        .extend(parameters.kwonlyargs.iter().map(|each| format!("{0}={0}", each.parameter.name)));
    arguments.extend(parameters.kwarg.iter().map(|each| format!("**{}", each.name)));
    arguments.join(", ")
}
