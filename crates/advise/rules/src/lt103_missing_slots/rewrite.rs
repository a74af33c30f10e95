//! The edits that give a class slots.

use super::body::Style;
use super::lineage::Slotted;
use lowtide_source::ast::token::TokenKind;
use lowtide_source::ast::{Decorator, Expr, Stmt};
use lowtide_source::{Ranged, SourceFile, TextEdit, TextSize};

/// Lines longer than this are broken up.
const MAX_COLUMNS: usize = 88;

/// The edit of one class; `None` if there is no line for it.
pub(super) fn edit(slotted: &Slotted<'_, '_>) -> Option<TextEdit> {
    match slotted.subject.style() {
        Style::Dataclass(decorator) => Some(dataclass(decorator)),
        Style::Plain => plain(slotted),
    }
}

/// `@dataclass` becomes `@dataclass(slots=True)`.
fn dataclass(decorator: &Decorator) -> TextEdit {
    let Expr::Call(call) = &decorator.expression else {
        return TextEdit::insert(decorator.expression.end(), "(slots=True)");
    };
    let last = call.arguments.keywords.last().map(Ranged::end).or(call
        .arguments
        .args
        .last()
        .map(Ranged::end));
    match last {
        Some(end) => TextEdit::insert(end, ", slots=True"),
        None => TextEdit::insert(call.end() - TextSize::from(1), "slots=True"),
    }
}

fn plain(slotted: &Slotted<'_, '_>) -> Option<TextEdit> {
    let class = slotted.subject.class;
    let file = slotted.subject.module().file();
    let first = class.body.first()?;
    if !file.starts_its_line(first.start()) {
        return None;
    }
    let newline = file.newline();
    let indentation = file.indentation_at(first.start());
    let statement = statement(file, indentation, &slotted.slots);
    if is_docstring(first) {
        let end = file.full_line(first.end()).end();
        let shares_line = class.body.get(1).is_some_and(|next| next.start() < end);
        let closing = if file.text()[..end.into()].ends_with(['\n', '\r']) { "" } else { newline };
        return (!shares_line)
            .then(|| TextEdit::insert(end, format!("{closing}{newline}{statement}{newline}")));
    }
    let is_method = matches!(first, Stmt::FunctionDef(_) | Stmt::ClassDef(_));
    let gap = if is_method { newline } else { "" };
    Some(TextEdit::insert(end_of_header(file, slotted), format!("{statement}{newline}{gap}")))
}

/// The end of the line with the colon.
fn end_of_header(file: &SourceFile, slotted: &Slotted<'_, '_>) -> TextSize {
    let class = slotted.subject.class;
    let named = class.arguments.as_ref().map_or(class.name.end(), |arguments| arguments.end());
    let mut after = file.tokens().after(named).iter();
    let colon = after.find(|token| token.kind() == TokenKind::Colon).map_or(named, Ranged::end);
    file.full_line(colon).end()
}

fn statement(file: &SourceFile, indentation: &str, slots: &[&str]) -> String {
    let quoted: Vec<String> = slots.iter().map(|slot| format!("\"{slot}\"")).collect();
    let items = match &quoted[..] {
        [only] => format!("{only},"),
        all => all.join(", "),
    };
    let line = format!("{indentation}__slots__ = ({items})");
    if line.chars().count() <= MAX_COLUMNS {
        return line;
    }
    let newline = file.newline();
    let step = file.indentation_step();
    let lines: String =
        quoted.iter().flat_map(|slot| [indentation, step, slot, ",", newline]).collect();
    format!("{indentation}__slots__ = ({newline}{lines}{indentation})")
}

fn is_docstring(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Expr(expression) if expression.value.is_string_literal_expr())
}
