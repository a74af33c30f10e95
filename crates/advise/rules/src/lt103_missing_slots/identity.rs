//! Whether an object may be an instance of a class.

use super::knowledge::Knowledge;
use super::subject::Subject;
use crate::origin::{Origin, origins};
use lowtide_source::ast::{self, AnyNodeRef, Expr, ExprCall, ExprName, StmtClassDef};
use lowtide_source::{
    Access, Definition, Function, Meaning, ModuleId, Project, Ranged, TextSize, VariableId,
};
use std::cell::RefCell;
use std::collections::HashMap;

/// How many steps through names, calls and callers are followed.
const MAX_STEPS: u32 = 8;

/// What is known of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identity {
    /// Not an instance.
    Other,
    /// Nothing.
    Unknown,
    /// An instance, at least sometimes.
    Instance,
}

/// Tells instances of one class from other objects. A class derived from it without slots keeps its `__dict__`, and so its
/// instances count as others.
#[derive(Clone, Copy)]
pub(super) struct Identifier<'p, 'a> {
    project: &'p Project<'a>,
    subject: Subject<'p, 'a>,
    /// Without it, names and callers that go round in circles would be followed again and again.
    answers: &'p Answers<'a>,
    knowledge: &'p Knowledge<'p, 'a>,
    steps_left: u32,
}

/// What has been found out so far of one class.
pub(super) struct Answers<'a> {
    /// The class and its bases.
    lineage: Vec<&'a StmtClassDef>,
    /// By module and place. An expression that is being looked at counts as unknown.
    expressions: RefCell<HashMap<(ModuleId, TextSize, TextSize), Identity>>,
    /// What is stored in attributes, by their name.
    attributes: RefCell<HashMap<&'a str, Identity>>,
}

impl<'a> Answers<'a> {
    pub fn about(subject: Subject<'_, 'a>) -> Self {
        Self {
            lineage: subject.project.lineage(subject.id, subject.class),
            expressions: RefCell::default(),
            attributes: RefCell::default(),
        }
    }

    /// Whether `class` is the one asked about, or one of its bases.
    pub fn is_of_lineage(&self, class: &StmtClassDef) -> bool {
        self.lineage.iter().any(|own| std::ptr::eq(*own, class))
    }
}

impl<'p, 'a> Identifier<'p, 'a> {
    pub fn of(
        subject: Subject<'p, 'a>,
        knowledge: &'p Knowledge<'p, 'a>,
        answers: &'p Answers<'a>,
    ) -> Self {
        Self { project: subject.project, subject, answers, knowledge, steps_left: MAX_STEPS }
    }

    /// What `expr`, which stands in `module`, may be.
    pub fn identify(self, module: ModuleId, expr: &'a Expr) -> Identity {
        let place = (module, expr.start(), expr.end());
        if let Some(answer) = self.answers.expressions.borrow().get(&place) {
            return *answer;
        }
        self.answers.expressions.borrow_mut().insert(place, Identity::Unknown);
        let answer = self.look_at(module, expr);
        self.answers.expressions.borrow_mut().insert(place, answer);
        answer
    }

    fn look_at(self, module: ModuleId, expr: &'a Expr) -> Identity {
        match expr {
            Expr::Name(name) => self.name(module, expr, name),
            Expr::Attribute(attribute) => self.attribute(module, expr, attribute),
            Expr::Call(call) => self.result(module, call),
            Expr::If(choice) => {
                self.identify(module, &choice.body).max(self.identify(module, &choice.orelse))
            }
            Expr::BoolOp(choice) => choice
                .values
                .iter()
                .map(|value| self.identify(module, value))
                .max()
                .unwrap_or(Identity::Unknown),
            Expr::Named(named) => self.identify(module, &named.value),
            Expr::Await(awaited) => self.identify(module, &awaited.value),
            Expr::Subscript(part) => self.element(module, &part.value),
            Expr::BinOp(_)
            | Expr::UnaryOp(_)
            | Expr::Yield(_)
            | Expr::YieldFrom(_)
            | Expr::Starred(_) => Identity::Unknown,
            _ => Identity::Other,
        }
    }

    /// What the items of `expr` may be.
    fn element(self, module: ModuleId, expr: &'a Expr) -> Identity {
        let all = |elements: &'a [Expr]| {
            elements
                .iter()
                .map(|element| self.identify(module, element))
                .max()
                .unwrap_or(Identity::Other)
        };
        match expr {
            Expr::List(list) => all(&list.elts),
            Expr::Tuple(tuple) => all(&tuple.elts),
            Expr::Set(set) => all(&set.elts),
            Expr::ListComp(made) => self.identify(module, &made.elt),
            Expr::Generator(made) => self.identify(module, &made.elt),
            Expr::Call(call) => match self.project.external_name(module, &call.func).as_deref() {
                Some("builtins.range") => Identity::Other,
                Some(
                    "builtins.list" | "builtins.sorted" | "builtins.reversed" | "builtins.tuple"
                    | "builtins.iter",
                ) => call
                    .arguments
                    .args
                    .first()
                    .map_or(Identity::Other, |argument| self.element(module, argument)),
                _ => Identity::Unknown,
            },
            Expr::Name(_) => self.element_of_name(module, expr),
            _ if expr.is_literal_expr() || expr.is_f_string_expr() => Identity::Other,
            _ => Identity::Unknown,
        }
    }

    fn deeper(self) -> Option<Self> {
        Some(Self { steps_left: self.steps_left.checked_sub(1)?, ..self })
    }

    fn name(self, module: ModuleId, expr: &'a Expr, name: &'a ExprName) -> Identity {
        let Some(definition) = self.variable(module, expr) else { return Identity::Other };
        if self.project.class(definition).is_some() || self.project.function(definition).is_some() {
            return Identity::Other;
        }
        let here = self.project.module(module);
        if let Some(class) =
            here.variable_of(name).and_then(|variable| self.class_of_self(module, variable))
        {
            return self.identity_of_self(class);
        }
        let Some(deeper) = self.deeper() else { return Identity::Unknown };
        let bound = origins(self.project.module(definition.module), definition.variable);
        bound
            .into_iter()
            .map(|origin| deeper.origin(definition.module, origin))
            .max()
            .unwrap_or(Identity::Unknown)
    }

    /// `None` for names from outside the project.
    fn variable(self, module: ModuleId, expr: &'a Expr) -> Option<Definition> {
        match self.project.meaning(module, expr)? {
            Meaning::Variable(definition) => Some(definition),
            _ => None,
        }
    }

    /// The class in one of whose methods `variable` is `self`.
    fn class_of_self(self, module: ModuleId, variable: VariableId) -> Option<&'a StmtClassDef> {
        let names = self.project.module(module);
        let parameter =
            names.references(variable).find(|reference| reference.node.is_parameter())?;
        let def = names.ancestors(parameter.node).find_map(|above| match above {
            AnyNodeRef::StmtFunctionDef(def) => Some(def),
            _ => None,
        })?;
        let function = self.project.function_of(module, def)?;
        let class = function.class?;
        let owner = Subject { project: self.project, id: module, class };
        (owner.self_of(function) == Some(variable)).then_some(class)
    }

    /// What an object of `class`, or of a class derived from it, may be.
    fn identity_of_self(self, class: &'a StmtClassDef) -> Identity {
        if self.answers.is_of_lineage(class) { Identity::Instance } else { Identity::Other }
    }

    fn origin(self, module: ModuleId, origin: Origin<'a>) -> Identity {
        match origin {
            Origin::Value(value) => self.identify(module, value),
            Origin::ElementOf(iterable) => self.element(module, iterable),
            Origin::Parameter(parameter) => self.parameter(module, parameter),
            Origin::Opened(Expr::Call(call))
                if self.project.external_name(module, &call.func).is_some() =>
            {
                Identity::Other
            }
            Origin::Opened(_) | Origin::Grown(_) | Origin::Unknown => Identity::Unknown,
        }
    }

    fn element_of_name(self, module: ModuleId, expr: &'a Expr) -> Identity {
        let (Some(definition), Some(deeper)) = (self.variable(module, expr), self.deeper()) else {
            return Identity::Unknown;
        };
        let names = self.project.module(definition.module);
        let bound = origins(names, definition.variable).into_iter().map(|origin| match origin {
            Origin::Value(value) | Origin::Grown(value) => deeper.element(definition.module, value),
            _ => Identity::Unknown,
        });
        let bound = bound.max().unwrap_or(Identity::Unknown);
        let reads = names
            .references(definition.variable)
            .filter(|reference| reference.access == Access::Load);
        let added = reads.map(|reference| deeper.added(definition.module, reference.node)).max();
        bound.max(added.unwrap_or(Identity::Other))
    }

    /// What a use of a list's name puts into it.
    fn added(self, module: ModuleId, name: AnyNodeRef<'a>) -> Identity {
        let names = self.project.module(module);
        match names.parent(name) {
            Some(AnyNodeRef::ExprAttribute(method)) => match names.parent(method.into()) {
                Some(AnyNodeRef::ExprCall(call)) if method.attr == *"append" => call
                    .arguments
                    .args
                    .first()
                    .map_or(Identity::Unknown, |value| self.identify(module, value)),
                _ => Identity::Unknown,
            },
            Some(AnyNodeRef::ExprSubscript(part)) if part.ctx.is_load() => Identity::Other,
            Some(
                AnyNodeRef::StmtFor(_) | AnyNodeRef::Comprehension(_) | AnyNodeRef::StmtReturn(_),
            ) => Identity::Other,
            _ => Identity::Unknown,
        }
    }

    /// All that the project ever stores in attributes of that name.
    fn attribute(
        self,
        module: ModuleId,
        expr: &'a Expr,
        attribute: &'a ast::ExprAttribute,
    ) -> Identity {
        if self.project.meaning(module, expr).is_some() {
            return Identity::Other;
        }
        let Some(deeper) = self.deeper() else { return Identity::Unknown };
        let name = attribute.attr.as_str();
        if let Some(answer) = self.answers.attributes.borrow().get(name) {
            return *answer;
        }
        let answer = deeper.stored(name);
        if self.steps_left == MAX_STEPS {
            // Further down, some of what is stored there may be just being looked at.
            self.answers.attributes.borrow_mut().insert(name, answer);
        }
        answer
    }

    fn stored(self, name: &'a str) -> Identity {
        let stores = self.knowledge.stores_of(name).iter();
        let values =
            stores.map(|&(id, found)| match self.project.module(id).parent(found.into()) {
                Some(AnyNodeRef::StmtAssign(set)) if set.targets.len() == 1 => {
                    self.identify(id, &set.value)
                }
                Some(AnyNodeRef::StmtAnnAssign(set)) => {
                    set.value.as_deref().map_or(Identity::Other, |value| self.identify(id, value))
                }
                _ => Identity::Unknown,
            });
        if let Some(any) = values.max() {
            return any;
        }
        // What the project never puts there was made by code outside of it.
        let may_be_put = self.knowledge.spelled.contains(name)
            || !self.project.functions_named(name).is_empty()
            || !self.project.classes_with_variable(name).is_empty();
        if may_be_put { Identity::Unknown } else { Identity::Other }
    }

    fn result(self, module: ModuleId, call: &'a ExprCall) -> Identity {
        let Some(deeper) = self.deeper() else { return Identity::Unknown };
        match self.project.meaning(module, &call.func) {
            Some(Meaning::External(name)) => deeper.external_result(module, &name, call),
            Some(Meaning::Variable(definition)) => {
                match (self.project.class(definition), self.project.function(definition)) {
                    (Some(class), _) if std::ptr::eq(class, self.subject.class) => {
                        Identity::Instance
                    }
                    (Some(_), _) => Identity::Other,
                    (None, Some(function)) => deeper.returned(function),
                    (None, None) => Identity::Unknown,
                }
            }
            Some(Meaning::Module(_)) => Identity::Other,
            None => match &*call.func {
                Expr::Attribute(method) => {
                    let methods = self
                        .project
                        .functions_named(&method.attr)
                        .iter()
                        .filter(|function| function.class.is_some());
                    let returned = methods.map(|function| deeper.returned(*function)).max();
                    returned.unwrap_or_else(|| deeper.foreign_result(module, &method.attr, call))
                }
                _ => Identity::Unknown,
            },
        }
    }

    /// A class from outside the project makes objects of its own; a function may hand back what it is given.
    fn external_result(self, module: ModuleId, name: &str, call: &'a ExprCall) -> Identity {
        const PLAIN: &[&str] = &[
            "int", "str", "float", "bytes", "list", "dict", "set", "tuple", "len", "open", "range",
        ];
        if name == "builtins.super" {
            return Identity::Instance;
        }
        let last = name.rsplit('.').next().unwrap_or(name);
        let is_class = last.starts_with(|first: char| first.is_ascii_uppercase());
        if is_class || PLAIN.contains(&last) || self.is_given_no_instance(module, call) {
            Identity::Other
        } else {
            Identity::Unknown
        }
    }

    /// A method that no class of the project has: of a container, which hands out what was put in, or of an object from outside.
    fn foreign_result(self, module: ModuleId, method: &str, call: &'a ExprCall) -> Identity {
        const HAND_OUT: &[&str] = &[
            "__getitem__",
            "__new__",
            "__next__",
            "choice",
            "copy",
            "first",
            "get",
            "get_nowait",
            "last",
            "one",
            "pop",
            "popitem",
            "popleft",
            "recv",
            "result",
            "send",
            "setdefault",
        ];
        if HAND_OUT.contains(&method) || !self.is_given_no_instance(module, call) {
            Identity::Unknown
        } else {
            Identity::Other
        }
    }

    fn is_given_no_instance(self, module: ModuleId, call: &'a ExprCall) -> bool {
        let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
        call.arguments.args.iter().chain(keywords).all(|argument| {
            argument.is_literal_expr()
                || (self.identify(module, argument) == Identity::Other
                    && self.element(module, argument) == Identity::Other)
        })
    }

    fn returned(self, function: Function<'a>) -> Identity {
        let values = self.knowledge.returned_by(function);
        let identities = values.iter().map(|value| self.identify(function.module, value));
        identities.max().unwrap_or(Identity::Other)
    }

    fn parameter(self, module: ModuleId, parameter: &'a ast::Parameter) -> Identity {
        if let Some(annotated) = parameter
            .annotation
            .as_deref()
            .and_then(|annotation| self.annotated(module, annotation))
        {
            return annotated;
        }
        let names = self.project.module(module);
        let def = names.ancestors(parameter.into()).find_map(|above| match above {
            AnyNodeRef::StmtFunctionDef(def) => Some(def),
            _ => None,
        });
        let Some(function) = def.and_then(|def| self.project.function_of(module, def)) else {
            return Identity::Unknown;
        };
        let calls = self.knowledge.calls_of(function);
        if !calls.others.is_empty() || calls.sites.is_empty() {
            return Identity::Unknown;
        }
        let passed = calls.sites.iter().map(|site| {
            function
                .argument(site.call, &parameter.name)
                .map_or(Identity::Unknown, |argument| self.identify(site.module, argument))
        });
        passed.max().unwrap_or(Identity::Unknown)
    }

    fn annotated(self, module: ModuleId, annotation: &'a Expr) -> Option<Identity> {
        match self.project.meaning(module, annotation)? {
            Meaning::Variable(definition) => {
                let class = self.project.class(definition)?;
                Some(self.identity_of_self(class))
            }
            Meaning::External(name)
                if name.starts_with("builtins.") && name != "builtins.object" =>
            {
                Some(Identity::Other)
            }
            _ => None,
        }
    }
}
