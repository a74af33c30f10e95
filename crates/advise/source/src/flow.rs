//! Use-def: which bindings may reach each read of a variable, following the control flow of one body at a time.
//!
//! Where the flow is uncertain (loops, `try`, `with` that may swallow an exception) more bindings are said to reach
//! than truly can, never fewer.

use crate::binder::Bindings;
use crate::scope::{Access, ReferenceId, ScopeId, ScopeKind, Scopes, VariableId};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, AnyNodeRef, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};
use std::collections::{BTreeMap, BTreeSet};

/// For each read, the bindings that may have been the last before it.
pub(crate) type Reaching = BTreeMap<ReferenceId, BTreeSet<ReferenceId>>;

type State = BTreeMap<VariableId, BTreeSet<ReferenceId>>;

/// Follows every body of the file.
pub(crate) fn follow<'a>(
    scopes: &Scopes<'a>,
    bindings: &Bindings<'a>,
    frames: &[ScopeId],
) -> Reaching {
    let mut flow = Flow {
        scopes,
        bindings,
        frame: ScopeId::MODULE,
        state: None,
        breaks: Vec::new(),
        reaching: Reaching::new(),
    };
    for &frame in frames {
        flow.follow_frame(frame);
    }
    flow.reaching
}

/// The function, lambda or module in whose run the code of `scope` is run.
pub(crate) fn frame_of(scopes: &Scopes<'_>, scope: ScopeId) -> ScopeId {
    let opens_frame = |&scope: &ScopeId| {
        matches!(
            scopes.get(scope).kind,
            ScopeKind::Module | ScopeKind::Function | ScopeKind::Lambda
        )
    };
    scopes.outwards(scope).find(opens_frame).unwrap_or(ScopeId::MODULE)
}

struct Flow<'m, 'a> {
    scopes: &'m Scopes<'a>,
    bindings: &'m Bindings<'a>,
    frame: ScopeId,
    /// Bindings in force; `None` where control cannot come.
    state: Option<State>,
    /// States at the `break`s of each loop around, innermost last.
    breaks: Vec<Vec<State>>,
    reaching: Reaching,
}

impl<'a> Flow<'_, 'a> {
    fn follow_frame(&mut self, frame: ScopeId) {
        self.frame = frame;
        self.state = Some(self.parameters_of(frame));
        self.breaks.clear();
        match self.scopes.get(frame).node {
            AnyNodeRef::ModModule(module) => self.visit_body(&module.body),
            AnyNodeRef::StmtFunctionDef(def) => self.visit_body(&def.body),
            AnyNodeRef::ExprLambda(lambda) => self.visit_expr(&lambda.body),
            _ => {}
        }
    }

    fn parameters_of(&self, frame: ScopeId) -> State {
        let mut state = State::new();
        for &variable in self.scopes.get(frame).variables.values() {
            let references = &self.bindings.variables[variable.0 as usize].references;
            let parameter = references
                .iter()
                .find(|id| self.bindings.references[id.0 as usize].node.is_parameter());
            if let Some(&parameter) = parameter {
                state.insert(variable, BTreeSet::from([parameter]));
            }
        }
        state
    }

    /// The name at `offset` is read or bound.
    fn touch(&mut self, offset: TextSize, may_be_skipped: bool) {
        let Some(&id) = self.bindings.by_offset.get(&offset.into()) else { return };
        let reference = self.bindings.references[id.0 as usize];
        let owner = self.bindings.variables[reference.variable.0 as usize].scope;
        if frame_of(self.scopes, owner) != self.frame {
            return;
        }
        let Some(state) = &mut self.state else { return };
        let in_force = state.entry(reference.variable).or_default();
        if reference.access.reads() {
            self.reaching.entry(id).or_default().extend(in_force.iter().copied());
        }
        if reference.access.rebinds() && !declares_only(reference.access, reference.node) {
            if !may_be_skipped {
                in_force.clear();
            }
            in_force.insert(id);
        }
    }

    /// All bindings that stand inside `range` may be in force from here on.
    fn admit_bindings_in(&mut self, range: TextRange) {
        let Some(state) = &mut self.state else { return };
        let offsets = u32::from(range.start())..u32::from(range.end());
        for &id in self.bindings.by_offset.range(offsets).map(|(_, id)| id) {
            let reference = &self.bindings.references[id.0 as usize];
            if reference.access.rebinds() {
                state.entry(reference.variable).or_default().insert(id);
            }
        }
    }

    fn join(&mut self, other: Option<State>) {
        self.state = match (self.state.take(), other) {
            (Some(mut state), Some(other)) => {
                for (variable, bindings) in other {
                    state.entry(variable).or_default().extend(bindings);
                }
                Some(state)
            }
            (state, other) => state.or(other),
        };
    }

    fn visit_loop(
        &mut self,
        target: Option<&'a Expr>,
        body: &'a [Stmt],
        orelse: &'a [Stmt],
        endless: bool,
    ) {
        let at_head = self.state.clone();
        self.breaks.push(Vec::new());
        if let Some(target) = target {
            self.visit_expr(target);
        }
        self.visit_body(body);
        // What the body binds was admitted at the head already.
        self.state = if endless { None } else { at_head };
        self.visit_body(orelse);
        for state in self.breaks.pop().unwrap_or_default() {
            self.join(Some(state));
        }
    }

    fn visit_branches(&mut self, branches: impl Iterator<Item = Branch<'a>>) {
        let mut after = None;
        let mut is_exhaustive = false;
        for branch in branches {
            if let Some(pattern) = branch.pattern {
                self.visit_pattern(pattern);
            }
            if let Some(test) = branch.test {
                self.visit_expr(test);
            }
            let otherwise = self.state.clone();
            self.visit_body(branch.body);
            let ended = std::mem::replace(&mut self.state, after);
            self.join(ended);
            after = std::mem::replace(&mut self.state, otherwise);
            is_exhaustive |= branch.always;
        }
        if is_exhaustive {
            self.state = None;
        }
        self.join(after);
    }

    fn visit_try(&mut self, statement: &'a ast::StmtTry) {
        let before = self.state.clone();
        self.visit_body(&statement.body);
        let body_range = range_of(&statement.body);
        self.visit_body(&statement.orelse);
        let mut after = self.state.take();
        for ast::ExceptHandler::ExceptHandler(handler) in &statement.handlers {
            self.state.clone_from(&before);
            self.admit_bindings_in(body_range);
            self.visit_handler(handler);
            self.join(after);
            after = self.state.take();
        }
        // `finally` runs after any part of the statement; what follows it, only after an orderly end.
        self.state = before;
        self.admit_bindings_in(statement.range);
        self.visit_body(&statement.finalbody);
        self.state = after;
        self.visit_body(&statement.finalbody);
    }

    fn visit_handler(&mut self, handler: &'a ast::ExceptHandlerExceptHandler) {
        if let Some(class) = &handler.type_ {
            self.visit_expr(class);
        }
        if let Some(name) = &handler.name {
            self.touch(name.range.start(), false);
        }
        self.visit_body(&handler.body);
    }

    fn visit_with(&mut self, statement: &'a ast::StmtWith) {
        for item in &statement.items {
            self.visit_with_item(item);
        }
        let before = self.state.clone();
        self.visit_body(&statement.body);
        // A context manager may swallow an exception from anywhere in the body.
        let after = std::mem::replace(&mut self.state, before);
        self.admit_bindings_in(range_of(&statement.body));
        self.join(after);
    }
}

struct Branch<'a> {
    pattern: Option<&'a ast::Pattern>,
    test: Option<&'a Expr>,
    body: &'a [Stmt],
    always: bool,
}

fn branches_of_if(statement: &ast::StmtIf) -> impl Iterator<Item = Branch<'_>> {
    let first =
        Branch { pattern: None, test: Some(&statement.test), body: &statement.body, always: false };
    let others = statement.elif_else_clauses.iter().map(|clause| Branch {
        pattern: None,
        test: clause.test.as_ref(),
        body: &clause.body,
        always: clause.test.is_none(),
    });
    std::iter::once(first).chain(others)
}

fn branches_of_match(statement: &ast::StmtMatch) -> impl Iterator<Item = Branch<'_>> {
    statement.cases.iter().map(|case| Branch {
        pattern: Some(&case.pattern),
        test: case.guard.as_deref(),
        body: &case.body,
        always: case.guard.is_none() && case.pattern.is_irrefutable(),
    })
}

/// `x: int` without a value makes a name local but binds nothing.
fn declares_only(access: Access, node: AnyNodeRef<'_>) -> bool {
    access == Access::Store && matches!(node, AnyNodeRef::StmtAnnAssign(_))
}

fn range_of(body: &[Stmt]) -> TextRange {
    match body {
        [first, .., last] => TextRange::new(first.start(), last.end()),
        [only] => only.range(),
        [] => TextRange::default(),
    }
}

impl<'a> Visitor<'a> for Flow<'_, 'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::If(statement) => self.visit_branches(branches_of_if(statement)),
            Stmt::Match(statement) => {
                self.visit_expr(&statement.subject);
                self.visit_branches(branches_of_match(statement));
            }
            Stmt::While(statement) => {
                self.admit_bindings_in(statement.range);
                self.visit_expr(&statement.test);
                let endless =
                    matches!(&*statement.test, Expr::BooleanLiteral(literal) if literal.value);
                self.visit_loop(None, &statement.body, &statement.orelse, endless);
            }
            Stmt::For(statement) => {
                self.visit_expr(&statement.iter);
                self.admit_bindings_in(statement.range);
                self.visit_loop(Some(&statement.target), &statement.body, &statement.orelse, false);
            }
            Stmt::Try(statement) => self.visit_try(statement),
            Stmt::With(statement) => self.visit_with(statement),
            Stmt::Break(_) => {
                if let (Some(state), Some(breaks)) = (self.state.take(), self.breaks.last_mut()) {
                    breaks.push(state);
                }
            }
            Stmt::Return(_) | Stmt::Raise(_) | Stmt::Continue(_) => {
                visitor::walk_stmt(self, statement);
                self.state = None;
            }
            Stmt::FunctionDef(def) => self.visit_def(def),
            Stmt::ClassDef(class) => {
                visitor::walk_stmt(self, statement);
                self.touch(class.name.range.start(), false);
            }
            Stmt::AnnAssign(statement) if statement.value.is_none() => {
                self.visit_annotation(&statement.annotation);
            }
            _ => visitor::walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => self.touch(name.range.start(), false),
            Expr::Named(named) => {
                self.visit_expr(&named.value);
                // Standing in `a and (b := c)`, it may not run.
                self.touch(named.target.start(), true);
            }
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_parameters(parameters);
                }
            }
            _ => visitor::walk_expr(self, expr),
        }
    }

    fn visit_alias(&mut self, alias: &'a ast::Alias) {
        self.touch(alias.asname.as_ref().unwrap_or(&alias.name).range.start(), false);
    }

    fn visit_pattern(&mut self, pattern: &'a ast::Pattern) {
        let name = match pattern {
            ast::Pattern::MatchAs(pattern) => pattern.name.as_ref(),
            ast::Pattern::MatchStar(pattern) => pattern.name.as_ref(),
            ast::Pattern::MatchMapping(pattern) => pattern.rest.as_ref(),
            _ => None,
        };
        visitor::walk_pattern(self, pattern);
        if let Some(name) = name {
            // A pattern that fails later may have bound the name already.
            self.touch(name.range.start(), true);
        }
    }
}

impl<'a> Flow<'_, 'a> {
    /// The body runs later and is followed on its own.
    fn visit_def(&mut self, def: &'a ast::StmtFunctionDef) {
        for decorator in &def.decorator_list {
            self.visit_decorator(decorator);
        }
        self.visit_parameters(&def.parameters);
        if let Some(returns) = &def.returns {
            self.visit_annotation(returns);
        }
        self.touch(def.name.range.start(), false);
    }
}
