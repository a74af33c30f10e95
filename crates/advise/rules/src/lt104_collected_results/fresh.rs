//! Local names whose objects nobody but the function has before it hands them over.

use crate::origin::{Origin, origins};
use lowtide_source::ast::{AnyNodeRef, Expr, ExprCall};
use lowtide_source::{
    Access, Definition, FreshNames, Function, Meaning, Module, Project, Ranged, Reference, ScopeId,
    TextRange, VariableId,
};

/// Calls outside the project that make a new container, or an iterator of their own.
const MAKERS: &[&str] = &[
    "builtins.dict",
    "builtins.iter",
    "builtins.list",
    "builtins.set",
    "builtins.sorted",
    "collections.Counter",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.deque",
    "csv.DictReader",
    "csv.reader",
];

/// The fresh names of `function`, which hands objects over in the statements at `additions`.
pub(super) fn fresh_names<'a>(
    project: &Project<'a>,
    function: Function<'a>,
    additions: &[TextRange],
) -> FreshNames {
    let module = project.module(function.module);
    let mut fresh = FreshNames::default();
    let Some(scope) = module.scope_opened_by(function.def.into()) else { return fresh };
    let names = Names { project, module, function, scope, additions };
    for &variable in module.scope(scope).variables.values() {
        let definition = Definition { module: function.module, variable };
        match names.made(variable) {
            Some(Made::Container) => fresh.containers.insert(definition),
            Some(Made::Instance) => fresh.instances.insert(definition),
            None => false,
        };
    }
    fresh
}

/// Whether a name only ever holds numbers or text, which do not change in place.
pub(super) fn is_plain(module: &Module<'_>, variable: VariableId) -> bool {
    let literal = |value: &Expr| {
        matches!(
            value,
            Expr::NumberLiteral(_)
                | Expr::StringLiteral(_)
                | Expr::BytesLiteral(_)
                | Expr::FString(_)
        )
    };
    origins(module, variable).iter().all(|origin| match origin {
        Origin::Value(value) => literal(value),
        Origin::Grown(_) => true,
        _ => false,
    })
}

/// What a name is bound to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    Container,
    Instance,
}

struct Names<'p, 'a> {
    project: &'p Project<'a>,
    module: &'p Module<'a>,
    function: Function<'a>,
    scope: ScopeId,
    additions: &'p [TextRange],
}

impl<'a> Names<'_, 'a> {
    /// What the name is always bound to, if that is new each time and stays with the function.
    fn made(&self, variable: VariableId) -> Option<Made> {
        if is_plain(self.module, variable) {
            return Some(Made::Container);
        }
        let references: Vec<_> = self.module.references(variable).collect();
        let stays = references
            .iter()
            .all(|reference| reference.scope == self.scope && self.stays(reference));
        let mut made = references
            .iter()
            .filter(|reference| reference.access == Access::Store)
            .map(|reference| self.made_at(reference));
        let first = made.next()??;
        (stays && made.all(|other| other == Some(first))).then_some(first)
    }

    fn made_at(&self, binding: &Reference<'a>) -> Option<Made> {
        match self.module.parent(binding.node)? {
            AnyNodeRef::StmtAssign(set) if set.targets.len() == 1 => self.made_by(&set.value),
            AnyNodeRef::StmtAnnAssign(set) => self.made_by(set.value.as_deref()?),
            AnyNodeRef::StmtFor(each) if self.is_row_reader(&each.iter) => Some(Made::Container),
            _ => None,
        }
    }

    fn made_by(&self, value: &'a Expr) -> Option<Made> {
        match value {
            Expr::List(_)
            | Expr::Dict(_)
            | Expr::Set(_)
            | Expr::ListComp(_)
            | Expr::SetComp(_)
            | Expr::DictComp(_) => Some(Made::Container),
            Expr::Call(call) => self.made_by_call(call),
            _ => None,
        }
    }

    fn made_by_call(&self, call: &'a ExprCall) -> Option<Made> {
        match self.project.meaning(self.function.module, &call.func)? {
            Meaning::External(name) => MAKERS.contains(&name.as_str()).then_some(Made::Container),
            Meaning::Variable(definition) => {
                let class = self.project.class(definition)?;
                let makes_its_own = !self
                    .project
                    .functions_named("__new__")
                    .iter()
                    .any(|function| function.class.is_some());
                (makes_its_own && class.decorator_list.is_empty()).then_some(Made::Instance)
            }
            Meaning::Module(_) => None,
        }
    }

    /// Each row of `csv` is a new object.
    fn is_row_reader(&self, iterable: &'a Expr) -> bool {
        let makes_rows = |value: &'a Expr| {
            let Expr::Call(call) = value else { return false };
            let name = self.project.external_name(self.function.module, &call.func);
            name.is_some_and(|name| name == "csv.reader" || name == "csv.DictReader")
        };
        match iterable {
            Expr::Name(name) => self.module.variable_of(name).is_some_and(|variable| {
                let origins = origins(self.module, variable);
                !origins.is_empty()
                    && origins
                        .iter()
                        .all(|origin| matches!(origin, Origin::Value(value) if makes_rows(value)))
            }),
            value => makes_rows(value),
        }
    }

    /// Whether a use leaves the object with the function, or hands it over as a result.
    fn stays(&self, reference: &Reference<'a>) -> bool {
        let is_handed_over =
            self.additions.iter().any(|addition| addition.contains_range(reference.range));
        if reference.access != Access::Load || is_handed_over {
            return true;
        }
        match self.module.parent(reference.node) {
            Some(AnyNodeRef::ExprSubscript(part)) => part.value.range() == reference.range,
            Some(AnyNodeRef::Arguments(arguments)) => match self.module.parent(arguments.into()) {
                Some(AnyNodeRef::ExprCall(call)) => self.forgets(call),
                _ => false,
            },
            Some(
                AnyNodeRef::ExprAttribute(_)
                | AnyNodeRef::StmtFor(_)
                | AnyNodeRef::Comprehension(_)
                | AnyNodeRef::ExprCompare(_)
                | AnyNodeRef::StmtIf(_)
                | AnyNodeRef::StmtWhile(_)
                | AnyNodeRef::ElifElseClause(_)
                | AnyNodeRef::ExprUnaryOp(_)
                | AnyNodeRef::InterpolatedElement(_)
                | AnyNodeRef::StmtReturn(_),
            ) => true,
            _ => false,
        }
    }

    /// Builtins look at their arguments and keep none.
    fn forgets(&self, call: &'a ExprCall) -> bool {
        self.project.external_name(self.function.module, &call.func).is_some_and(|name| {
            name.starts_with("builtins.") || name.starts_with("csv.") || name.starts_with("json.")
        })
    }
}
