//! What going through a value's items does: nothing but reading, or the deferred work of a generator or file.

use super::collector::Collector;
use super::known::{self, Known};
use super::{Place, Site};
use crate::scope::{Access, ReferenceId};
use crate::{Function, Meaning, ModuleId};
use ruff_python_ast::{self as ast, AnyNodeRef, Expr, ExprCall, ExprName};
use ruff_text_size::Ranged;

impl<'a> Collector<'_, 'a> {
    /// Adds the effects of the pass, or hands it on to what the items come from.
    pub(super) fn follow_items(&mut self, iterable: &'a Expr) {
        match iterable {
            Expr::Name(name) => self.iterate_variable(name),
            Expr::Call(call) => self.iterate_result(call),
            // A comprehension counts as lazy as well: the same round of fixes may make it so.
            Expr::Generator(ast::ExprGenerator { generators, .. })
            | Expr::ListComp(ast::ExprListComp { generators, .. }) => {
                self.run_items_of(iterable, generators);
            }
            Expr::Attribute(_) | Expr::Subscript(_) | Expr::Await(_) => {
                self.reads_shared_content(iterable);
            }
            Expr::If(choice) => {
                self.iterate(&choice.body);
                self.iterate(&choice.orelse);
            }
            Expr::BoolOp(operation) => {
                operation.values.iter().for_each(|value| self.iterate(value));
            }
            Expr::Named(named) => self.iterate(&named.value),
            Expr::Starred(starred) => self.iterate(&starred.value),
            // Displays, comprehensions, literals, sums and slices are new objects.
            _ => {}
        }
    }

    /// The items of a comprehension; its first iterable is evaluated where the comprehension stands.
    fn run_items_of(&mut self, comprehension: &'a Expr, clauses: &'a [ast::Comprehension]) {
        let Some(first) = clauses.first() else { return };
        let module = self.names();
        for node in module.nodes_in(comprehension.into()) {
            if !first.iter.range().contains_range(node.range())
                && !node.is_expr_generator()
                && !node.is_expr_list_comp()
            {
                self.visit(node);
            }
        }
    }

    fn iterate_variable(&mut self, name: &'a ExprName) {
        let site = self.site(name);
        self.effects.read(Place::Content(self.root_of_name(name)), site);
        let module = self.project.module(self.module);
        let Some(read) = module.reference_at(name) else { return };
        for binding in module.bindings_reaching(read).unwrap_or_default() {
            self.iterate_binding(name, binding);
        }
    }

    fn iterate_binding(&mut self, name: &'a ExprName, binding: ReferenceId) {
        let module = self.project.module(self.module);
        let binding = *module.reference(binding);
        if binding.access != Access::Store {
            return;
        }
        let value = match module.parent(binding.node) {
            Some(AnyNodeRef::StmtAssign(assign)) => Some(&*assign.value),
            Some(AnyNodeRef::StmtAnnAssign(assign)) => assign.value.as_deref(),
            Some(AnyNodeRef::WithItem(item)) => Some(&item.context_expr),
            _ if binding.node.is_parameter() => return self.iterate_arguments(binding.node),
            _ => None,
        };
        let Some(value) = value else { return };
        self.iterate(value);
        // An iterator moves on as it is read, which matters to whoever else reads it.
        let reads =
            module.references(binding.variable).filter(|reference| reference.access.reads());
        if self.is_iterator(value) && reads.count() > 1 {
            let site = self.site(name);
            self.effects.write(Place::Content(self.root_of_name(name)), site);
        }
    }

    /// Whether going through the value uses it up.
    fn is_iterator(&self, value: &'a Expr) -> bool {
        let Expr::Call(call) = value else { return value.is_generator_expr() };
        match self.project.meaning(self.module, &call.func) {
            Some(Meaning::External(name)) => known::makes_iterator(&name),
            Some(Meaning::Variable(definition)) => self
                .project
                .function(definition)
                .is_some_and(|function| self.project.is_generator(function)),
            Some(Meaning::Module(_)) => false,
            None => {
                matches!(&*call.func, Expr::Attribute(method) if method.attr.as_str() == "open")
            }
        }
    }

    /// A parameter's items are those of whatever the callers pass.
    fn iterate_arguments(&mut self, parameter: AnyNodeRef<'a>) {
        // A method of a common name has so many callers that they had better be looked at once.
        let id = self.names().node_id(parameter);
        if id.is_some_and(|id| !self.seen.insert((self.module, id))) {
            return;
        }
        let Some((function, parameter)) = self.parameter_of(parameter) else { return };
        for site in self.project.calls_of(function).sites {
            if let Some(argument) = function.argument(site.call, &parameter.name) {
                self.elsewhere(site.module, |collector| collector.iterate(argument));
            }
        }
    }

    /// Does `look` with the eyes of code in `module` that is not the code first looked at.
    fn elsewhere(&mut self, module: ModuleId, look: impl FnOnce(&mut Self)) {
        let here = (
            std::mem::replace(&mut self.module, module),
            std::mem::replace(&mut self.is_elsewhere, true),
        );
        look(self);
        (self.module, self.is_elsewhere) = here;
    }

    fn iterate_result(&mut self, call: &'a ExprCall) {
        match self.project.meaning(self.module, &call.func) {
            Some(Meaning::Variable(definition)) => {
                if let Some(function) = self.project.function(definition) {
                    self.iterate_function(function);
                } else if let Some(class) = self.project.class(definition) {
                    for method in ["__iter__", "__next__"] {
                        self.run_method(definition.module, class, method);
                    }
                }
            }
            Some(Meaning::External(name)) => self.iterate_external(&name, call),
            Some(Meaning::Module(_)) => {}
            None => self.iterate_method_result(call),
        }
    }

    /// A generator's body runs when it is iterated; another function's result is what it returns.
    fn iterate_function(&mut self, function: Function<'a>) {
        if self.project.is_generator(function) {
            self.run_body(function);
            return;
        }
        for value in self.project.returned_by(function) {
            self.elsewhere(function.module, |collector| collector.iterate(value));
        }
    }

    fn iterate_external(&mut self, name: &str, call: &'a ExprCall) {
        let site = self.site(call);
        match (name, known::library(name)) {
            ("fileinput.input", _) | (_, Some(Known::ReadsFiles)) => {
                self.effects.read(Place::Files, site);
            }
            (name, None) if known::opens(name) => self.effects.read(Place::Files, site),
            (_, Some(Known::Iterates)) => {
                call.arguments.args.iter().for_each(|argument| self.iterate(argument));
            }
            (_, Some(_)) => {}
            (_, None) => self.foreign(site),
        }
    }

    fn iterate_method_result(&mut self, call: &'a ExprCall) {
        let Expr::Attribute(method) = &*call.func else { return };
        let functions = self.project.functions_named(&method.attr);
        for &function in functions.iter().filter(|function| function.class.is_some()) {
            self.iterate_function(function);
        }
        match known::method(&method.attr) {
            Some(Known::ReadsFiles) => self.reads_files(call),
            _ if method.attr.as_str() == "open" => self.reads_files(call),
            Some(_) if known::is_view(&method.attr) => self.reads_shared_content(&method.value),
            None if functions.is_empty() => self.foreign(self.site(call)),
            _ => {}
        }
    }

    fn reads_files(&mut self, call: &'a ExprCall) {
        let site = self.site(call);
        self.effects.read(Place::Files, site);
    }

    pub(super) fn reads_shared_content(&mut self, expr: &'a Expr) {
        let site = self.site(expr);
        self.effects.read(Place::Content(self.root_of(expr)), site);
    }

    /// What code outside the project may do, short of reaching into the objects and files that the program works on.
    pub(super) fn foreign(&mut self, site: Site) {
        for place in [Place::Terminal, Place::Input, Place::Hidden] {
            self.effects.read(place.clone(), site);
            self.effects.write(place, site);
        }
    }
}
