//! Whether a result is still changed after it was put into the list: its caller would see it before the change.

use super::collected::{Added, Collected, Form};
use super::fresh::{fresh_names, is_plain};
use crate::Blocker;
use crate::lt102_list_used_once::later::of_comprehension;
use lowtide_source::ast::{self, AnyNodeRef, Expr, Stmt};
use lowtide_source::{
    Access, Effector, Effects, FreshNames, Module, Place, Project, Ranged, Reference, Root,
    VariableId,
};

/// What making the results does that others could notice.
pub(super) fn effects<'a>(project: &Project<'a>, collected: &Collected<'a>) -> Effects {
    let effector = Effector::of(project);
    match &collected.form {
        Form::Comprehension(comprehension) => {
            of_comprehension(effector, collected.function.module, comprehension)
        }
        Form::InsideWith(_) => effector.of_body(collected.function, FreshNames::default()),
        Form::Appended(appended) => {
            let additions: Vec<_> =
                appended.additions.iter().map(|addition| addition.statement.range()).collect();
            effector
                .of_body(collected.function, fresh_names(project, collected.function, &additions))
        }
    }
}

/// Results that the function may change by their names after it has added them.
pub(super) fn changed_later<'a>(project: &Project<'a>, collected: &Collected<'a>) -> Vec<Blocker> {
    let Form::Appended(appended) = &collected.form else { return Vec::new() };
    let module = project.module(collected.function.module);
    let mut blockers = Vec::new();
    for addition in &appended.additions {
        for name in kept_names(addition.added) {
            let Some(variable) = module.variable_of(name) else { continue };
            let walk = Walk { module, variable };
            if let Some(change) = walk.change_after(addition.statement) {
                let line = module.file().line_of(change.start());
                let reason =
                    format!("`{}` may still change after it was added (line {line})", name.id);
                blockers.push(Blocker { name: "changed-after-collected", reason, line });
            }
        }
    }
    blockers
}

/// A change of some object that may be a result which was added before.
pub(super) fn changed_elsewhere(collected: &Collected<'_>, making: &Effects) -> Option<Blocker> {
    let Form::Appended(appended) = &collected.form else { return None };
    let are_new = appended.additions.iter().all(|addition| match addition.added {
        Added::One { value, .. } => is_new_value(value),
        Added::Each { .. } | Added::EachOf { .. } => false,
    });
    let site = making.writes.get(&Place::Content(Root::Shared)).filter(|_| !are_new)?;
    let reason = format!("line {} changes an object that may be a result already added", site.line);
    Some(Blocker { name: "changed-after-collected", reason, line: site.line })
}

/// Whether an expression makes a new object that holds no older one that could change.
fn is_new_value(value: &Expr) -> bool {
    match value {
        Expr::BinOp(_) | Expr::UnaryOp(_) | Expr::Compare(_) | Expr::FString(_) => true,
        Expr::Call(call) => makes_anew(&call.func),
        Expr::Tuple(display) => display.elts.iter().all(is_new_value),
        Expr::List(display) => display.elts.iter().all(is_new_value),
        Expr::Dict(display) => display.items.iter().all(|item| is_new_value(&item.value)),
        _ => value.is_literal_expr(),
    }
}

/// Names whose objects a result is or holds.
fn kept_names(added: Added<'_>) -> Vec<&ast::ExprName> {
    let mut names = Vec::new();
    match added {
        Added::One { value, .. } => keep(value, &mut names),
        Added::Each { values, .. } | Added::EachOf { values } => keep(values, &mut names),
    }
    names
}

fn keep<'a>(value: &'a Expr, names: &mut Vec<&'a ast::ExprName>) {
    let mut each = |values: &'a [Expr]| values.iter().for_each(|value| keep(value, names));
    match value {
        Expr::Name(name) => names.push(name),
        Expr::Tuple(display) => each(&display.elts),
        Expr::List(display) => each(&display.elts),
        Expr::Set(display) => each(&display.elts),
        Expr::BoolOp(choice) => each(&choice.values),
        Expr::Call(call) if !makes_anew(&call.func) => {
            each(&call.arguments.args);
            call.arguments.keywords.iter().for_each(|keyword| keep(&keyword.value, names));
        }
        Expr::Dict(display) => display.items.iter().for_each(|item| keep(&item.value, names)),
        Expr::If(choice) => {
            keep(&choice.body, names);
            keep(&choice.orelse, names);
        }
        Expr::Named(walrus) => {
            names.extend(walrus.target.as_name_expr());
            keep(&walrus.value, names);
        }
        Expr::Starred(starred) => keep(&starred.value, names),
        _ => {}
    }
}

/// Whether a call's result is a new object, whatever its arguments are.
fn makes_anew(function: &Expr) -> bool {
    const FUNCTIONS: &[&str] = &[
        "abs",
        "all",
        "any",
        "bool",
        "bytes",
        "dict",
        "float",
        "frozenset",
        "int",
        "len",
        "list",
        "repr",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "tuple",
    ];
    match function {
        Expr::Name(name) => FUNCTIONS.contains(&name.id.as_str()),
        Expr::Attribute(method) => {
            matches!(method.attr.as_str(), "join" | "format" | "copy" | "deepcopy")
        }
        _ => false,
    }
}

/// Follows the statements that may run after an addition until the name is bound anew.
struct Walk<'m, 'a> {
    module: &'m Module<'a>,
    variable: VariableId,
}

/// What became of the name on one stretch of statements.
enum Fate<'a> {
    /// Its object may be changed here.
    Changed(AnyNodeRef<'a>),
    /// It is bound anew, or the function ends.
    Gone,
    /// Nothing so far.
    Same,
}

impl<'a> Walk<'_, 'a> {
    /// The first change that may follow `statement` in the same run of its function.
    fn change_after(&self, statement: AnyNodeRef<'a>) -> Option<AnyNodeRef<'a>> {
        let mut inner = statement;
        loop {
            let (block, place) = self.module.block_of(inner)?;
            match self.along(&block[place + 1..]) {
                Fate::Changed(change) => return Some(change),
                Fate::Gone => return None,
                Fate::Same => {}
            }
            inner = self.module.ancestors(inner).find(|above| above.is_statement())?;
            if inner.is_stmt_function_def() {
                return None;
            }
            if let Some(change) = self.next_round(inner, statement) {
                return Some(change);
            }
        }
    }

    /// The next round of a loop comes back to the addition, unless the loop binds the name first.
    fn next_round(
        &self,
        around: AnyNodeRef<'a>,
        statement: AnyNodeRef<'a>,
    ) -> Option<AnyNodeRef<'a>> {
        let body = match around {
            AnyNodeRef::StmtFor(node) if self.binds(AnyNodeRef::from(&*node.target)) => {
                return None;
            }
            AnyNodeRef::StmtFor(node) => &node.body,
            AnyNodeRef::StmtWhile(node) => &node.body,
            _ => return None,
        };
        let place =
            body.iter().position(|inner| inner.range().contains_range(statement.range()))?;
        match self.along(&body[..=place]) {
            Fate::Changed(change) => Some(change),
            Fate::Gone | Fate::Same => None,
        }
    }

    fn along(&self, statements: &'a [Stmt]) -> Fate<'a> {
        for statement in statements {
            let node = AnyNodeRef::from(statement);
            if let Some(change) = self.change_in(node) {
                return Fate::Changed(change);
            }
            if matches!(statement, Stmt::Return(_) | Stmt::Raise(_))
                || (is_assignment(statement) && self.binds(node))
            {
                return Fate::Gone;
            }
        }
        Fate::Same
    }

    fn binds(&self, node: AnyNodeRef<'a>) -> bool {
        let mut references = self.module.references(self.variable);
        references.any(|reference| {
            reference.access == Access::Store && node.range().contains_range(reference.range)
        })
    }

    fn change_in(&self, node: AnyNodeRef<'a>) -> Option<AnyNodeRef<'a>> {
        let inside = self
            .module
            .references(self.variable)
            .filter(|reference| node.range().contains_range(reference.range));
        inside
            .into_iter()
            .find(|reference| self.may_change(reference))
            .map(|reference| reference.node)
    }

    /// Whether this use may change the object that the name is bound to.
    fn may_change(&self, reference: &Reference<'a>) -> bool {
        match (reference.access, self.module.parent(reference.node)) {
            (Access::Update, Some(AnyNodeRef::StmtAugAssign(growth))) => {
                may_grow_in_place(&growth.value) && !is_plain(self.module, self.variable)
            }
            (Access::Load, Some(AnyNodeRef::ExprSubscript(part))) => {
                !part.ctx.is_load() || self.is_updated(part.into())
            }
            (Access::Load, Some(AnyNodeRef::ExprAttribute(attribute))) => {
                !attribute.ctx.is_load()
                    || self.is_updated(attribute.into())
                    || self.is_called(attribute)
            }
            (Access::Load, Some(AnyNodeRef::Arguments(arguments))) => {
                self.is_handed_to_own_code(arguments)
            }
            _ => false,
        }
    }

    /// `x[0] += 1`
    fn is_updated(&self, target: AnyNodeRef<'a>) -> bool {
        matches!(self.module.parent(target), Some(AnyNodeRef::StmtAugAssign(growth)) if growth.target.range() == target.range())
    }

    /// A method that is not known to leave its object alone.
    fn is_called(&self, attribute: &'a ast::ExprAttribute) -> bool {
        const LEAVE_ALONE: &[&str] = &[
            "copy",
            "count",
            "decode",
            "encode",
            "endswith",
            "find",
            "format",
            "get",
            "index",
            "items",
            "join",
            "keys",
            "lower",
            "lstrip",
            "partition",
            "replace",
            "rstrip",
            "split",
            "splitlines",
            "startswith",
            "strip",
            "title",
            "upper",
            "values",
        ];
        let is_called = matches!(self.module.parent(attribute.into()), Some(AnyNodeRef::ExprCall(call)) if call.func.range() == attribute.range);
        is_called && !LEAVE_ALONE.contains(&attribute.attr.as_str())
    }

    /// An argument of anything but a builtin function, or of the addition itself.
    fn is_handed_to_own_code(&self, arguments: &'a ast::Arguments) -> bool {
        let Some(AnyNodeRef::ExprCall(call)) = self.module.parent(arguments.into()) else {
            return false;
        };
        match &*call.func {
            Expr::Name(name) => !self.module.is_builtin(name) || name.id == "setattr",
            Expr::Attribute(method) => !matches!(method.attr.as_str(), "append" | "extend"),
            _ => true,
        }
    }
}

fn is_assignment(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Assign(_) | Stmt::AnnAssign(_))
}

fn may_grow_in_place(added: &Expr) -> bool {
    !added.is_literal_expr()
}
