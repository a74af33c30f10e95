//! Facts that forbid to keep what grows in a buffer meanwhile.

use super::addition::Addition;
use super::evidence::Bytes;
use super::stretch::Stretch;
use super::subject::Mention;
use crate::Blocker;
use lowtide_source::ast::{AnyNodeRef, Expr, Stmt};
use lowtide_source::{Access, Module, ModuleId, Ranged, ScopeId};

/// All blockers of one stretch but those of attributes.
pub(super) fn blockers<'a>(
    module: &Module<'a>,
    id: ModuleId,
    bytes: Bytes<'_, 'a>,
    stretch: &Stretch<'a>,
) -> Vec<Blocker> {
    let mut blockers: Vec<Blocker> =
        stretch.offences.iter().map(|mention| offence(module, stretch, mention)).collect();
    blockers.extend(unknown_chunk(module, id, bytes, stretch));
    blockers.extend(jump_out(module, stretch));
    blockers.extend(partial_seen(module, stretch));
    if !stretch.subject.is_attribute() {
        blockers.extend(not_own(module, stretch));
    }
    blockers
}

/// What a use of the bytes so far is called.
fn offence<'a>(module: &Module<'a>, stretch: &Stretch<'a>, mention: &Mention<'a>) -> Blocker {
    let subject = stretch.subject.text();
    let (name, what) = match use_of(module, mention) {
        Looked::At => ("read-in-loop", "is read before the loop has ended"),
        Looked::Escaping => ("escapes", "is handed on before the loop has ended"),
        Looked::Aliased => ("aliased", "gets a second name before the loop has ended"),
        Looked::Hashed => ("hashed", "is hashed before the loop has ended"),
        Looked::TypeTested => ("type-checked", "has its type looked at before the loop has ended"),
        Looked::Rebound => ("rebound-in-loop", "is bound or deleted in the loop"),
    };
    let line = module.file().line_of(mention.range.start());
    Blocker { name, reason: format!("`{subject}` {what} (line {line})"), line }
}

enum Looked {
    At,
    Escaping,
    Aliased,
    Hashed,
    TypeTested,
    Rebound,
}

fn use_of<'a>(module: &Module<'a>, mention: &Mention<'a>) -> Looked {
    if mention.access != Access::Load {
        return Looked::Rebound;
    }
    match module.parent(mention.node) {
        Some(AnyNodeRef::Arguments(arguments)) => match module.parent(arguments.into()) {
            Some(AnyNodeRef::ExprCall(call)) => use_by_call(call),
            _ => Looked::Escaping,
        },
        Some(
            AnyNodeRef::Keyword(_)
            | AnyNodeRef::ExprYield(_)
            | AnyNodeRef::ExprTuple(_)
            | AnyNodeRef::ExprList(_),
        ) => Looked::Escaping,
        Some(
            AnyNodeRef::StmtAssign(_) | AnyNodeRef::StmtAnnAssign(_) | AnyNodeRef::ExprNamed(_),
        ) => Looked::Aliased,
        Some(AnyNodeRef::ExprSubscript(part)) if part.slice.range() == mention.range => {
            Looked::Hashed
        }
        Some(AnyNodeRef::ExprSet(_) | AnyNodeRef::ExprDict(_)) => Looked::Hashed,
        _ => Looked::At,
    }
}

fn use_by_call(call: &lowtide_source::ast::ExprCall) -> Looked {
    match &*call.func {
        Expr::Name(name) if name.id == "len" => Looked::At,
        Expr::Name(name) if name.id == "hash" => Looked::Hashed,
        Expr::Name(name) if name.id == "isinstance" || name.id == "type" => Looked::TypeTested,
        _ => Looked::Escaping,
    }
}

fn unknown_chunk<'a>(
    module: &Module<'a>,
    id: ModuleId,
    bytes: Bytes<'_, 'a>,
    stretch: &Stretch<'a>,
) -> Option<Blocker> {
    let mut chunks = stretch.additions.iter().flat_map(Addition::chunks);
    let unknown = chunks.find(|chunk| !bytes.is_bytes(id, chunk))?;
    let line = module.file().line_of(unknown.start());
    let text = module.file().slice(unknown);
    let reason = format!("nothing tells that `{text}` is bytes (line {line}); an annotation would");
    Some(Blocker { name: "chunk-not-bytes", reason, line })
}

/// A `break` or `continue` of a loop around the stretch would skip its end.
fn jump_out<'a>(module: &Module<'a>, stretch: &Stretch<'a>) -> Option<Blocker> {
    let statements = &stretch.block[stretch.first..=stretch.last];
    let nodes = statements.iter().flat_map(|statement| module.nodes_in(statement.into()));
    let jump =
        nodes.filter(|node| node.is_stmt_break() || node.is_stmt_continue()).find(|&jump| {
            let loop_left = loop_of_jump(module, jump);
            loop_left.is_none_or(|left| !stretch.range().contains_range(left.range()))
        })?;
    let line = module.file().line_of(jump.start());
    Some(Blocker {
        name: "jump-past-end",
        reason: format!("line {line} leaves an outer loop from inside"),
        line,
    })
}

/// The loop that a `break` or `continue` ends or starts over: the innermost whose body, not whose `else`, holds it.
fn loop_of_jump<'a>(module: &Module<'a>, jump: AnyNodeRef<'a>) -> Option<AnyNodeRef<'a>> {
    module.ancestors(jump).find(|node| {
        let body = match node {
            AnyNodeRef::StmtFor(node) => &node.body,
            AnyNodeRef::StmtWhile(node) => &node.body,
            _ => return false,
        };
        body.iter().any(|statement| statement.range().contains_range(jump.range()))
    })
}

/// An exception may end the stretch early, and the function goes on with the bytes so far.
fn partial_seen<'a>(module: &Module<'a>, stretch: &Stretch<'a>) -> Option<Blocker> {
    let inner = AnyNodeRef::from(&stretch.block[stretch.first]);
    let own_frame = module.ancestors(inner).take_while(|node| !node.is_stmt_function_def());
    let mut guards = own_frame.filter(|node| node.is_stmt_try() || node.is_stmt_with());
    let guard = guards.find(|guard| match guard {
        AnyNodeRef::StmtTry(guard) => try_lets_partial_out(module, stretch, guard),
        AnyNodeRef::StmtWith(guard) => {
            guard.items.iter().any(|item| may_swallow(&item.context_expr))
                && is_seen_after(module, stretch, guard.end())
        }
        _ => false,
    })?;
    let line = module.file().line_of(guard.start());
    let reason = format!(
        "an exception may end the loop early, and `{}` is used after it (line {line})",
        stretch.subject.text()
    );
    Some(Blocker { name: "try-sees-partial", reason, line })
}

fn try_lets_partial_out<'a>(
    module: &Module<'a>,
    stretch: &Stretch<'a>,
    guard: &'a lowtide_source::ast::StmtTry,
) -> bool {
    let mentions = stretch.subject.mentions(module);
    let handlers = guard
        .handlers
        .iter()
        .flat_map(|lowtide_source::ast::ExceptHandler::ExceptHandler(handler)| &handler.body);
    let seen_inside = handlers.chain(&guard.finalbody).any(|statement| {
        mentions.iter().any(|mention| statement.range().contains_range(mention.range))
    });
    let in_body =
        guard.body.iter().any(|statement| statement.range().contains_range(stretch.range()));
    let goes_on =
        guard.handlers.iter().any(|lowtide_source::ast::ExceptHandler::ExceptHandler(handler)| {
            !matches!(handler.body.last(), Some(Stmt::Return(_) | Stmt::Raise(_)))
        });
    seen_inside
        || stretch.subject.is_attribute()
        || (in_body && goes_on && is_seen_after(module, stretch, guard.end()))
}

/// Whether the subject is read behind `end`, or, in a loop, anywhere outside of the stretch.
fn is_seen_after<'a>(
    module: &Module<'a>,
    stretch: &Stretch<'a>,
    end: lowtide_source::TextSize,
) -> bool {
    let in_loop = is_in_loop(module, stretch);
    stretch.subject.mentions(module).iter().any(|mention| {
        let outside = mention.range.start() >= end
            || (in_loop && !stretch.range().contains_range(mention.range));
        outside && mention.access.reads()
    })
}

/// Whether the stretch may run more than once in one run of its function.
pub(super) fn is_in_loop<'a>(module: &Module<'a>, stretch: &Stretch<'a>) -> bool {
    let inner = AnyNodeRef::from(&stretch.block[stretch.first]);
    let mut own_frame = module.ancestors(inner).take_while(|node| !node.is_stmt_function_def());
    own_frame.any(|node| node.is_stmt_for() || node.is_stmt_while())
}

/// Whether a context manager may be one that ends exceptions: all but files, sockets, locks and the like.
fn may_swallow(manager: &Expr) -> bool {
    const LETS_PASS: &[&str] = &[
        "open",
        "urlopen",
        "socket",
        "create_connection",
        "accept",
        "Lock",
        "RLock",
        "Popen",
        "ZipFile",
        "TarFile",
        "NamedTemporaryFile",
        "TemporaryFile",
        "SpooledTemporaryFile",
        "TemporaryDirectory",
        "closing",
        "BytesIO",
        "fdopen",
        "get",
        "post",
        "request",
        "stream",
    ];
    let Expr::Call(call) = manager else { return true };
    let name = match &*call.func {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => return true,
    };
    !LETS_PASS.contains(&name)
}

/// Others than the function itself can read the name while the loop runs.
fn not_own<'a>(module: &Module<'a>, stretch: &Stretch<'a>) -> Option<Blocker> {
    let subject = &stretch.subject;
    let owner = module.variable(subject.variable).scope;
    let line = module.file().line_of(stretch.range().start());
    if owner != subject.frame {
        let reason = format!("`{}` is declared global or nonlocal", subject.text());
        return Some(Blocker { name: "captured", reason, line });
    }
    if let Some((_, range)) = module.opacity(subject.frame) {
        let line = module.file().line_of(range.start());
        let reason = format!(
            "names are read by their text here, perhaps `{}` too (line {line})",
            subject.text()
        );
        return Some(Blocker { name: "opaque-names", reason, line });
    }
    let captured = subject.mentions(module).into_iter().find(|mention| {
        runs_apart(module, mention.scope, owner) && !is_defined_later(module, stretch, mention)
    })?;
    let line = module.file().line_of(captured.range.start());
    let reason = format!("a function inside or beside reads `{}` (line {line})", subject.text());
    Some(Blocker { name: "captured", reason, line })
}

fn runs_apart(module: &Module<'_>, inner: ScopeId, owner: ScopeId) -> bool {
    use lowtide_source::ScopeKind::{Function, Generator, Lambda};
    let between = std::iter::successors(Some(inner), |&scope| module.scope(scope).parent)
        .take_while(|&scope| scope != owner);
    between
        .into_iter()
        .any(|scope| matches!(module.scope(scope).kind, Function | Generator | Lambda))
}

/// A function made after the stretch cannot run during it, unless the stretch comes round again.
fn is_defined_later<'a>(module: &Module<'a>, stretch: &Stretch<'a>, mention: &Mention<'a>) -> bool {
    mention.range.start() > stretch.range().end() && !is_in_loop(module, stretch)
}
