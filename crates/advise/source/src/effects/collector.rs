use super::ownership::is_own;
use super::{Effects, FreshNames, Place, Root, Site};
use crate::scope::{ScopeId, ScopeKind};
use crate::tree::NodeId;
use crate::{Definition, Function, Module, ModuleId, Project};
use ruff_python_ast::{
    AnyNodeRef, Expr, ExprContext, ExprLambda, ExprName, Parameter, StmtClassDef,
};
use ruff_text_size::{Ranged, TextRange};
use std::collections::BTreeSet;

/// Finds the effects of code of a project.
///
/// ```
/// use lowtide_source::{Effector, Place, Project, SourceFile, ast::AnyNodeRef};
/// let files = [SourceFile::parse("a.py", "def f(x):\n    print(x)\nf(1)\n")?];
/// let project = Project::of(&files);
/// let (id, module) = project.modules().next().unwrap();
/// let call = AnyNodeRef::from(&module.file().syntax().body[1]);
/// assert!(Effector::of(&project).of_nodes(id, &[call]).writes.contains_key(&Place::Terminal));
/// # Ok::<(), lowtide_source::SourceError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Effector<'p, 'a> {
    project: &'p Project<'a>,
}

impl<'p, 'a> Effector<'p, 'a> {
    /// For the code of `project`.
    #[must_use]
    pub fn of(project: &'p Project<'a>) -> Self {
        Self { project }
    }

    /// The effects of running `nodes`, which stand in `module`.
    #[must_use]
    pub fn of_nodes(&self, module: ModuleId, nodes: &[AnyNodeRef<'a>]) -> Effects {
        self.of_nodes_without(module, nodes, None)
    }

    /// The effects of running `nodes` but for the node `left_out`.
    #[must_use]
    pub fn of_nodes_without(
        &self,
        module: ModuleId,
        nodes: &[AnyNodeRef<'a>],
        left_out: Option<AnyNodeRef<'a>>,
    ) -> Effects {
        let mut collector = Collector::new(self.project, module);
        collector.left_out = left_out.map(|node| node.range());
        for &node in nodes {
            collector.run(node);
        }
        collector.finish()
    }

    /// The effects of one pass over the items of `iterable`, beyond evaluating the expression itself.
    #[must_use]
    pub fn of_iterating(&self, module: ModuleId, iterable: &'a Expr) -> Effects {
        let mut collector = Collector::new(self.project, module);
        collector.iterate(iterable);
        collector.finish()
    }

    /// The effects of running the body of `function` once, whether its call would do that at once or not. What it does to
    /// objects that it makes itself and nobody else has, known by their `fresh` names, is none.
    #[must_use]
    pub fn of_body(&self, function: Function<'a>, fresh: FreshNames) -> Effects {
        let mut collector = Collector::new(self.project, function.module);
        collector.fresh = fresh;
        collector.run_body(function);
        collector.finish()
    }

    /// Whether the container that a variable names is reachable through that variable alone.
    #[must_use]
    pub fn is_own(&self, definition: Definition) -> bool {
        is_own(self.project, definition)
    }
}

pub(super) struct Collector<'p, 'a> {
    pub project: &'p Project<'a>,
    pub module: ModuleId,
    pub effects: Effects,
    /// Functions and iterables already followed, or waiting for it.
    seen: BTreeSet<(ModuleId, NodeId)>,
    /// What is still to be followed: a list instead of recursion, because call chains may be long.
    waiting: Vec<Waiting<'a>>,
    left_out: Option<TextRange>,
    /// The first parameter while a constructor is followed: the object is new, nobody else has it.
    new_object: Option<Definition>,
    /// Names of the body looked at whose objects nobody else has while it runs.
    fresh: FreshNames,
    /// Whether this is the code of another function: its variables are its own.
    pub is_elsewhere: bool,
}

/// A program in which so many functions may be called is not known any more.
const MAX_FUNCTIONS: usize = 5_000;

/// Code that runs because of the code looked at.
enum Waiting<'a> {
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

impl<'p, 'a> Collector<'p, 'a> {
    pub(super) fn new(project: &'p Project<'a>, module: ModuleId) -> Self {
        Self {
            project,
            module,
            effects: Effects::default(),
            seen: BTreeSet::new(),
            waiting: Vec::new(),
            left_out: None,
            fresh: FreshNames::default(),
            new_object: None,
            is_elsewhere: false,
        }
    }

    pub(super) fn names(&self) -> &'p Module<'a> {
        self.project.module(self.module)
    }

    pub(super) fn site(&self, node: impl Ranged) -> Site {
        Site { module: self.module, line: self.names().file().line_of(node.start()) }
    }

    /// Adds the effects of all nodes in `root`, bodies of nested functions excluded: they run when called.
    pub(super) fn run(&mut self, root: AnyNodeRef<'a>) {
        let mut skipped_to = root.start();
        for node in self.names().nodes_in(root) {
            if node.start() < skipped_to || self.is_left_out(node) {
                continue;
            }
            match node {
                AnyNodeRef::StmtFunctionDef(def) if !node.ptr_eq(root) => {
                    skipped_to = def.body.last().map_or(skipped_to, Ranged::end);
                    self.bind(def.name.range);
                }
                _ => self.visit(node),
            }
        }
    }

    pub(super) fn is_left_out(&self, node: AnyNodeRef<'a>) -> bool {
        !self.is_elsewhere && self.left_out.is_some_and(|range| range.contains_range(node.range()))
    }

    /// Adds what evaluating `node` does beyond evaluating the nodes inside it.
    pub(super) fn visit(&mut self, node: AnyNodeRef<'a>) {
        self.run_operators(node);
        match node {
            AnyNodeRef::ExprName(name) => self.name(name),
            AnyNodeRef::ExprAttribute(attribute) => self.attribute(attribute),
            AnyNodeRef::ExprSubscript(subscript) => self.subscript(subscript),
            AnyNodeRef::ExprCall(call) => self.call(call),
            AnyNodeRef::StmtFor(statement) => self.iterate(&statement.iter),
            AnyNodeRef::Comprehension(clause) => self.iterate(&clause.iter),
            AnyNodeRef::ExprStarred(starred) if starred.ctx == ExprContext::Load => {
                self.iterate(&starred.value)
            }
            AnyNodeRef::ExprCompare(comparison) => {
                comparison.comparators.iter().for_each(|operand| self.iterate_container(operand))
            }
            AnyNodeRef::StmtAugAssign(statement) => self.update(statement),
            AnyNodeRef::StmtWith(statement) => self.enter(statement),
            AnyNodeRef::ExprAwait(_) => self.anything(self.site(node)),
            AnyNodeRef::Alias(_) => self.import(node),
            // Here the code that iterates has its turn; that of a followed generator is looked at by itself.
            AnyNodeRef::ExprYield(_) | AnyNodeRef::ExprYieldFrom(_) if !self.is_elsewhere => {
                self.anything(self.site(node))
            }
            AnyNodeRef::ExprYieldFrom(delegation) => self.iterate(&delegation.value),
            AnyNodeRef::StmtRaise(_) | AnyNodeRef::StmtAssert(_) => {
                let site = self.site(node);
                self.effects.may_raise.get_or_insert(site);
                self.effects.checks.get_or_insert(site);
            }
            AnyNodeRef::ExprBinOp(operation) if may_divide_by_zero(operation) => {
                self.may_raise(self.site(node))
            }
            AnyNodeRef::StmtClassDef(class) => self.bind(class.name.range),
            AnyNodeRef::ExceptHandlerExceptHandler(handler) => {
                handler.name.iter().for_each(|name| self.bind(name.range))
            }
            AnyNodeRef::PatternMatchAs(pattern) => {
                pattern.name.iter().for_each(|name| self.bind(name.range))
            }
            AnyNodeRef::PatternMatchStar(pattern) => {
                pattern.name.iter().for_each(|name| self.bind(name.range))
            }
            _ => {}
        }
    }

    pub(super) fn may_raise(&mut self, site: Site) {
        self.effects.may_raise.get_or_insert(site);
    }

    pub(super) fn anything(&mut self, site: Site) {
        self.effects.read(Place::Anything, site);
        self.effects.write(Place::Anything, site);
        self.may_raise(site);
    }

    /// The first import of a module runs it.
    fn import(&mut self, alias: AnyNodeRef<'a>) {
        if self.project.imports_own_module(self.module, alias) {
            self.anything(self.site(alias));
        }
    }

    fn name(&mut self, name: &'a ExprName) {
        let Some(place) = self.variable_place(name.range) else { return };
        let site = self.site(name);
        if name.ctx == ExprContext::Load {
            self.effects.read(place, site);
        } else {
            self.effects.write(place, site);
        }
    }

    fn bind(&mut self, name: TextRange) {
        if let Some(place) = self.variable_place(name) {
            self.effects.write(place, self.site(name));
        }
    }

    /// The variable named at `range`; `None` for builtins and for what only a callee or a comprehension sees.
    fn variable_place(&self, range: TextRange) -> Option<Place> {
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
    fn is_constant(&self, variable: crate::VariableId) -> bool {
        let binding = self.project.sole_binding(Definition { module: self.module, variable });
        matches!(
            binding,
            Some(
                AnyNodeRef::StmtFunctionDef(_) | AnyNodeRef::StmtClassDef(_) | AnyNodeRef::Alias(_)
            )
        )
    }

    fn attribute(&mut self, attribute: &'a ruff_python_ast::ExprAttribute) {
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
    fn is_method_name(&self, attribute: &'a ruff_python_ast::ExprAttribute) -> bool {
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

    fn is_new_object(&self, object: &Expr) -> bool {
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

    fn subscript(&mut self, subscript: &'a ruff_python_ast::ExprSubscript) {
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

    fn update(&mut self, statement: &'a ruff_python_ast::StmtAugAssign) {
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
    fn iterate_container(&mut self, operand: &'a Expr) {
        if let Expr::Name(name) = operand {
            let site = self.site(name);
            self.effects.read(Place::Content(self.root_of_name(name)), site);
        }
    }

    fn enter(&mut self, statement: &'a ruff_python_ast::StmtWith) {
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

    fn is_known_manager(&self, manager: &Expr) -> bool {
        let Expr::Call(call) = manager else { return false };
        self.project.external_name(self.module, &call.func).is_some()
    }

    /// Whose content an expression's value holds.
    pub(super) fn root_of(&self, expr: &Expr) -> Root {
        match expr {
            Expr::Name(name) => self.root_of_name(name),
            _ => Root::Shared,
        }
    }

    pub(super) fn root_of_name(&self, name: &ExprName) -> Root {
        let Some(variable) = self.names().variable_of(name) else { return Root::Shared };
        let definition = Definition { module: self.module, variable };
        if self.fresh.containers.contains(&definition) || is_own(self.project, definition) {
            Root::Own { definition, name: name.id.to_string() }
        } else {
            Root::Shared
        }
    }

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
    fn finish(mut self) -> Effects {
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

    fn follow_body(&mut self, function: Function<'a>) {
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

    fn first_parameter(&self, function: Function<'a>) -> Option<Definition> {
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

fn is_property(function: Function<'_>) -> bool {
    let names = |expr: &Expr| match expr {
        Expr::Name(name) => name.id.as_str().contains("property"),
        Expr::Attribute(attribute) => attribute.attr.as_str().contains("property"),
        _ => false,
    };
    function.def.decorator_list.iter().any(|decorator| names(&decorator.expression))
}

fn may_divide_by_zero(operation: &ruff_python_ast::ExprBinOp) -> bool {
    use ruff_python_ast::Operator;
    let divides = matches!(operation.op, Operator::Div | Operator::FloorDiv | Operator::Mod);
    divides && !operation.right.is_literal_expr() && !operation.left.is_string_literal_expr()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourceFile;

    /// The effects of the last statement of `text`.
    fn of_last(text: &str) -> Effects {
        let files = [SourceFile::parse("a.py", text).unwrap()];
        let project = Project::of(&files);
        let (id, module) = project.modules().next().unwrap();
        let last = module.file().syntax().body.last().unwrap();
        Effector::of(&project).of_nodes(id, &[last.into()])
    }

    fn writes(text: &str) -> Vec<String> {
        of_last(text).writes.keys().map(ToString::to_string).collect()
    }

    #[test]
    fn a_called_function_is_followed() {
        assert_eq!(writes("def g():\n    print(1)\ndef f():\n    g()\nf()\n"), ["the terminal"]);
    }

    #[test]
    fn a_lambda_that_calls_itself_is_followed_once() {
        assert_eq!(writes("f = lambda n: print(n) or f(n - 1)\nf(3)\n"), ["the terminal"]);
    }

    #[test]
    fn a_long_chain_of_calls_does_not_exhaust_the_stack() {
        let chain: String =
            (0..4_000).map(|n| format!("def f{n}():\n    f{}()\n", n + 1)).collect();
        assert_eq!(
            writes(&format!("{chain}def f4000():\n    print(1)\nf0()\n")),
            ["the terminal"]
        );
    }

    #[test]
    fn a_recursive_function_is_followed_once() {
        assert_eq!(writes("def f(n):\n    print(n)\n    f(n - 1)\nf(3)\n"), ["the terminal"]);
    }

    #[test]
    fn a_new_object_s_own_attributes_are_no_effect() {
        assert!(
            writes("class P:\n    def __init__(self, x):\n        self.x = x\nP(1)\n").is_empty()
        );
    }

    #[test]
    fn calling_a_generator_runs_nothing_yet() {
        assert!(writes("def g():\n    print(1)\n    yield 1\ng()\n").is_empty());
        assert_eq!(
            writes("def g():\n    print(1)\n    yield 1\nfor _ in g(): pass\n"),
            ["`_`", "the terminal"]
        );
    }

    #[test]
    fn a_list_that_nobody_else_has_is_its_own() {
        assert_eq!(
            writes("def f():\n    out = []\n    return out\nout = []\nout.append(1)\n"),
            ["the content of `out`"]
        );
        assert_eq!(
            writes("out = []\nkeep(out)\nout.append(1)\n"),
            ["the content of a shared object"]
        );
    }

    #[test]
    fn a_global_changed_by_a_callee_is_seen() {
        assert_eq!(writes("n = 0\ndef f():\n    global n\n    n += 1\nf()\n"), ["`n`"]);
    }
}
