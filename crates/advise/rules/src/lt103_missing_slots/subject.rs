//! One class of the project, and its instances as its own methods see them.

use crate::origin::{Origin, origins};
use lowtide_source::ast::{self, AnyNodeRef, Expr, StmtClassDef, StmtFunctionDef};
use lowtide_source::{
    Definition, Function, Meaning, Module, ModuleId, Project, Ranged, VariableId,
};
use std::collections::BTreeSet;

/// A class.
#[derive(Clone, Copy)]
pub(super) struct Subject<'p, 'a> {
    pub project: &'p Project<'a>,
    pub id: ModuleId,
    pub class: &'a StmtClassDef,
}

/// Where an instance is given an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OwnWrite<'a> {
    pub attribute: &'a str,
    /// Offset in the class's own file, which orders the slots.
    pub offset: u32,
}

impl<'p, 'a> Subject<'p, 'a> {
    pub fn module(self) -> &'p Module<'a> {
        self.project.module(self.id)
    }

    /// The variable that the `class` statement binds.
    pub fn definition(self) -> Option<Definition> {
        let module = self.module();
        let variable = module.reference(module.reference_at(&self.class.name)?).variable;
        Some(Definition { module: self.id, variable })
    }

    /// Whether `expr`, in `module`, is the name of this class.
    pub fn is_named_by(self, module: ModuleId, expr: &Expr) -> bool {
        let own = self.definition().map(Meaning::Variable);
        own.is_some() && self.project.meaning(module, expr) == own
    }

    /// The functions in the class body.
    pub fn methods(self) -> Vec<Function<'a>> {
        let in_body = self.module().nodes_in(self.class.into()).filter_map(|node| match node {
            AnyNodeRef::StmtFunctionDef(def) => self.project.function_of(self.id, def),
            _ => None,
        });
        in_body
            .filter(|function| function.class.is_some_and(|class| std::ptr::eq(class, self.class)))
            .collect()
    }

    /// `__qualname__`, as CPython makes it.
    pub fn qualname(self) -> String {
        let mut names = vec![self.class.name.to_string()];
        for above in self.module().ancestors(self.class.into()) {
            match above {
                AnyNodeRef::StmtClassDef(outer) => names.push(outer.name.to_string()),
                AnyNodeRef::StmtFunctionDef(outer) => {
                    names.push(format!("{}.<locals>", outer.name));
                }
                _ => {}
            }
        }
        names.reverse();
        names.join(".")
    }

    /// Every attribute that the class's own methods give an instance, first writes first.
    pub fn own_writes(self) -> Vec<OwnWrite<'a>> {
        let instances = self.instance_variables();
        let module = self.module();
        let written = module.nodes_in(self.class.into()).filter_map(|node| match node {
            AnyNodeRef::ExprAttribute(found)
                if found.ctx.is_store() && !self.only_declares(found) =>
            {
                Some(found)
            }
            _ => None,
        });
        let own = written.filter(|found| {
            found
                .value
                .as_name_expr()
                .and_then(|name| module.variable_of(name))
                .is_some_and(|variable| instances.contains(&variable))
        });
        own.map(|found| OwnWrite { attribute: found.attr.as_str(), offset: found.start().into() })
            .collect()
    }

    /// `self.x: int` alone.
    fn only_declares(self, attribute: &ast::ExprAttribute) -> bool {
        matches!(self.module().parent(attribute.into()), Some(AnyNodeRef::StmtAnnAssign(node)) if node.value.is_none())
    }

    /// Names in the class's own methods that hold an instance: `self`, and what constructors return.
    pub fn instance_variables(self) -> BTreeSet<VariableId> {
        let mut variables = BTreeSet::new();
        for function in self.methods() {
            variables.extend(self.self_of(function));
            variables.extend(self.constructed_in(function.def));
        }
        variables
    }

    /// The variable of the first parameter of a method that is called on an instance.
    pub fn self_of(self, function: Function<'a>) -> Option<VariableId> {
        let is_bound_otherwise = has_decorator(function.def, &["staticmethod", "classmethod"])
            || function.def.name == *"__new__";
        let first = function
            .def
            .parameters
            .posonlyargs
            .iter()
            .chain(&function.def.parameters.args)
            .next()?;
        let module = self.module();
        (!is_bound_otherwise)
            .then(|| Some(module.reference(module.reference_at(&first.parameter.name)?).variable))?
    }

    fn constructed_in(self, def: &'a StmtFunctionDef) -> Vec<VariableId> {
        let module = self.module();
        let Some(scope) = module.scope_opened_by(def.into()) else { return Vec::new() };
        let variables = module.scope(scope).variables.values().copied();
        let constructed = |variable: &VariableId| {
            let origins = origins(module, *variable);
            !origins.is_empty()
                && origins
                    .iter()
                    .all(|origin| matches!(origin, Origin::Value(value) if self.constructs(value)))
        };
        variables.filter(constructed).collect()
    }

    /// `Point(...)`, `cls(...)`, `object.__new__(cls)`
    fn constructs(self, value: &'a Expr) -> bool {
        let Expr::Call(call) = value else { return false };
        match &*call.func {
            Expr::Name(name) if name.id == "cls" => true,
            Expr::Attribute(method) => {
                method.attr == *"__new__" || self.is_named_by(self.id, &call.func)
            }
            callee => self.is_named_by(self.id, callee),
        }
    }
}

/// Whether a function has one of these decorators, with or without a module before its name.
pub(super) fn has_decorator(def: &StmtFunctionDef, names: &[&str]) -> bool {
    def.decorator_list.iter().any(|decorator| {
        let callee =
            decorator.expression.as_call_expr().map_or(&decorator.expression, |call| &*call.func);
        match callee {
            Expr::Name(name) => names.contains(&name.id.as_str()),
            Expr::Attribute(attribute) => names.contains(&attribute.attr.as_str()),
            _ => false,
        }
    })
}
