//! Reads and writes of variables, attributes and items.

use super::collector::Collector;
use super::{Place, Root};
use crate::scope::{ScopeId, ScopeKind};
use crate::{Definition, Function};
use ruff_python_ast::{AnyNodeRef, Expr, ExprContext, ExprName, Parameter};
use ruff_text_size::{Ranged, TextRange};

impl<'a> Collector<'_, 'a> {
    pub(super) fn name(&mut self, name: &'a ExprName) {
        let Some(place) = self.variable_place(name.range) else { return };
        let site = self.site(name);
        if name.ctx == ExprContext::Load {
            self.effects.read(place, site);
        } else {
            self.effects.write(place, site);
        }
    }

    pub(super) fn bind(&mut self, name: TextRange) {
        if let Some(place) = self.variable_place(name) {
            self.effects.write(place, self.site(name));
        }
    }

    /// The variable named at `range`; `None` for builtins and for what only a callee or a comprehension sees.
    pub(super) fn variable_place(&self, range: TextRange) -> Option<Place> {
        let module = self.names();
        let reference = module.reference(module.reference_at(range)?);
        let variable = module.variable(reference.variable);
        let exposed =
            variable.scope == ScopeId::MODULE || module.capture_of(reference.variable).is_some();
        let is_inner = !matches!(
            module.scope(variable.scope).kind,
            ScopeKind::Module | ScopeKind::Class | ScopeKind::Function
        );
        if is_inner || self.is_elsewhere && !exposed || self.is_constant(reference.variable) {
            return None;
        }
        let definition = Definition { module: self.module, variable: reference.variable };
        Some(Place::Variable { definition, name: variable.name.to_owned(), exposed })
    }

    /// Whether the variable is bound by one definition or import only, so that nothing ever changes it.
    pub(super) fn is_constant(&self, variable: crate::VariableId) -> bool {
        let binding = self.project.sole_binding(Definition { module: self.module, variable });
        matches!(
            binding,
            Some(
                AnyNodeRef::StmtFunctionDef(_) | AnyNodeRef::StmtClassDef(_) | AnyNodeRef::Alias(_)
            )
        )
    }

    pub(super) fn attribute(&mut self, attribute: &'a ruff_python_ast::ExprAttribute) {
        if self.is_new_object(&attribute.value)
            || self.project.meaning_of_attribute(self.module, attribute).is_some()
        {
            return;
        }
        let site = self.site(attribute);
        let place = Place::Attribute(attribute.attr.to_string());
        if attribute.ctx != ExprContext::Load {
            self.effects.write(place, site);
            return;
        }
        if self.is_method_name(attribute) {
            return;
        }
        self.effects.read(place, site);
        for &function in self.project.functions_named(&attribute.attr) {
            if function.class.is_some() && is_property(function) {
                self.run_body(function);
            }
        }
    }

    /// `x.f` in `x.f()`: looked up on the class, which is taken not to change.
    pub(super) fn is_method_name(&self, attribute: &'a ruff_python_ast::ExprAttribute) -> bool {
        match self.names().parent(attribute.into()) {
            Some(AnyNodeRef::ExprCall(call)) => call.func.range() == attribute.range,
            _ => false,
        }
    }

    /// The function that has `parameter`.
    pub(super) fn parameter_of(
        &self,
        parameter: AnyNodeRef<'a>,
    ) -> Option<(Function<'a>, &'a Parameter)> {
        let AnyNodeRef::Parameter(own) = parameter else { return None };
        let def = self.names().ancestors(parameter).find_map(|above| match above {
            AnyNodeRef::StmtFunctionDef(def) => Some(def),
            _ => None,
        })?;
        Some((self.project.function_of(self.module, def)?, own))
    }

    /// Whether an expression names a parameter of the function around it.
    pub(super) fn is_parameter(&self, expr: &Expr) -> bool {
        let variable = expr.as_name_expr().and_then(|name| self.names().variable_of(name));
        let binding = variable.and_then(|variable| {
            self.project.sole_binding(Definition { module: self.module, variable })
        });
        binding.is_some_and(|binding| binding.is_parameter())
    }

    pub(super) fn is_new_object(&self, object: &Expr) -> bool {
        let Expr::Name(name) = object else { return false };
        let variable = self.names().variable_of(name);
        let is_fresh =
            |variable| self.fresh.instances.contains(&Definition { module: self.module, variable });
        variable.is_some_and(is_fresh)
            || variable.is_some()
                && variable
                    == self
                        .new_object
                        .filter(|new| new.module == self.module)
                        .map(|new| new.variable)
    }

    pub(super) fn subscript(&mut self, subscript: &'a ruff_python_ast::ExprSubscript) {
        let site = self.site(subscript);
        let place = Place::Content(self.root_of(&subscript.value));
        if subscript.ctx == ExprContext::Load {
            self.effects.read(place, site);
            if !subscript.slice.is_slice_expr() {
                self.may_raise(site);
            }
        } else {
            self.effects.write(place, site);
        }
    }

    pub(super) fn update(&mut self, statement: &'a ruff_python_ast::StmtAugAssign) {
        let site = self.site(statement);
        match &*statement.target {
            Expr::Name(name) => {
                if let Some(place) = self.variable_place(name.range) {
                    self.effects.read(place, site);
                }
                if may_be_container(&statement.value) {
                    self.effects.write(Place::Content(self.root_of_name(name)), site);
                }
            }
            Expr::Attribute(attribute) => {
                self.effects.read(Place::Attribute(attribute.attr.to_string()), site);
                if may_be_container(&statement.value) {
                    self.effects.write(Place::Content(Root::Shared), site);
                }
            }
            target => self.reads_shared_content(target),
        }
    }

    /// `x in container` looks through the container.
    pub(super) fn iterate_container(&mut self, operand: &'a Expr) {
        if let Expr::Name(name) = operand {
            let site = self.site(name);
            self.effects.read(Place::Content(self.root_of_name(name)), site);
        }
    }

    pub(super) fn enter(&mut self, statement: &'a ruff_python_ast::StmtWith) {
        if statement.is_async {
            self.anything(self.site(statement));
        }
        let has_own_managers =
            statement.items.iter().any(|item| !self.is_known_manager(&item.context_expr));
        for name in ["__enter__", "__exit__"].iter().filter(|_| has_own_managers) {
            for &function in self.project.functions_named(name) {
                self.run_body(function);
            }
        }
    }

    pub(super) fn is_known_manager(&self, manager: &Expr) -> bool {
        let Expr::Call(call) = manager else { return false };
        self.project.external_name(self.module, &call.func).is_some()
    }
}

fn is_property(function: Function<'_>) -> bool {
    let names = |expr: &Expr| match expr {
        Expr::Name(name) => name.id.as_str().contains("property"),
        Expr::Attribute(attribute) => attribute.attr.as_str().contains("property"),
        _ => false,
    };
    function.def.decorator_list.iter().any(|decorator| names(&decorator.expression))
}

/// Whether `+= value` may grow a list, set or dict in place.
fn may_be_container(value: &Expr) -> bool {
    match value {
        Expr::List(_)
        | Expr::ListComp(_)
        | Expr::Set(_)
        | Expr::SetComp(_)
        | Expr::Dict(_)
        | Expr::DictComp(_)
        | Expr::Name(_) => true,
        Expr::Call(call) => {
            matches!(&*call.func, Expr::Name(name) if matches!(name.id.as_str(), "list" | "sorted" | "set" | "dict"))
        }
        _ => false,
    }
}
