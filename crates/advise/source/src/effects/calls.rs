//! What a call does.

use super::collector::Collector;
use super::known::{self, Known};
use super::{Place, Root};
use crate::{Definition, Function, Meaning};
use ruff_python_ast::{AnyNodeRef, Expr, ExprAttribute, ExprCall};
use ruff_text_size::Ranged;

impl<'a> Collector<'_, 'a> {
    pub(super) fn call(&mut self, call: &'a ExprCall) {
        match self.project.meaning(self.module, &call.func) {
            Some(Meaning::Variable(definition)) => self.call_own(definition, call),
            Some(Meaning::External(name)) => self.call_external(&name, call),
            Some(Meaning::Module(_)) => {}
            None => match &*call.func {
                Expr::Attribute(method) => self.call_method(method, call),
                _ => self.anything(self.site(call)),
            },
        }
        self.run_callbacks(call);
    }

    /// A function or class of the project, or a variable that holds some function.
    fn call_own(&mut self, definition: Definition, call: &'a ExprCall) {
        if let Some(function) = self.project.function(definition) {
            self.call_function(function);
        } else if let Some(class) = self.project.class(definition) {
            for method in ["__new__", "__init__", "__post_init__"] {
                self.run_method(definition.module, class, method);
            }
        } else if let Some(lambda) = self.project.lambda(definition) {
            self.run_lambda(definition.module, lambda);
        } else {
            self.anything(self.site(call));
        }
    }

    fn call_function(&mut self, function: Function<'a>) {
        for decorator in &function.def.decorator_list {
            self.decorated_by(function, &decorator.expression);
        }
        if !self.project.is_generator(function) {
            self.run_body(function);
        }
    }

    /// A decorator may put any code around the function.
    fn decorated_by(&mut self, function: Function<'a>, decorator: &'a Expr) {
        let callee = decorator.as_call_expr().map_or(decorator, |call| &call.func);
        match self.project.meaning(function.module, callee) {
            Some(Meaning::External(name)) if is_harmless_decorator(&name) => {}
            Some(Meaning::Variable(definition)) if self.project.function(definition).is_some() => {
                if let Some(wrapper) = self.project.function(definition) {
                    self.run_body_and_nested(wrapper);
                }
            }
            _ => self.anything(self.site(decorator)),
        }
    }

    /// Adds the effects of a function and of all functions defined inside it.
    fn run_body_and_nested(&mut self, function: Function<'a>) {
        self.run_body(function);
        let module = self.project.module(function.module);
        for node in module.nodes_in(function.def.into()).skip(1) {
            if let AnyNodeRef::StmtFunctionDef(def) = node {
                self.run_body(Function { module: function.module, def, class: None });
            }
        }
    }

    fn call_external(&mut self, name: &str, call: &'a ExprCall) {
        // `dump(value, file)` writes to its second argument.
        let place = usize::from(name.rsplit('.').next() == Some("dump"));
        let subject = call.arguments.args.get(place);
        match known::library(name) {
            Some(known) => self.do_known(known, call, subject),
            None if known::opens(name) => self.open(call),
            None if name == "builtins.getattr" => self.get_attribute(call),
            None => self.call_unknown(call),
        }
    }

    fn do_known(&mut self, known: Known, call: &'a ExprCall, subject: Option<&'a Expr>) {
        let site = self.site(call);
        match known {
            Known::Pure => self.reads_arguments(call),
            Known::Checked => {
                self.reads_arguments(call);
                self.may_raise(site);
            }
            Known::Iterates => {
                call.arguments.args.iter().for_each(|argument| self.iterate(argument));
            }
            Known::Changes | Known::Advances => {
                let root = subject.map_or(Root::Shared, |subject| self.root_of(subject));
                self.effects.read(Place::Content(root.clone()), site);
                self.effects.write(Place::Content(root), site);
                if known == Known::Advances {
                    self.may_raise(site);
                    if let Some(subject) = subject {
                        self.iterate(subject);
                    }
                }
            }
            Known::Prints => {
                self.reads_arguments(call);
                match call.arguments.find_keyword("file") {
                    Some(file) => self.write_to(Some(&file.value), call),
                    None => self.effects.write(Place::Terminal, site),
                }
            }
            Known::Asks => {
                self.effects.write(Place::Terminal, site);
                self.effects.write(Place::Input, site);
                self.may_raise(site);
            }
            Known::ReadsFiles => self.effects.read(Place::Files, site),
            Known::WritesFiles => self.write_to(subject, call),
            Known::Hidden => self.effects.write(Place::Hidden, site),
            Known::Anything => self.anything(site),
        }
    }

    /// What is printed, measured or compared is looked into.
    fn reads_arguments(&mut self, call: &'a ExprCall) {
        for argument in call.arguments.args.iter().filter(|argument| argument.is_name_expr()) {
            self.reads_shared_content(argument);
        }
    }

    fn write_to(&mut self, handle: Option<&'a Expr>, call: &'a ExprCall) {
        let site = self.site(call);
        if let Some(output) = handle.and_then(|handle| self.output_of(handle)) {
            self.effects.write(Place::Output(output), site);
            return;
        }
        self.effects.write(Place::Files, site);
        self.effects.write(Place::Terminal, site);
    }

    /// The variable of a file handle that was opened to be written anew, or of a writer made of one.
    fn output_of(&self, handle: &Expr) -> Option<Definition> {
        let Expr::Name(name) = handle else { return None };
        let definition =
            Definition { module: self.module, variable: self.names().variable_of(name)? };
        let binding = self.project.sole_binding(definition)?;
        if binding.is_parameter() {
            return self.is_output_of_all_callers(binding).then_some(definition);
        }
        let value = match self.names().parent(binding)? {
            AnyNodeRef::WithItem(item) => &item.context_expr,
            AnyNodeRef::StmtAssign(assign) => &assign.value,
            _ => return None,
        };
        let call = value.as_call_expr()?;
        let is_writer = |name: String| matches!(name.as_str(), "csv.writer" | "csv.DictWriter");
        if self.project.external_name(self.module, &call.func).is_some_and(is_writer) {
            return self.output_of(call.arguments.args.first()?);
        }
        let writes_anew = |mode: &str| mode.starts_with(['w', 'x']) && !mode.contains('+');
        self.open_mode(call).is_some_and(|mode| writes_anew(&mode)).then_some(definition)
    }

    /// Whether every caller passes a handle that was opened to be written anew.
    fn is_output_of_all_callers(&self, parameter: AnyNodeRef<'a>) -> bool {
        let Some((function, parameter)) = self.parameter_of(parameter) else { return false };
        let sites = self.project.calls_of(function).sites;
        let all_outputs = sites.iter().all(|site| {
            function.argument(site.call, &parameter.name).is_some_and(|argument| {
                let caller = Collector::new(self.project, site.module);
                !caller.is_parameter(argument) && caller.output_of(argument).is_some()
            })
        });
        !sites.is_empty() && all_outputs
    }

    /// The literal mode of a call of `open` or `Path.open`; `None` if it is another call or the mode is computed.
    fn open_mode(&self, call: &ExprCall) -> Option<String> {
        let place = match &*call.func {
            Expr::Name(name) if self.names().is_builtin(name) && name.id.as_str() == "open" => 1,
            Expr::Attribute(attribute) if attribute.attr.as_str() == "open" => 0,
            _ => return None,
        };
        match call.arguments.find_argument_value("mode", place) {
            None => Some("r".to_owned()),
            Some(Expr::StringLiteral(mode)) => Some(mode.value.to_str().to_owned()),
            Some(_) => None,
        }
    }

    fn open(&mut self, call: &'a ExprCall) {
        let site = self.site(call);
        self.may_raise(site);
        match self.open_mode(call) {
            Some(mode) if !mode.contains(['w', 'x', 'a', '+']) => {
                self.effects.read(Place::Files, site);
            }
            _ => self.effects.write(Place::Files, site),
        }
    }

    fn get_attribute(&mut self, call: &'a ExprCall) {
        let site = self.site(call);
        match call.arguments.args.get(1) {
            Some(Expr::StringLiteral(name)) => {
                self.effects.read(Place::Attribute(name.value.to_str().to_owned()), site);
            }
            _ => self.effects.read(Place::Anything, site),
        }
    }

    /// Code outside the project: it may act outside, and change the containers that it is given.
    fn call_unknown(&mut self, call: &'a ExprCall) {
        let site = self.site(call);
        self.foreign(site);
        self.may_raise(site);
        for argument in &call.arguments.args {
            if matches!(argument, Expr::Name(_)) && !self.is_element(argument) {
                self.effects.write(Place::Content(self.root_of(argument)), site);
            }
            if self.is_path(argument) {
                self.effects.write(Place::Files, site);
            }
        }
    }

    /// Whether the file that a variable names is opened somewhere by this module.
    fn is_path(&self, expr: &Expr) -> bool {
        let module = self.names();
        let Some(variable) = expr.as_name_expr().and_then(|name| module.variable_of(name)) else {
            return false;
        };
        module.references(variable).any(|reference| match module.parent(reference.node) {
            Some(AnyNodeRef::Arguments(arguments)) => match module.parent(arguments.into()) {
                Some(AnyNodeRef::ExprCall(call)) => self
                    .project
                    .external_name(self.module, &call.func)
                    .is_some_and(|name| known::opens(&name)),
                _ => false,
            },
            Some(AnyNodeRef::ExprAttribute(attribute)) => attribute.attr.as_str() == "open",
            _ => false,
        })
    }

    /// Whether a name is bound by a loop only: one item at a time, not the container.
    fn is_element(&self, expr: &Expr) -> bool {
        let Expr::Name(name) = expr else { return false };
        let Some(variable) = self.names().variable_of(name) else { return false };
        let bound_by_loop = |node: AnyNodeRef<'a>| {
            let above = self
                .names()
                .ancestors(node)
                .find(|above| !matches!(above, AnyNodeRef::ExprTuple(_) | AnyNodeRef::ExprList(_)));
            match above {
                Some(AnyNodeRef::StmtFor(statement)) => {
                    statement.target.range().contains_range(node.range())
                }
                Some(AnyNodeRef::Comprehension(clause)) => {
                    clause.target.range().contains_range(node.range())
                }
                _ => false,
            }
        };
        self.names()
            .references(variable)
            .filter(|reference| reference.access.rebinds())
            .all(|reference| bound_by_loop(reference.node))
    }

    /// A method is looked for by its name: in all classes of the project, and among the builtin types.
    fn call_method(&mut self, method: &'a ExprAttribute, call: &'a ExprCall) {
        let functions = self.project.functions_named(&method.attr);
        let methods: Vec<_> =
            functions.iter().copied().filter(|function| function.class.is_some()).collect();
        let receiver = &*method.value;
        let is_container =
            matches!(self.root_of(receiver), Root::Own { .. }) || receiver.is_literal_expr();
        if !is_container {
            for &method in &methods {
                self.call_function(method);
            }
        }
        let site = self.site(call);
        match known::method(&method.attr) {
            Some(Known::Pure) => self.reads_shared_content(receiver),
            Some(_) if !methods.is_empty() && is_self(receiver) => {}
            Some(known) => self.do_known(known, call, Some(receiver)),
            None if method.attr.as_str() == "open" => self.open(call),
            None if methods.is_empty() => {
                self.call_unknown(call);
                if !self.is_element(receiver) {
                    self.effects.write(Place::Content(self.root_of(receiver)), site);
                }
            }
            None => {}
        }
    }

    /// Functions that are passed to a call may be called by it.
    fn run_callbacks(&mut self, call: &'a ExprCall) {
        let arguments = call
            .arguments
            .args
            .iter()
            .chain(call.arguments.keywords.iter().map(|keyword| &keyword.value));
        for argument in arguments {
            if let Some(Meaning::Variable(definition)) = self.project.meaning(self.module, argument)
                && let Some(function) = self.project.function(definition)
            {
                self.call_function(function);
            }
        }
    }
}

fn is_self(receiver: &Expr) -> bool {
    matches!(receiver, Expr::Name(name) if matches!(name.id.as_str(), "self" | "cls"))
}

fn is_harmless_decorator(name: &str) -> bool {
    matches!(
        name,
        "builtins.staticmethod"
            | "builtins.classmethod"
            | "builtins.property"
            | "functools.lru_cache"
            | "functools.cache"
            | "functools.wraps"
            | "functools.cached_property"
            | "abc.abstractmethod"
            | "typing.override"
            | "typing.final"
            | "contextlib.contextmanager"
            | "typing.overload"
            | "typing.no_type_check"
    )
}
