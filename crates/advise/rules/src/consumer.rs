//! Who goes through the items of a value: once, in order, and keeping how much.

use lowtide_source::ast::{self, AnyNodeRef, Expr, ExprCall};
use lowtide_source::{Module, ModuleId, Project, Ranged};

/// A single pass over the items of a value.
#[derive(Clone, Debug)]
pub(crate) struct Consumer<'a> {
    /// What goes through the items, as it is called in source: `for`, `sum`, `str.join`.
    pub name: String,
    /// The share of the list's memory that the consumer takes anyway when it is handed a generator.
    pub kept_share: f64,
    /// Where it may stop before the last item.
    pub may_stop: Option<AnyNodeRef<'a>>,
    /// The code that runs while items are still to come: a `for` statement, or the whole consuming expression.
    pub code: AnyNodeRef<'a>,
}

/// The single pass that the expression `value` is handed to where it stands.
pub(crate) fn consumer_of<'a>(
    project: &Project<'a>,
    id: ModuleId,
    value: AnyNodeRef<'a>,
) -> Option<Consumer<'a>> {
    let module = project.module(id);
    match module.parent(value)? {
        AnyNodeRef::StmtFor(statement) if !statement.is_async && is(value, &statement.iter) => {
            Some(Consumer {
                name: "for".into(),
                kept_share: 0.0,
                may_stop: early_exit(module, statement),
                code: statement.into(),
            })
        }
        AnyNodeRef::Comprehension(clause) if !clause.is_async && is(value, &clause.iter) => {
            by_comprehension(project, id, clause)
        }
        AnyNodeRef::ExprCompare(comparison) => by_membership(comparison, value),
        AnyNodeRef::ExprYieldFrom(delegation) => Some(eager("yield from", 0.0, delegation.into())),
        AnyNodeRef::ExprStarred(starred) => by_unpacking(module, starred),
        AnyNodeRef::Arguments(arguments) => match module.parent(arguments.into())? {
            AnyNodeRef::ExprCall(call) => by_call(project, id, call, value),
            _ => None,
        },
        _ => None,
    }
}

fn is(node: AnyNodeRef<'_>, expr: &Expr) -> bool {
    node.ptr_eq(AnyNodeRef::from(expr))
}

fn eager<'a>(name: &str, kept_share: f64, code: AnyNodeRef<'a>) -> Consumer<'a> {
    Consumer { name: name.to_owned(), kept_share, may_stop: None, code }
}

/// The first clause of a comprehension goes through its iterable once; the others, once per item of the first.
fn by_comprehension<'a>(
    project: &Project<'a>,
    id: ModuleId,
    clause: &'a ast::Comprehension,
) -> Option<Consumer<'a>> {
    let whole = project.module(id).parent(clause.into())?;
    let (first, is_lazy) = match whole {
        AnyNodeRef::ExprListComp(node) => (node.generators.first()?, false),
        AnyNodeRef::ExprSetComp(node) => (node.generators.first()?, false),
        AnyNodeRef::ExprDictComp(node) => (node.generators.first()?, false),
        AnyNodeRef::ExprGenerator(node) => (node.generators.first()?, true),
        _ => return None,
    };
    if !std::ptr::eq(first, clause) {
        return None;
    }
    if is_lazy {
        consumer_of(project, id, whole)
    } else {
        Some(eager("a comprehension", 0.0, whole))
    }
}

fn by_membership<'a>(
    comparison: &'a ast::ExprCompare,
    value: AnyNodeRef<'_>,
) -> Option<Consumer<'a>> {
    let ([operator], [container]) = (&*comparison.ops, &*comparison.comparators) else {
        return None;
    };
    let looks_inside =
        matches!(operator, ast::CmpOp::In | ast::CmpOp::NotIn) && is(value, container);
    looks_inside.then(|| Consumer {
        name: "in".into(),
        kept_share: 0.0,
        may_stop: Some(comparison.into()),
        code: comparison.into(),
    })
}

/// `f(*items)`, `[*items]`: all items are kept until the call or display is done.
fn by_unpacking<'a>(module: &Module<'a>, starred: &'a ast::ExprStarred) -> Option<Consumer<'a>> {
    if starred.ctx != ast::ExprContext::Load {
        return None;
    }
    match module.parent(starred.into())? {
        AnyNodeRef::Arguments(arguments) => match module.parent(arguments.into())? {
            AnyNodeRef::ExprCall(call) => Some(eager("*", KEPT_BY_A_NEW_LIST, call.into())),
            _ => None,
        },
        display @ (AnyNodeRef::ExprList(_) | AnyNodeRef::ExprTuple(_) | AnyNodeRef::ExprSet(_)) => {
            Some(eager("*", KEPT_BY_A_NEW_LIST, display))
        }
        _ => None,
    }
}

/// Measured on CPython 3.11 and 3.13 with 200,000 ints: share of the peak that stays (docs/rules/LT102).
const KEPT_BY_A_NEW_LIST: f64 = 0.85;
const KEPT_BY_A_DICT: f64 = 0.55;
/// `join` makes a list of whatever it is given.
const KEPT_BY_JOIN: f64 = 1.0;

fn by_call<'a>(
    project: &Project<'a>,
    id: ModuleId,
    call: &'a ExprCall,
    value: AnyNodeRef<'_>,
) -> Option<Consumer<'a>> {
    let place = call.arguments.args.iter().position(|argument| is(value, argument))?;
    if let Expr::Attribute(method) = &*call.func
        && let Some(kept_share) = kept_by_method(project, id, method, place)
    {
        return Some(eager(&format!(".{}()", method.attr), kept_share, call.into()));
    }
    let full_name = project.external_name(id, &call.func)?;
    let name = full_name.strip_prefix("builtins.").unwrap_or(&full_name);
    if is_lazy_wrapper(name, place) {
        let mut consumer = consumer_of(project, id, call.into())?;
        // `zip` ends with its shortest argument.
        let stops = matches!(name, "itertools.islice" | "itertools.takewhile")
            || name == "zip" && call.arguments.args.len() > 1;
        let may_stop = stops.then_some(call.into());
        consumer.may_stop = consumer.may_stop.or(may_stop);
        return Some(consumer);
    }
    let kept_share = kept_by_function(name, place, call.arguments.args.len())?;
    let may_stop = matches!(name, "any" | "all").then_some(call.into());
    Some(Consumer { name: name.to_owned(), kept_share, may_stop, code: call.into() })
}

fn kept_by_method(
    project: &Project<'_>,
    id: ModuleId,
    method: &ast::ExprAttribute,
    place: usize,
) -> Option<f64> {
    if place != 0 || project.meaning_of_attribute(id, method).is_some() {
        return None;
    }
    match method.attr.as_str() {
        "join" if method.value.is_literal_expr() => Some(KEPT_BY_JOIN),
        "writelines" => Some(0.0),
        "extend" | "update" if is_builtin_container(project, id, &method.value) => {
            Some(KEPT_BY_A_NEW_LIST)
        }
        _ => None,
    }
}

/// Whether a name is bound to builtin containers only; any other object's `extend` may want a real list.
fn is_builtin_container(project: &Project<'_>, id: ModuleId, receiver: &Expr) -> bool {
    let module = project.module(id);
    let Expr::Name(name) = receiver else { return false };
    let Some(bindings) = module.reference_at(name).and_then(|read| module.bindings_reaching(read))
    else {
        return false;
    };
    let makes_container = |value: &Expr| match value {
        Expr::Call(call) => project.external_name(id, &call.func).is_some_and(|name| {
            matches!(
                name.as_str(),
                "builtins.list" | "builtins.set" | "collections.deque" | "collections.Counter"
            )
        }),
        _ => matches!(value, Expr::List(_) | Expr::Set(_) | Expr::ListComp(_) | Expr::SetComp(_)),
    };
    !bindings.is_empty()
        && bindings.iter().all(|&binding| match module.parent(module.reference(binding).node) {
            Some(AnyNodeRef::StmtAssign(assign)) => makes_container(&assign.value),
            Some(AnyNodeRef::StmtAnnAssign(assign)) => {
                assign.value.as_deref().is_some_and(makes_container)
            }
            _ => false,
        })
}

/// Functions that hand the items on one by one.
fn is_lazy_wrapper(name: &str, place: usize) -> bool {
    match name {
        "map" | "filter" => place >= 1,
        "zip" | "itertools.chain" => true,
        "enumerate"
        | "iter"
        | "csv.reader"
        | "csv.DictReader"
        | "itertools.chain.from_iterable"
        | "itertools.islice"
        | "itertools.accumulate"
        | "itertools.pairwise"
        | "itertools.batched" => place == 0,
        "itertools.takewhile"
        | "itertools.dropwhile"
        | "itertools.filterfalse"
        | "itertools.starmap" => place == 1,
        _ => false,
    }
}

/// The share of a list's memory that a function takes anyway when it is handed a generator instead.
fn kept_by_function(name: &str, place: usize, arguments: usize) -> Option<f64> {
    let share = match name {
        "sum" | "any" | "all" | "math.fsum" | "math.prod" | "collections.Counter" if place == 0 => {
            0.0
        }
        "min" | "max" if arguments == 1 => 0.0,
        "functools.reduce" if place == 1 => 0.0,
        "sorted" | "list" | "tuple" | "set" | "frozenset" | "collections.deque" if place == 0 => {
            KEPT_BY_A_NEW_LIST
        }
        "dict" | "collections.OrderedDict" if place == 0 => KEPT_BY_A_DICT,
        _ => return None,
    };
    Some(share)
}

/// Where a loop may be left before its last item.
fn early_exit<'a>(module: &Module<'a>, statement: &'a ast::StmtFor) -> Option<AnyNodeRef<'a>> {
    let body = statement.body.iter().flat_map(|inner| module.nodes_in(inner.into()));
    let frame = module.frame_of(module.scope_of(statement.into()));
    body.filter(|node| module.frame_of(module.scope_of(*node)) == frame).find(|&node| match node {
        AnyNodeRef::StmtReturn(_) | AnyNodeRef::StmtRaise(_) => true,
        AnyNodeRef::StmtBreak(_) => breaks_out_of(module, node, statement),
        _ => false,
    })
}

fn breaks_out_of(module: &Module<'_>, node: AnyNodeRef<'_>, statement: &ast::StmtFor) -> bool {
    let mut child = node;
    for above in module.ancestors(node) {
        let is_in_body = |body: &[ast::Stmt]| {
            body.iter().any(|inner| inner.range().contains_range(child.range()))
        };
        match above {
            AnyNodeRef::StmtFor(inner) if is_in_body(&inner.body) => {
                return std::ptr::eq(inner, statement);
            }
            AnyNodeRef::StmtWhile(inner) if is_in_body(&inner.body) => return false,
            _ => child = above,
        }
    }
    false
}
