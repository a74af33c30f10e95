//! The code that runs because of the code looked at: what it calls, and what makes the items it goes through.

use super::collector::Collector;
use super::{Effects, Place};
use crate::{Definition, Function, ModuleId};
use ruff_python_ast::{AnyNodeRef, Expr, ExprLambda, StmtClassDef};

/// A program in which so many functions may be called is not known any more.
const MAX_FUNCTIONS: usize = 5_000;

/// Code that runs because of the code looked at.
pub(super) enum Waiting<'a> {
    /// A function's body.
    Body(Function<'a>),
    /// The body of a lambda.
    Lambda(ModuleId, &'a ExprLambda),
    /// A pass over the items of an expression, which may stand elsewhere.
    Items { module: ModuleId, iterable: &'a Expr, is_elsewhere: bool },
}

impl Waiting<'_> {
    /// Whether the code stands in another function than the code looked at.
    fn is_elsewhere(&self) -> bool {
        !matches!(self, Self::Items { is_elsewhere: false, .. })
    }
}

impl<'a> Collector<'_, 'a> {
    /// Adds the effects of a function's body, once.
    pub(super) fn run_body(&mut self, function: Function<'a>) {
        let Some(id) = self.project.module(function.module).node_id(function.def.into()) else {
            return;
        };
        if self.seen.insert((function.module, id)) {
            self.waiting.push(Waiting::Body(function));
        }
    }

    /// Adds the effects of a lambda's body, once.
    pub(super) fn run_lambda(&mut self, module: ModuleId, lambda: &'a ExprLambda) {
        let Some(id) = self.project.module(module).node_id(lambda.into()) else { return };
        if self.seen.insert((module, id)) {
            self.waiting.push(Waiting::Lambda(module, lambda));
        }
    }

    /// Adds the effects of one pass over the items of `iterable`, beyond evaluating the expression itself.
    pub(super) fn iterate(&mut self, iterable: &'a Expr) {
        let Some(id) = self.names().node_id(iterable.into()) else { return };
        if !self.is_left_out(iterable.into()) && self.seen.insert((self.module, id)) {
            self.waiting.push(Waiting::Items {
                module: self.module,
                iterable,
                is_elsewhere: self.is_elsewhere,
            });
        }
    }

    /// Follows all that is waiting.
    pub(super) fn finish(mut self) -> Effects {
        let mut functions_left = MAX_FUNCTIONS;
        while let Some(waiting) = self.waiting.pop() {
            // Code elsewhere can do no more than unknown code.
            if waiting.is_elsewhere() && self.effects.writes.contains_key(&Place::Anything) {
                continue;
            }
            match waiting {
                Waiting::Body(function) if functions_left == 0 => {
                    self.module = function.module;
                    self.anything(self.site(function.def));
                }
                Waiting::Body(function) => {
                    functions_left -= 1;
                    self.follow_body(function);
                }
                Waiting::Lambda(module, lambda) => {
                    self.module = module;
                    self.is_elsewhere = true;
                    self.run(AnyNodeRef::from(&*lambda.body));
                }
                Waiting::Items { module, iterable, is_elsewhere } => {
                    self.module = module;
                    self.is_elsewhere = is_elsewhere;
                    self.follow_items(iterable);
                }
            }
        }
        self.effects
    }

    pub(super) fn follow_body(&mut self, function: Function<'a>) {
        self.module = function.module;
        self.is_elsewhere = true;
        self.new_object =
            if is_constructor(function) { self.first_parameter(function) } else { None };
        for statement in &function.def.body {
            self.run(statement.into());
        }
        self.new_object = None;
    }

    /// Adds the effects of the method `name` of `class` or of the bases that the project has.
    pub(super) fn run_method(&mut self, module: ModuleId, class: &'a StmtClassDef, name: &str) {
        let lineage = self.project.lineage(module, class);
        for &function in self.project.functions_named(name) {
            if function
                .class
                .is_some_and(|owner| lineage.iter().any(|ancestor| std::ptr::eq(*ancestor, owner)))
            {
                self.run_body(function);
            }
        }
    }

    pub(super) fn first_parameter(&self, function: Function<'a>) -> Option<Definition> {
        let parameter = function.def.parameters.iter_non_variadic_params().next()?;
        let module = self.project.module(function.module);
        let variable = module.reference(module.reference_at(&parameter.parameter.name)?).variable;
        Some(Definition { module: function.module, variable })
    }
}

fn is_constructor(function: Function<'_>) -> bool {
    function.class.is_some()
        && matches!(function.def.name.as_str(), "__init__" | "__post_init__" | "__setstate__")
}
