//! Functions that make a list of results and return it.

use crate::Blocker;
use lowtide_source::ast::{
    self, AnyNodeRef, Expr, ExprListComp, Operator, Stmt, StmtFunctionDef, StmtReturn,
};
use lowtide_source::{Access, Function, Module, Project, Ranged, Reference, VariableId};

/// A function that returns a list made in full.
#[derive(Debug)]
pub(super) struct Collected<'a> {
    pub function: Function<'a>,
    pub form: Form<'a>,
}

/// How the list is made.
#[derive(Debug)]
pub(super) enum Form<'a> {
    /// An empty list at the start, results added on the way, and the list returned at the end.
    Appended(Appended<'a>),
    /// `return [... for ...]` as the last statement.
    Comprehension(&'a ExprListComp),
    /// The same at the end of a `with` block, which must stay open meanwhile.
    InsideWith(Returned<'a>),
}

/// A comprehension that is returned from inside a block.
#[derive(Debug)]
pub(super) struct Returned<'a> {
    pub comprehension: &'a ExprListComp,
    pub statement: &'a StmtReturn,
    /// Every `return` of the function.
    pub returns: Vec<&'a StmtReturn>,
}

#[derive(Debug)]
pub(super) struct Appended<'a> {
    pub variable: VariableId,
    pub name: &'a str,
    /// `results = []`
    pub start: &'a Stmt,
    pub additions: Vec<Addition<'a>>,
    /// Every `return` of the function.
    pub returns: Vec<&'a StmtReturn>,
}

/// A statement that adds to the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addition<'a> {
    pub statement: AnyNodeRef<'a>,
    pub added: Added<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Added<'a> {
    /// `results.append(value)`
    One { arguments: &'a ast::Arguments, value: &'a Expr },
    /// `results.extend(values)`
    Each { arguments: &'a ast::Arguments, values: &'a Expr },
    /// `results += values`
    EachOf { values: &'a Expr },
}

impl<'a> Collected<'a> {
    /// The collected results of `function`, if that is what it makes.
    pub fn by(project: &Project<'a>, function: Function<'a>) -> Option<Self> {
        let module = project.module(function.module);
        let (statement, is_inside) = last_return(&function.def.body)?;
        let form = match (statement.value.as_deref()?, is_inside) {
            (Expr::ListComp(comprehension), false) => Form::Comprehension(comprehension),
            (Expr::ListComp(comprehension), true) => Form::InsideWith(Returned {
                comprehension,
                statement,
                returns: returns_of(module, function.def),
            }),
            (Expr::Name(name), _) => {
                Form::Appended(Appended::to(module, function.def, module.variable_of(name)?)?)
            }
            _ => return None,
        };
        Some(Self { function, form })
    }

    /// The name of the list, or of the function where it has none.
    pub fn subject(&self) -> &'a str {
        match &self.form {
            Form::Appended(appended) => appended.name,
            Form::Comprehension(_) | Form::InsideWith(_) => self.function.def.name.as_str(),
        }
    }

    /// The node that makes the first result.
    pub fn first_result(&self) -> AnyNodeRef<'a> {
        match &self.form {
            Form::Appended(appended) => appended.additions[0].statement,
            Form::Comprehension(comprehension) => (*comprehension).into(),
            Form::InsideWith(returned) => returned.comprehension.into(),
        }
    }

    /// What else the function does with the list, or returns.
    pub fn blockers(&self, module: &Module<'a>) -> Vec<Blocker> {
        match &self.form {
            Form::Appended(appended) => appended.blockers(module),
            Form::Comprehension(_) => Vec::new(),
            Form::InsideWith(returned) => {
                let others = returned
                    .returns
                    .iter()
                    .filter(|node| !std::ptr::eq(**node, returned.statement));
                others.filter_map(|node| returns_something_else(module, node)).collect()
            }
        }
    }

    /// The statements from inside which results would be handed over.
    pub fn hand_overs(&self) -> Vec<AnyNodeRef<'a>> {
        match &self.form {
            Form::Appended(appended) => {
                appended.additions.iter().map(|addition| addition.statement).collect()
            }
            Form::Comprehension(_) => Vec::new(),
            Form::InsideWith(returned) => vec![returned.statement.into()],
        }
    }
}

impl<'a> Appended<'a> {
    fn to(module: &Module<'a>, def: &'a StmtFunctionDef, variable: VariableId) -> Option<Self> {
        let start = def.body.iter().find(|statement| starts_list(module, statement, variable))?;
        let references: Vec<_> = module.references(variable).collect();
        let additions: Vec<_> =
            references.iter().filter_map(|reference| addition(module, reference)).collect();
        let own = module.scope_opened_by(def.into())?;
        let looped = additions.iter().any(|addition| {
            module
                .ancestors(addition.statement)
                .any(|above| above.is_stmt_for() || above.is_stmt_while())
        });
        let returns = returns_of(module, def);
        let name = module.variable(variable).name;
        (looped && module.variable(variable).scope == own).then_some(Self {
            variable,
            name,
            start,
            additions,
            returns,
        })
    }

    fn blockers(&self, module: &Module<'a>) -> Vec<Blocker> {
        let line = |node: &dyn Ranged| module.file().line_of(node.range().start());
        let mut blockers = Vec::new();
        for reference in
            module.references(self.variable).filter(|reference| !self.explains(module, reference))
        {
            let reason = format!(
                "the function itself uses `{}` (line {})",
                self.name,
                line(&reference.range)
            );
            blockers.push(Blocker {
                name: "list-used-inside",
                reason,
                line: line(&reference.range),
            });
        }
        let others = self.returns.iter().filter(|node| !self.is_the_list(module, node));
        blockers.extend(others.filter_map(|node| returns_something_else(module, node)));
        blockers
    }

    fn explains(&self, module: &Module<'a>, reference: &Reference<'a>) -> bool {
        let starts = self.start.range().contains_range(reference.range);
        let adds = || self.additions.iter().any(|addition| addition.names_list_at(reference));
        let returned = || {
            self.returns.iter().any(|node| {
                node.value.as_ref().is_some_and(|value| value.range() == reference.range)
                    && self.is_the_list(module, node)
            })
        };
        starts || adds() || returned()
    }

    fn is_the_list(&self, module: &Module<'a>, node: &StmtReturn) -> bool {
        matches!(node.value.as_deref(), Some(Expr::Name(name)) if module.variable_of(name) == Some(self.variable))
    }
}

impl<'a> Addition<'a> {
    /// Whether this addition is why the list is named there.
    fn names_list_at(&self, reference: &Reference<'a>) -> bool {
        self.statement.start() == reference.range.start()
    }
}

/// `results = []` or `results = list()`, the name's first binding.
fn starts_list(module: &Module<'_>, statement: &Stmt, variable: VariableId) -> bool {
    let (target, value) = match statement {
        Stmt::Assign(node) => match &node.targets[..] {
            [target] => (target, &*node.value),
            _ => return false,
        },
        Stmt::AnnAssign(node) => match &node.value {
            Some(value) => (&*node.target, &**value),
            None => return false,
        },
        _ => return false,
    };
    let names_it =
        target.as_name_expr().is_some_and(|name| module.variable_of(name) == Some(variable));
    names_it && is_empty_list(value)
}

fn is_empty_list(value: &Expr) -> bool {
    match value {
        Expr::List(list) => list.elts.is_empty(),
        Expr::Call(call) => {
            matches!(&*call.func, Expr::Name(name) if name.id == "list")
                && call.arguments.is_empty()
        }
        _ => false,
    }
}

/// `return []` gives callers nothing to go through, as a bare `return` of a generator does; anything else is lost.
fn returns_something_else(module: &Module<'_>, node: &StmtReturn) -> Option<Blocker> {
    if node.value.as_deref().is_some_and(is_empty_list) {
        return None;
    }
    let line = module.file().line_of(node.start());
    Some(Blocker {
        name: "returns-something-else",
        reason: format!("line {line} returns something else"),
        line,
    })
}

/// The `return` that ends a body, and whether it stands inside a `with`.
fn last_return(body: &[Stmt]) -> Option<(&StmtReturn, bool)> {
    match body.last()? {
        Stmt::Return(statement) => Some((statement, false)),
        Stmt::With(with) => last_return(&with.body).map(|(statement, _)| (statement, true)),
        _ => None,
    }
}

/// Every `return` of the function itself.
fn returns_of<'a>(module: &Module<'a>, def: &'a StmtFunctionDef) -> Vec<&'a StmtReturn> {
    let own = module.scope_opened_by(def.into());
    let nodes = module.nodes_in(def.into());
    let returns = nodes.filter_map(|node| match node {
        AnyNodeRef::StmtReturn(node)
            if Some(module.frame_of(module.scope_of(node.into()))) == own =>
        {
            Some(node)
        }
        _ => None,
    });
    returns.collect()
}

/// The addition that names the list at `reference`, if it is a statement of its own in the same function.
fn addition<'a>(module: &Module<'a>, reference: &Reference<'a>) -> Option<Addition<'a>> {
    if reference.scope != module.variable(reference.variable).scope {
        return None;
    }
    let parent = module.parent(reference.node)?;
    if let (Access::Update, AnyNodeRef::StmtAugAssign(node)) = (reference.access, parent) {
        let added = Added::EachOf { values: &node.value };
        return (node.op == Operator::Add).then_some(Addition { statement: parent, added });
    }
    let AnyNodeRef::ExprAttribute(method) = parent else { return None };
    let AnyNodeRef::ExprCall(call) = module.parent(parent)? else { return None };
    let statement = module.parent(call.into()).filter(AnyNodeRef::is_stmt_expr)?;
    let [value] = &*call.arguments.args else { return None };
    let arguments = &call.arguments;
    if !arguments.keywords.is_empty()
        || value.is_starred_expr()
        || call.start() != reference.range.start()
    {
        return None;
    }
    match method.attr.as_str() {
        "append" => Some(Addition { statement, added: Added::One { arguments, value } }),
        "extend" => Some(Addition { statement, added: Added::Each { arguments, values: value } }),
        _ => None,
    }
}
