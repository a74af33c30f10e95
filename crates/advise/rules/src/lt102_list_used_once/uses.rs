//! Whether the name of a list is read once, by something that goes through it.

use super::blocker;
use super::built::{Binding, Built};
use crate::Blocker;
use crate::consumer::{Consumer, consumer_of};
use lowtide_source::ast::{AnyNodeRef, Comprehension, Expr};
use lowtide_source::{Access, ModuleId, Project, Reference, ScopeId, ScopeKind};

/// The single pass over a named list, and what forbids to take it for the only use; `None` if nothing goes through it.
pub(crate) fn consumer_and_blockers<'a>(
    project: &Project<'a>,
    id: ModuleId,
    built: &Built<'a>,
    binding: &Binding<'a>,
) -> Option<(Consumer<'a>, Vec<Blocker>)> {
    let module = project.module(id);
    let uses = Uses { project, id, binding };
    let reads: Vec<&Reference<'a>> = module
        .reads_reached_by(binding.reference)
        .into_iter()
        .map(|read| module.reference(read))
        .collect();
    let consumer = reads.iter().find_map(|read| consumer_of(project, id, read.node))?;
    let mut blockers = uses.of_the_name();
    blockers.extend(uses.of_the_reads(&reads));
    blockers.extend(uses.repeated(built, &reads));
    Some((consumer, blockers))
}

struct Uses<'p, 'a> {
    project: &'p Project<'a>,
    id: ModuleId,
    binding: &'p Binding<'a>,
}

impl<'a> Uses<'_, 'a> {
    fn blocker(
        &self,
        name: &'static str,
        node: impl lowtide_source::Ranged,
        reason: impl Into<String>,
    ) -> Blocker {
        blocker(self.project, self.id, name, node, reason)
    }

    /// Whether anybody but this code can get at the name.
    fn of_the_name(&self) -> Vec<Blocker> {
        let module = self.project.module(self.id);
        let reference = module.reference(self.binding.reference);
        let owner = module.variable(reference.variable).scope;
        let name = self.binding.name;
        let mut blockers = Vec::new();
        if module.scope(owner).kind == ScopeKind::Class {
            blockers.push(self.blocker(
                "class-attribute",
                reference.range,
                format!("`{name}` is an attribute of a class"),
            ));
        }
        if owner == ScopeId::MODULE && self.is_public_global() {
            blockers.push(self.blocker(
                "module-global",
                reference.range,
                format!("other modules may use the global `{name}`"),
            ));
        }
        if let Some((_, range)) = module.opacity(owner) {
            blockers.push(self.blocker(
                "names-read-by-text",
                range,
                "names are looked up by their text here",
            ));
        }
        if let Some(capture) = module.capture_of(reference.variable) {
            blockers.push(self.blocker(
                "captured",
                capture.range,
                format!("`{name}` is used by code that runs at another time"),
            ));
        }
        blockers
    }

    /// A global of a file that is imported, or that only defines things and so is there to be imported.
    fn is_public_global(&self) -> bool {
        self.project.is_imported(self.id) || !acts_on_its_own(self.project, self.id)
    }

    fn of_the_reads(&self, reads: &[&Reference<'a>]) -> Vec<Blocker> {
        let name = self.binding.name;
        let module = self.project.module(self.id);
        let mut blockers = Vec::new();
        if let [_, second, ..] = reads {
            blockers.push(self.blocker(
                "used-twice",
                second.range,
                format!("`{name}` is used more than once"),
            ));
        }
        for read in reads {
            if let Some((kind, what)) = self.misuse(read) {
                blockers.push(self.blocker(kind, read.range, format!("{what} `{name}`")));
            }
            let is_only_binding = module
                .reference_at(read.range)
                .and_then(|read| module.bindings_reaching(read))
                .is_some_and(|bindings| bindings == [self.binding.reference]);
            if !is_only_binding {
                blockers.push(self.blocker(
                    "bound-elsewhere",
                    read.range,
                    format!("`{name}` may be bound to something else here"),
                ));
            }
        }
        blockers
    }

    /// Why a read is no single pass.
    fn misuse(&self, read: &Reference<'a>) -> Option<(&'static str, &'static str)> {
        if read.access != Access::Load {
            return Some(("needs-a-list", "a list is added to"));
        }
        if consumer_of(self.project, self.id, read.node).is_some() {
            return None;
        }
        let module = self.project.module(self.id);
        Some(match module.parent(read.node)? {
            AnyNodeRef::ExprSubscript(_) => ("needs-a-list", "an index or slice is taken of"),
            AnyNodeRef::ExprAttribute(_) => ("needs-a-list", "a method is called on"),
            AnyNodeRef::ExprCompare(_) => ("needs-a-list", "a comparison looks at"),
            AnyNodeRef::ExprBinOp(_) => ("needs-a-list", "an operator is applied to"),
            AnyNodeRef::InterpolatedElement(_) => ("needs-a-list", "an f-string shows"),
            AnyNodeRef::ExprUnaryOp(_)
            | AnyNodeRef::ExprBoolOp(_)
            | AnyNodeRef::ExprIf(_)
            | AnyNodeRef::StmtIf(_)
            | AnyNodeRef::StmtWhile(_)
            | AnyNodeRef::ElifElseClause(_)
            | AnyNodeRef::StmtAssert(_) => ("needs-a-list", "a truth test looks at"),
            AnyNodeRef::StmtReturn(_) => ("escapes", "the function returns"),
            AnyNodeRef::ExprYield(_) => ("escapes", "the function yields"),
            AnyNodeRef::Arguments(arguments) if self.is_builtin_call(arguments.into()) => {
                ("needs-a-list", "a builtin function needs the list")
            }
            AnyNodeRef::Arguments(_) | AnyNodeRef::Keyword(_) => ("escapes", "a call is handed"),
            _ => ("escapes", "other code gets hold of"),
        })
    }

    fn is_builtin_call(&self, arguments: AnyNodeRef<'a>) -> bool {
        let Some(AnyNodeRef::ExprCall(call)) = self.project.module(self.id).parent(arguments)
        else {
            return false;
        };
        self.project
            .external_name(self.id, &call.func)
            .is_some_and(|name| name.starts_with("builtins."))
    }

    /// A loop around the use but not around the list would go through an exhausted generator.
    fn repeated(&self, built: &Built<'a>, reads: &[&Reference<'a>]) -> Vec<Blocker> {
        let module = self.project.module(self.id);
        let repeats = |read: &&Reference<'a>| {
            let mut inner = read.node;
            for above in module.ancestors(read.node) {
                if module.ancestors(built.list).any(|shared| shared.ptr_eq(above)) {
                    return None;
                }
                if runs_again(above, inner) {
                    return Some(self.blocker(
                        "looped-over-again",
                        above,
                        format!("the loop goes through `{}` each time", self.binding.name),
                    ));
                }
                inner = above;
            }
            None
        };
        reads.iter().filter_map(repeats).collect()
    }
}

/// Whether `above` evaluates its child `inner` more than once.
fn runs_again(above: AnyNodeRef<'_>, inner: AnyNodeRef<'_>) -> bool {
    match above {
        AnyNodeRef::StmtFor(statement) => {
            statement.body.iter().any(|child| inner.ptr_eq(AnyNodeRef::from(child)))
        }
        AnyNodeRef::StmtWhile(statement) => {
            !statement.orelse.iter().any(|child| inner.ptr_eq(AnyNodeRef::from(child)))
        }
        AnyNodeRef::ExprListComp(node) => !is_first_clause(&node.generators, inner),
        AnyNodeRef::ExprSetComp(node) => !is_first_clause(&node.generators, inner),
        AnyNodeRef::ExprDictComp(node) => !is_first_clause(&node.generators, inner),
        AnyNodeRef::ExprGenerator(node) => !is_first_clause(&node.generators, inner),
        AnyNodeRef::Comprehension(clause) => !inner.ptr_eq(AnyNodeRef::from(&clause.iter)),
        _ => false,
    }
}

/// Only the iterable of a comprehension's first clause is evaluated once.
fn is_first_clause(clauses: &[Comprehension], inner: AnyNodeRef<'_>) -> bool {
    clauses.first().is_some_and(|first| inner.ptr_eq(AnyNodeRef::from(first)))
}

/// Whether a file does something when it is run, apart from defining names.
pub(crate) fn acts_on_its_own(project: &Project<'_>, id: ModuleId) -> bool {
    use lowtide_source::ast::Stmt;
    project.module(id).file().syntax().body.iter().any(|statement| match statement {
        Stmt::Expr(statement) => matches!(&*statement.value, Expr::Call(_) | Expr::Await(_)),
        Stmt::For(_) | Stmt::While(_) | Stmt::With(_) => true,
        Stmt::If(statement) => {
            project.module(id).file().slice(&*statement.test).contains("__name__")
        }
        _ => false,
    })
}
