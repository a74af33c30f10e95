//! Whether all callers of a function are in the project.

use crate::lt102_list_used_once::uses::acts_on_its_own;
use lowtide_source::ast::{AnyNodeRef, Expr};
use lowtide_source::{Function, ModuleId, Project, ScopeId};

/// Whether nobody outside of the project is meant to call `function`: it is nested or underscored, or part of a program
/// rather than of a package.
pub(super) fn is_private<'a>(project: &Project<'a>, function: Function<'a>) -> bool {
    let module = project.module(function.module);
    let is_nested =
        function.class.is_none() && module.scope_of(function.def.into()) != ScopeId::MODULE;
    if is_nested || function.def.name.starts_with('_') {
        return true;
    }
    is_script(project, function.module)
        || (belongs_to_program(project, function.module) && !is_exported(project, function))
}

/// A file that is run, and that no other imports.
fn is_script(project: &Project<'_>, id: ModuleId) -> bool {
    acts_on_its_own(project, id) && !project.is_imported(id)
}

/// A plain file beside a script, in no package.
fn belongs_to_program(project: &Project<'_>, id: ModuleId) -> bool {
    let name = project.module(id).name();
    let in_package =
        name.contains('.') || project.module(id).file().path().ends_with("__init__.py");
    !in_package
        && project.is_imported(id)
        && project.modules().any(|(other, _)| is_script(project, other))
}

/// Whether `__all__` lists the function or its class.
fn is_exported(project: &Project<'_>, function: Function<'_>) -> bool {
    let module = project.module(function.module);
    let Some(all) = module.variable_in(ScopeId::MODULE, "__all__") else { return false };
    let name = function.class.map_or(&function.def.name, |class| &class.name);
    module.references(all).filter_map(|reference| module.statement_of(reference.node)).any(|statement| {
        module.nodes_in(statement).any(|node| match node {
            AnyNodeRef::ExprStringLiteral(text) => text.value.to_str() == name.as_str(),
            _ => false,
        }) || matches!(statement, AnyNodeRef::StmtAssign(set) if !matches!(*set.value, Expr::List(_) | Expr::Tuple(_)))
    })
}
