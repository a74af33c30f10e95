//! Which local containers are reachable through their variable alone.

use super::known::{self, Known};
use crate::scope::{Access, Reference};
use crate::{Definition, Module, Project};
use ruff_python_ast::{AnyNodeRef, Expr, ExprCall};

/// Whether everything `definition` is ever bound to is a container made on the spot, and no reference lets go of it.
pub(crate) fn is_own(project: &Project<'_>, definition: Definition) -> bool {
    let module = project.module(definition.module);
    let owner = module.variable(definition.variable).scope;
    let is_global = owner == crate::ScopeId::MODULE;
    !(is_global && project.is_imported(definition.module))
        && module.opacity(owner).is_none()
        && module.capture_of(definition.variable).is_none()
        && module
            .references(definition.variable)
            .all(|reference| keeps_it_own(project, definition, reference))
}

fn keeps_it_own(project: &Project<'_>, definition: Definition, reference: &Reference<'_>) -> bool {
    match reference.access {
        Access::Store => binds_fresh(project, definition, reference.node),
        Access::Update | Access::Delete => true,
        Access::Load => stays_inside(project, definition, reference.node),
    }
}

fn binds_fresh(project: &Project<'_>, definition: Definition, name: AnyNodeRef<'_>) -> bool {
    match project.module(definition.module).parent(name) {
        Some(AnyNodeRef::StmtAssign(assign)) => {
            assign.targets.len() == 1
                && assign.targets[0].is_name_expr()
                && is_fresh(project, definition, &assign.value)
        }
        Some(AnyNodeRef::StmtAnnAssign(assign)) => {
            assign.value.as_ref().is_none_or(|value| is_fresh(project, definition, value))
        }
        Some(AnyNodeRef::WithItem(item)) => is_fresh(project, definition, &item.context_expr),
        _ => false,
    }
}

/// Whether the value is a new object that nothing else refers to.
fn is_fresh(project: &Project<'_>, definition: Definition, value: &Expr) -> bool {
    match value {
        Expr::List(_)
        | Expr::Dict(_)
        | Expr::Set(_)
        | Expr::ListComp(_)
        | Expr::SetComp(_)
        | Expr::DictComp(_) => true,
        Expr::BinOp(operation) => {
            is_fresh(project, definition, &operation.left)
                || is_fresh(project, definition, &operation.right)
        }
        Expr::Call(call) => {
            let name = project.external_name(definition.module, &call.func);
            name.is_some_and(|name| {
                known::opens(&name)
                    || matches!(
                        name.as_str(),
                        "builtins.list"
                            | "builtins.dict"
                            | "builtins.set"
                            | "builtins.sorted"
                            | "builtins.bytearray"
                            | "collections.defaultdict"
                            | "collections.Counter"
                            | "collections.deque"
                            | "collections.OrderedDict"
                    )
            })
        }
        _ => value.is_literal_expr(),
    }
}

/// Whether a read hands the container to nobody who could keep it.
fn stays_inside(project: &Project<'_>, definition: Definition, name: AnyNodeRef<'_>) -> bool {
    let module = project.module(definition.module);
    match module.parent(name) {
        Some(AnyNodeRef::ExprAttribute(attribute)) => {
            known::method(&attribute.attr).is_some()
                && is_called(module.parent(attribute.into()), attribute.into())
        }
        Some(AnyNodeRef::ExprSubscript(subscript)) => {
            name.ptr_eq(AnyNodeRef::from(&*subscript.value))
        }
        Some(
            AnyNodeRef::ExprCompare(_)
            | AnyNodeRef::StmtFor(_)
            | AnyNodeRef::Comprehension(_)
            | AnyNodeRef::StmtReturn(_)
            | AnyNodeRef::InterpolatedElement(_)
            | AnyNodeRef::ExprUnaryOp(_)
            | AnyNodeRef::StmtIf(_)
            | AnyNodeRef::StmtWhile(_)
            | AnyNodeRef::ElifElseClause(_)
            | AnyNodeRef::StmtExpr(_)
            | AnyNodeRef::StmtAssert(_),
        ) => true,
        Some(AnyNodeRef::ExprTuple(_) | AnyNodeRef::ExprDict(_) | AnyNodeRef::ExprList(_)) => {
            is_returned(module, name)
        }
        Some(AnyNodeRef::Arguments(arguments)) => match module.parent(arguments.into()) {
            Some(AnyNodeRef::ExprCall(call)) => forgets_its_arguments(project, definition, call),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a display around the name is returned: the code that has the variable is then done.
fn is_returned(module: &Module<'_>, name: AnyNodeRef<'_>) -> bool {
    let is_display = |node: &AnyNodeRef<'_>| {
        matches!(node, AnyNodeRef::ExprTuple(_) | AnyNodeRef::ExprDict(_) | AnyNodeRef::ExprList(_))
    };
    module
        .ancestors(name)
        .find(|above| !is_display(above))
        .is_some_and(|above| above.is_stmt_return())
}

fn is_called(parent: Option<AnyNodeRef<'_>>, function: AnyNodeRef<'_>) -> bool {
    matches!(parent, Some(AnyNodeRef::ExprCall(call)) if function.ptr_eq(AnyNodeRef::from(&*call.func)))
}

/// Functions that look at their arguments, or at the items of them, and keep neither.
fn forgets_its_arguments(project: &Project<'_>, definition: Definition, call: &ExprCall) -> bool {
    let Some(name) = project.external_name(definition.module, &call.func) else { return false };
    match known::library(&name) {
        Some(Known::Pure | Known::Checked | Known::Iterates | Known::Prints) => {
            !name.starts_with("dataclasses.")
                && (!keeps_its_arguments(&name)
                    || is_gone_through_at_once(project, definition, call))
        }
        Some(Known::Changes) => true,
        _ => false,
    }
}

/// Functions whose result is a lazy view of their arguments.
fn keeps_its_arguments(name: &str) -> bool {
    known::makes_iterator(name) || name == "builtins.memoryview"
}

fn is_gone_through_at_once(project: &Project<'_>, definition: Definition, call: &ExprCall) -> bool {
    let parent = project.module(definition.module).parent(call.into());
    matches!(parent, Some(AnyNodeRef::StmtFor(_) | AnyNodeRef::Comprehension(_)))
}
