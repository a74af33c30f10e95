//! The edits that make a function hand its results over one by one.

use super::collected::{Added, Appended, Collected, Form, Returned};
use lowtide_source::ast::token::TokenKind;
use lowtide_source::ast::{Arguments, Expr, ExprListComp, StmtReturn};
use lowtide_source::{Module, Ranged, TextEdit, TextRange, TextSize};

/// Edits of the body, in no order.
pub(super) fn body_edits<'a>(module: &Module<'a>, collected: &Collected<'a>) -> Vec<TextEdit> {
    match &collected.form {
        Form::Comprehension(comprehension) => brackets(comprehension).into(),
        Form::InsideWith(returned) => delegated(returned),
        Form::Appended(appended) => yielded(module, collected, appended),
    }
}

/// `[...]` becomes `(...)`.
fn brackets(comprehension: &ExprListComp) -> [TextEdit; 2] {
    let bracket = TextSize::from(1);
    let open = TextRange::at(comprehension.start(), bracket);
    let close = TextRange::at(comprehension.end() - bracket, bracket);
    [TextEdit::replace(open, "("), TextEdit::replace(close, ")")]
}

fn delegated(returned: &Returned<'_>) -> Vec<TextEdit> {
    let keyword = TextRange::at(returned.statement.start(), TextSize::of("return"));
    let mut edits = vec![TextEdit::replace(keyword, "yield from")];
    edits.extend(brackets(returned.comprehension));
    let others = returned.returns.iter().filter(|node| !std::ptr::eq(**node, returned.statement));
    edits.extend(others.map(|node| bare(node)));
    edits
}

/// `return []` becomes `return`.
fn bare(node: &StmtReturn) -> TextEdit {
    TextEdit::replace(node.range, "return")
}

fn yielded<'a>(
    module: &Module<'a>,
    collected: &Collected<'a>,
    appended: &Appended<'a>,
) -> Vec<TextEdit> {
    let mut edits = vec![without_statement(module, appended.start.range())];
    edits.extend(appended.additions.iter().map(|addition| {
        let text = match addition.added {
            Added::One { arguments, value } => {
                format!("yield {}", argument_text(module, arguments, value))
            }
            Added::Each { arguments, values } => {
                format!("yield from {}", argument_text(module, arguments, values))
            }
            Added::EachOf { values } => each_of(module, addition.statement.range(), values),
        };
        TextEdit::replace(addition.statement.range(), text)
    }));
    let last = collected.function.def.body.last().map(Ranged::range);
    edits.extend(appended.returns.iter().map(|node| {
        if last == Some(node.range) { without_statement(module, node.range) } else { bare(node) }
    }));
    edits
}

/// An argument as it stands between its parentheses, which it keeps where it spans lines or would read differently.
fn argument_text(module: &Module<'_>, arguments: &Arguments, argument: &Expr) -> String {
    let file = module.file();
    let inside =
        TextRange::new(arguments.start() + TextSize::from(1), arguments.end() - TextSize::from(1));
    let spans_lines = file.slice(inside).contains(['\n', '\r', '#']);
    let needs_parentheses = match argument {
        Expr::Generator(generator) => !generator.parenthesized,
        Expr::Named(_) | Expr::Yield(_) | Expr::YieldFrom(_) => true,
        _ => false,
    };
    let after = TextRange::new(argument.end(), inside.end());
    let comma = file
        .tokens()
        .in_range(after)
        .iter()
        .find(|token| token.kind() == TokenKind::Comma)
        .map(Ranged::range);
    let (head, tail) = comma.map_or((file.slice(inside), ""), |comma| {
        (
            file.slice(TextRange::new(inside.start(), comma.start())),
            file.slice(TextRange::new(comma.end(), inside.end())),
        )
    });
    if spans_lines || needs_parentheses {
        format!("({head}{tail})")
    } else {
        format!("{}{}", head.trim(), tail.trim_end())
    }
}

/// `results += [x]` hands over `x`; `results += values`, each of them.
fn each_of(module: &Module<'_>, statement: TextRange, values: &Expr) -> String {
    if let Expr::List(list) = values
        && let [only] = &list.elts[..]
        && !only.is_starred_expr()
        && !module.file().slice(list).contains(['\n', '\r', '#', ','])
    {
        return format!("yield {}", module.file().slice(only));
    }
    let text = module.file().slice(statement);
    let values = text.split_once("+=").map_or(text, |(_, values)| values).trim();
    format!("yield from {values}")
}

/// Takes a statement out, with its line if nothing else stands on it; a comment behind it stays.
fn without_statement(module: &Module<'_>, statement: TextRange) -> TextEdit {
    let file = module.file();
    let lines = file.full_lines(statement);
    let before = file.slice(TextRange::new(lines.start(), statement.start()));
    let after = file.slice(TextRange::new(statement.end(), lines.end()));
    let rest = after.trim_start_matches([' ', '\t']);
    let skipped = TextSize::of(&after[..after.len() - rest.len()]);
    if let Some(next) = rest.strip_prefix(';') {
        let blank = next.len() - next.trim_start_matches([' ', '\t']).len();
        let separator = TextSize::from(1) + TextSize::of(&next[..blank]);
        return TextEdit::delete(TextRange::new(
            statement.start(),
            statement.end() + skipped + separator,
        ));
    }
    if let Some(previous) = before.trim_end().strip_suffix(';') {
        return TextEdit::delete(TextRange::new(
            lines.start() + TextSize::of(previous),
            statement.end(),
        ));
    }
    if rest.starts_with('#') {
        return TextEdit::delete(TextRange::new(statement.start(), statement.end() + skipped));
    }
    TextEdit::delete(lines)
}
