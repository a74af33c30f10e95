//! The edits that make a list a generator.

use super::built::{Built, Kind};
use lowtide_source::ast::{AnyNodeRef, Expr, ExprCall};
use lowtide_source::{Module, Ranged, TextEdit, TextRange, TextSize};

pub(super) fn edits<'a>(module: &Module<'a>, built: &Built<'a>) -> Vec<TextEdit> {
    let mut edits = match built.kind {
        Kind::Comprehension(comprehension) => of_brackets(module, built.list, comprehension.range),
        Kind::Call { call, argument } => of_call(module, call, argument),
        Kind::Result => Vec::new(),
    };
    edits.extend(without_annotation(module, built));
    edits.sort();
    edits
}

/// `[...]` becomes `(...)`, or loses its brackets where it stands in parentheses already.
fn of_brackets<'a>(module: &Module<'a>, list: AnyNodeRef<'a>, range: TextRange) -> Vec<TextEdit> {
    let (open, close) = if has_parentheses(module, list) { ("", "") } else { ("(", ")") };
    let bracket = TextSize::from(1);
    vec![
        TextEdit::replace(TextRange::at(range.start(), bracket), open),
        TextEdit::replace(TextRange::at(range.end() - bracket, bracket), close),
    ]
}

/// Whether the parentheses around an expression would do for a generator expression as well.
fn has_parentheses<'a>(module: &Module<'a>, list: AnyNodeRef<'a>) -> bool {
    let (Some(expr), Some(parent)) = (list.as_expr_ref(), module.parent(list)) else {
        return false;
    };
    if module.file().with_parentheses(expr, parent) != list.range() {
        return true;
    }
    match parent {
        AnyNodeRef::Arguments(arguments) => {
            let is_call = matches!(module.parent(parent), Some(AnyNodeRef::ExprCall(_)));
            is_call
                && arguments.len() == 1
                && !has_comma_between(module, list.end(), arguments.end())
        }
        _ => false,
    }
}

fn has_comma_between(module: &Module<'_>, start: TextSize, end: TextSize) -> bool {
    let tokens = module.file().tokens().in_range(TextRange::new(start, end));
    tokens.iter().any(|token| token.kind() == lowtide_source::ast::token::TokenKind::Comma)
}

/// `list(x)` becomes `x`, or `(x)` where `x` alone would read differently.
fn of_call<'a>(module: &Module<'a>, call: &'a ExprCall, argument: &'a Expr) -> Vec<TextEdit> {
    let head = TextRange::new(call.start(), call.arguments.start());
    if stands_alone(module, call, argument) {
        return vec![
            TextEdit::delete(TextRange::new(call.start(), argument.start())),
            TextEdit::delete(TextRange::new(argument.end(), call.end())),
        ];
    }
    let comma = TextRange::new(argument.end(), call.end());
    let tokens = module.file().tokens().in_range(comma);
    let trailing =
        tokens.iter().find(|token| token.kind() == lowtide_source::ast::token::TokenKind::Comma);
    let without_comma = trailing.map(|token| TextEdit::delete(token.range()));
    std::iter::once(TextEdit::delete(head)).chain(without_comma).collect()
}

/// Whether the argument can do without the call's parentheses.
fn stands_alone<'a>(module: &Module<'a>, call: &'a ExprCall, argument: &'a Expr) -> bool {
    let file = module.file();
    let is_simple = match argument {
        Expr::Generator(generator) => generator.parenthesized,
        _ => matches!(
            argument,
            Expr::Call(_) | Expr::Name(_) | Expr::Attribute(_) | Expr::Subscript(_)
        ),
    };
    let spans_lines = file.slice(call).contains(['\n', '\r']);
    is_simple && !spans_lines
}

/// A generator is no `list[...]`; what a local name is annotated with has no effect.
fn without_annotation<'a>(module: &Module<'a>, built: &Built<'a>) -> Option<TextEdit> {
    let AnyNodeRef::StmtAnnAssign(statement) = built.binding.as_ref()?.statement else {
        return None;
    };
    let annotation =
        module.file().with_parentheses((&*statement.annotation).into(), statement.into());
    Some(TextEdit::delete(TextRange::new(statement.target.end(), annotation.end())))
}
