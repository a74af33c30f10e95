//! Whether the source tells that an expression is bytes, or yields bytes when it is iterated.
//!
//! What matters is that `bytes + x` and `BytesIO.write(x)` agree: both take anything with a buffer and both raise `TypeError` for
//! text and `None`. They differ for objects with an addition of their own, which none of the sources listed here can be.

use super::known_bytes::{
    BUFFER_TYPES, BYTES_FUNCTIONS, BYTES_METHODS, BYTES_OR_TEXT_METHODS, BYTES_TO_BYTES,
    CHUNKED_METHODS, ELEMENT_KEEPERS, ITERABLE_TYPES, OPENERS,
};
use crate::origin::{Handed, Origin, origins};
use lowtide_source::ast::{self, AnyNodeRef, Expr, Operator};
use lowtide_source::{
    Definition, Function, Meaning, Module, ModuleId, Project, Reference, VariableId,
};

/// How many steps through names, calls and callers are followed.
const MAX_STEPS: u32 = 8;

/// Follows names, calls and callers through a project.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'p, 'a> {
    project: &'p Project<'a>,
    steps_left: u32,
    /// Nothing but `bytes` will do: no `bytearray`, no method that may return text.
    exactly: bool,
}

impl<'p, 'a> Bytes<'p, 'a> {
    pub fn in_project(project: &'p Project<'a>) -> Self {
        Self { project, steps_left: MAX_STEPS, exactly: false }
    }

    /// The same question of `bytes` alone, as must be asked of what grows.
    pub fn exactly(self) -> Self {
        Self { exactly: true, ..self }
    }

    /// One step further; `None` after too many, as in recursion.
    fn deeper(self) -> Option<Self> {
        Some(Self { steps_left: self.steps_left.checked_sub(1)?, ..self })
    }

    /// Whether `expr`, which stands in `module`, is known to be bytes.
    pub fn is_bytes(self, module: ModuleId, expr: &'a Expr) -> bool {
        match expr {
            Expr::BytesLiteral(_) => true,
            Expr::Call(call) => self.call_returns_bytes(module, call),
            Expr::Await(awaited) => self.is_bytes(module, &awaited.value),
            Expr::BinOp(operation) => self.operation_is_bytes(module, operation),
            Expr::Subscript(part) => {
                matches!(&*part.slice, Expr::Slice(_)) && self.is_bytes(module, &part.value)
            }
            Expr::If(choice) => {
                self.is_bytes(module, &choice.body) && self.is_bytes(module, &choice.orelse)
            }
            Expr::BoolOp(choice) => choice.values.iter().all(|value| self.is_bytes(module, value)),
            Expr::Named(named) => self.is_bytes(module, &named.value),
            Expr::Name(_) => self.deeper().is_some_and(|deeper| deeper.name_is_bytes(module, expr)),
            _ => false,
        }
    }

    /// Whether iterating `expr` is known to yield bytes.
    pub fn yields_bytes(self, module: ModuleId, expr: &'a Expr) -> bool {
        match expr {
            Expr::List(list) => {
                list.elts.iter().all(|element| self.element_is_bytes(module, element))
            }
            Expr::Tuple(tuple) => {
                tuple.elts.iter().all(|element| self.element_is_bytes(module, element))
            }
            Expr::Set(set) => set.elts.iter().all(|element| self.element_is_bytes(module, element)),
            Expr::ListComp(made) => self.is_bytes(module, &made.elt),
            Expr::Generator(made) => self.is_bytes(module, &made.elt),
            Expr::Call(call) => self.call_yields_bytes(module, call),
            Expr::Await(awaited) => self.yields_bytes(module, &awaited.value),
            Expr::BinOp(operation) if operation.op == Operator::Mult => {
                self.yields_bytes(module, &operation.left)
            }
            Expr::Subscript(part) => {
                matches!(&*part.slice, Expr::Slice(_)) && self.yields_bytes(module, &part.value)
            }
            Expr::Name(_) => {
                self.deeper().is_some_and(|deeper| deeper.name_yields_bytes(module, expr))
            }
            _ => false,
        }
    }

    fn element_is_bytes(self, module: ModuleId, element: &'a Expr) -> bool {
        match element {
            Expr::Starred(starred) => self.yields_bytes(module, &starred.value),
            _ => self.is_bytes(module, element),
        }
    }

    fn operation_is_bytes(self, module: ModuleId, operation: &'a ast::ExprBinOp) -> bool {
        let (left, right) = (&*operation.left, &*operation.right);
        match operation.op {
            Operator::Add => self.is_bytes(module, left) && self.is_bytes(module, right),
            Operator::Mult => self.is_bytes(module, left) || self.is_bytes(module, right),
            Operator::Mod => self.is_bytes(module, left),
            _ => false,
        }
    }

    fn call_returns_bytes(self, module: ModuleId, call: &'a ast::ExprCall) -> bool {
        if let Some(name) = self.project.external_name(module, &call.func)
            && (BYTES_FUNCTIONS.contains(&name.as_str()) || self.is_buffer_type(&name))
        {
            return true;
        }
        if let Some(functions) = self.called(module, &call.func) {
            return functions.iter().all(|function| self.returns_bytes(*function));
        }
        let Expr::Attribute(method) = &*call.func else { return false };
        let name = method.attr.as_str();
        BYTES_METHODS.contains(&name)
            || (!self.exactly && BYTES_OR_TEXT_METHODS.contains(&name))
            || (BYTES_TO_BYTES.contains(&name) && self.is_bytes(module, &method.value))
    }

    fn call_yields_bytes(self, module: ModuleId, call: &'a ast::ExprCall) -> bool {
        if let Some(name) = self.project.external_name(module, &call.func) {
            let first = call.arguments.args.first();
            let keeps = ELEMENT_KEEPERS.contains(&name.as_str());
            return (!self.exactly && OPENERS.contains(&name.as_str()))
                || (keeps && first.is_some_and(|argument| self.yields_bytes(module, argument)))
                || (name == "builtins.iter" && self.calls_until_bytes(module, call));
        }
        if let Some(functions) = self.called(module, &call.func) {
            return functions.iter().all(|function| self.function_yields_bytes(*function));
        }
        !self.exactly
            && matches!(&*call.func, Expr::Attribute(method) if CHUNKED_METHODS.contains(&method.attr.as_str()) || method.attr == *"open")
    }

    /// `iter(lambda: f.read(1024), b"")`
    fn calls_until_bytes(self, module: ModuleId, call: &'a ast::ExprCall) -> bool {
        call.arguments.args.get(1).is_some_and(|sentinel| self.is_bytes(module, sentinel))
    }

    /// The functions of the project that a call may run; `None` if it may run others.
    fn called(self, module: ModuleId, callee: &'a Expr) -> Option<Vec<Function<'a>>> {
        if let Some(Meaning::Variable(definition)) = self.project.meaning(module, callee) {
            return self.project.function(definition).map(|function| vec![function]);
        }
        let Expr::Attribute(method) = callee else { return None };
        let functions = self.project.functions_named(method.attr.as_str());
        let methods: Vec<_> =
            functions.iter().filter(|function| function.class.is_some()).copied().collect();
        (!methods.is_empty() && self.project.external_name(module, callee).is_none())
            .then_some(methods)
    }

    fn returns_bytes(self, function: Function<'a>) -> bool {
        if let Some(annotation) = function.def.returns.as_deref() {
            return self.annotates_bytes(function.module, annotation);
        }
        let handed = Handed::over_by(self.project.module(function.module), function.def);
        let Some(deeper) =
            self.deeper().filter(|_| !handed.returned.is_empty() && !handed.is_generator())
        else {
            return false;
        };
        handed
            .returned
            .iter()
            .all(|value| value.is_some_and(|value| deeper.is_bytes(function.module, value)))
    }

    fn function_yields_bytes(self, function: Function<'a>) -> bool {
        if let Some(annotation) = function.def.returns.as_deref() {
            return self.annotates_iterable_of_bytes(function.module, annotation);
        }
        let handed = Handed::over_by(self.project.module(function.module), function.def);
        let Some(deeper) = self.deeper() else { return false };
        let yields = |value: &'a Expr| deeper.yields_bytes(function.module, value);
        if handed.is_generator() {
            return handed
                .yielded
                .iter()
                .all(|value| value.is_some_and(|value| deeper.is_bytes(function.module, value)))
                && handed.yielded_from.iter().copied().all(yields);
        }
        !handed.returned.is_empty() && handed.returned.iter().all(|value| value.is_some_and(yields))
    }

    fn annotates_bytes(self, module: ModuleId, annotation: &'a Expr) -> bool {
        match annotation {
            Expr::BinOp(either) if either.op == Operator::BitOr => {
                self.annotates_bytes(module, &either.left)
                    && self.annotates_bytes(module, &either.right)
            }
            Expr::StringLiteral(text) => text.value.to_str() == "bytes",
            _ => {
                let name = self.project.external_name(module, annotation);
                name.is_some_and(|name| name == "builtins.bytes" || self.is_buffer_type(&name))
            }
        }
    }

    fn is_buffer_type(self, name: &str) -> bool {
        !self.exactly && BUFFER_TYPES.contains(&name)
    }

    fn annotates_iterable_of_bytes(self, module: ModuleId, annotation: &'a Expr) -> bool {
        let Expr::Subscript(generic) = annotation else { return false };
        let Some(name) = self.project.external_name(module, &generic.value) else { return false };
        let is_iterable =
            name.rsplit('.').next().is_some_and(|last| ITERABLE_TYPES.contains(&last));
        let element = match &*generic.slice {
            Expr::Tuple(arguments) => arguments.elts.first(),
            only => Some(only),
        };
        is_iterable && element.is_some_and(|element| self.annotates_bytes(module, element))
    }

    fn name_is_bytes(self, module: ModuleId, name: &'a Expr) -> bool {
        let Some(Definition { module, variable }) = self.variable(module, name) else {
            return false;
        };
        origins(self.project.module(module), variable).iter().all(|origin| match *origin {
            Origin::Value(value) | Origin::Grown(value) => self.is_bytes(module, value),
            Origin::ElementOf(iterable) => self.yields_bytes(module, iterable),
            Origin::Parameter(parameter) => self.parameter_is_bytes(module, parameter),
            Origin::Opened(_) | Origin::Unknown => false,
        })
    }

    fn name_yields_bytes(self, module: ModuleId, name: &'a Expr) -> bool {
        let Some(Definition { module, variable }) = self.variable(module, name) else {
            return false;
        };
        let yields = |origin: &Origin<'a>| match *origin {
            Origin::Value(value) | Origin::Grown(value) | Origin::Opened(value) => {
                self.yields_bytes(module, value)
            }
            Origin::Parameter(parameter) => self.parameter_is(
                module,
                parameter,
                &Self::annotates_iterable_of_bytes,
                &Self::yields_bytes,
            ),
            Origin::ElementOf(_) | Origin::Unknown => false,
        };
        origins(self.project.module(module), variable).iter().all(yields)
            && self.additions_are_bytes(module, variable)
    }

    /// The variable behind a name, imports followed.
    fn variable(self, module: ModuleId, name: &'a Expr) -> Option<Definition> {
        match self.project.meaning(module, name)? {
            Meaning::Variable(definition) => Some(definition),
            _ => None,
        }
    }

    /// Whether everything that is appended to a list is bytes.
    fn additions_are_bytes(self, module: ModuleId, variable: VariableId) -> bool {
        let names = self.project.module(module);
        names.references(variable).filter_map(|reference| appended_to(names, reference)).all(
            |(method, value)| match method {
                "append" | "appendleft" | "add" => self.is_bytes(module, value),
                _ => self.yields_bytes(module, value),
            },
        )
    }

    /// Whether a parameter is known to be bytes.
    pub fn parameter_is_bytes(self, module: ModuleId, parameter: &'a ast::Parameter) -> bool {
        self.parameter_is(module, parameter, &Self::annotates_bytes, &Self::is_bytes)
    }

    /// Whether a parameter's annotation, or else what every caller passes for it, is as asked.
    fn parameter_is(
        self,
        module: ModuleId,
        parameter: &'a ast::Parameter,
        annotation_is: &dyn Fn(Self, ModuleId, &'a Expr) -> bool,
        argument_is: &dyn Fn(Self, ModuleId, &'a Expr) -> bool,
    ) -> bool {
        if let Some(annotation) = parameter.annotation.as_deref() {
            return annotation_is(self, module, annotation);
        }
        let Some(function) = self.function_of(module, parameter) else { return false };
        let calls = self.project.calls_of(function);
        calls.others.is_empty()
            && !calls.sites.is_empty()
            && calls.sites.iter().all(|site| {
                let argument = function.argument(site.call, &parameter.name);
                argument.is_some_and(|argument| argument_is(self, site.module, argument))
            })
    }

    fn function_of(self, module: ModuleId, parameter: &'a ast::Parameter) -> Option<Function<'a>> {
        let def = self.project.module(module).ancestors(AnyNodeRef::from(parameter)).find_map(
            |above| match above {
                AnyNodeRef::StmtFunctionDef(def) => Some(def),
                _ => None,
            },
        )?;
        self.project
            .functions_named(def.name.as_str())
            .iter()
            .find(|function| std::ptr::eq(function.def, def))
            .copied()
    }
}

/// The method and argument of `variable.append(argument)` and its like.
fn appended_to<'a>(names: &Module<'a>, reference: &Reference<'a>) -> Option<(&'a str, &'a Expr)> {
    let AnyNodeRef::ExprAttribute(method) = names.parent(reference.node)? else { return None };
    let AnyNodeRef::ExprCall(call) = names.parent(method.into())? else { return None };
    let adds = ["add", "append", "appendleft", "extend", "extendleft", "update"]
        .contains(&method.attr.as_str());
    let is_called = std::ptr::eq(call.func.as_attribute_expr()?, method);
    (adds && is_called).then(|| Some((method.attr.as_str(), call.arguments.args.first()?)))?
}
