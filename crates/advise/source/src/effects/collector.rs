use super::following::Waiting;
use super::ownership::is_own;
use super::{Effects, FreshNames, Place, Root, Site};
use crate::tree::NodeId;
use crate::{Definition, Module, ModuleId, Project};
use ruff_python_ast::{AnyNodeRef, Expr, ExprContext, ExprName};
use ruff_text_size::{Ranged, TextRange};
use std::collections::BTreeSet;

pub(super) struct Collector<'p, 'a> {
    pub project: &'p Project<'a>,
    pub module: ModuleId,
    pub effects: Effects,
    /// Functions and iterables already followed, or waiting for it.
    pub seen: BTreeSet<(ModuleId, NodeId)>,
    /// What is still to be followed: a list instead of recursion, because call chains may be long.
    pub waiting: Vec<Waiting<'a>>,
    pub left_out: Option<TextRange>,
    /// The first parameter while a constructor is followed: the object is new, nobody else has it.
    pub new_object: Option<Definition>,
    /// Names of the body looked at whose objects nobody else has while it runs.
    pub fresh: FreshNames,
    /// Whether this is the code of another function: its variables are its own.
    pub is_elsewhere: bool,
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
                self.iterate(&starred.value);
            }
            AnyNodeRef::ExprCompare(comparison) => {
                comparison.comparators.iter().for_each(|operand| self.iterate_container(operand));
            }
            AnyNodeRef::StmtAugAssign(statement) => self.update(statement),
            AnyNodeRef::StmtWith(statement) => self.enter(statement),
            AnyNodeRef::ExprAwait(_) => self.anything(self.site(node)),
            AnyNodeRef::Alias(_) => self.import(node),
            // Here the code that iterates has its turn; that of a followed generator is looked at by itself.
            AnyNodeRef::ExprYield(_) | AnyNodeRef::ExprYieldFrom(_) if !self.is_elsewhere => {
                self.anything(self.site(node));
            }
            AnyNodeRef::ExprYieldFrom(delegation) => self.iterate(&delegation.value),
            AnyNodeRef::StmtRaise(_) | AnyNodeRef::StmtAssert(_) => {
                let site = self.site(node);
                self.effects.may_raise.get_or_insert(site);
                self.effects.checks.get_or_insert(site);
            }
            AnyNodeRef::ExprBinOp(operation) if may_divide_by_zero(operation) => {
                self.may_raise(self.site(node));
            }
            AnyNodeRef::StmtClassDef(class) => self.bind(class.name.range),
            AnyNodeRef::ExceptHandlerExceptHandler(handler) => {
                handler.name.iter().for_each(|name| self.bind(name.range));
            }
            AnyNodeRef::PatternMatchAs(pattern) => {
                pattern.name.iter().for_each(|name| self.bind(name.range));
            }
            AnyNodeRef::PatternMatchStar(pattern) => {
                pattern.name.iter().for_each(|name| self.bind(name.range));
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
}

fn may_divide_by_zero(operation: &ruff_python_ast::ExprBinOp) -> bool {
    use ruff_python_ast::Operator;
    let divides = matches!(operation.op, Operator::Div | Operator::FloorDiv | Operator::Mod);
    divides && !operation.right.is_literal_expr() && !operation.left.is_string_literal_expr()
}
