//! The edits that go through a file itself instead of a list of its lines.

use super::read::Way;
use super::setting::{Place, Setting};
use lowtide_source::ast::{AnyNodeRef, Stmt, StmtWith};
use lowtide_source::{Ranged, SourceFile, TextEdit, TextRange, TextSize};

/// The edits; `None` if the layout of the file stands in the way.
pub(super) fn edits(setting: &Setting<'_, '_>) -> Option<Vec<TextEdit>> {
    let mut edits = match setting.place() {
        Place::Direct => vec![TextEdit::replace(setting.read.call.range(), lines_text(setting))],
        Place::SameBlock(_) => in_one_block(setting)?,
        Place::AfterWith { with, moved, .. } => {
            let mut edits = without_list(setting)?;
            edits.extend(moved_into(setting.module().file(), with, moved)?);
            edits
        }
        Place::Elsewhere => return None,
    };
    edits.sort();
    merge_touching(&mut edits);
    Some(edits)
}

/// The expression that gives the lines one by one.
fn lines_text(setting: &Setting<'_, '_>) -> String {
    let source = setting.module().file();
    let file = source.slice(setting.read.file);
    match setting.read.way {
        Way::Lines | Way::SplitWhole => file.to_owned(),
        Way::SplitEach(call) => {
            let method =
                call.func.as_attribute_expr().map_or("splitlines", |method| method.attr.as_str());
            let part = if method == "split" { "word" } else { "line" };
            let arguments = source.slice(&call.arguments);
            format!("({part} for row in {file} for {part} in row.{method}{arguments})")
        }
    }
}

/// Reading and use in one block: the list goes, or its name becomes another name of the file.
fn in_one_block(setting: &Setting<'_, '_>) -> Option<Vec<TextEdit>> {
    if setting.read.is_named()
        && let Some(edits) = without_list(setting)
    {
        return Some(edits);
    }
    let mut edits = vec![TextEdit::replace(setting.read.call.range(), lines_text(setting))];
    if let AnyNodeRef::StmtAnnAssign(statement) = setting.built.binding.as_ref()?.statement {
        let annotation = setting
            .module()
            .file()
            .with_parentheses((&*statement.annotation).into(), statement.into());
        edits.push(TextEdit::delete(TextRange::new(statement.target.end(), annotation.end())));
    }
    Some(edits)
}

/// Takes the statement out that makes the list, and names the file where the list was named.
fn without_list(setting: &Setting<'_, '_>) -> Option<Vec<TextEdit>> {
    let module = setting.module();
    let binding = setting.built.binding.as_ref()?;
    if !setting.read.is_named() || is_deleted(setting) {
        return None;
    }
    let [read] = module.reads_reached_by(binding.reference)[..] else { return None };
    let used = TextEdit::replace(module.reference(read).range, lines_text(setting));
    Some(vec![without_statement(module.file(), binding.statement)?, used])
}

/// `del lines` would miss its name.
fn is_deleted(setting: &Setting<'_, '_>) -> bool {
    let module = setting.module();
    let Some(binding) = &setting.built.binding else { return false };
    let variable = module.reference(binding.reference).variable;
    module.references(variable).any(|reference| reference.access == lowtide_source::Access::Delete)
}

/// Deletes a statement that has its lines to itself; a comment behind it stays.
fn without_statement(file: &SourceFile, statement: AnyNodeRef<'_>) -> Option<TextEdit> {
    let range = statement.range();
    let lines = file.full_lines(range);
    let behind = file.slice(TextRange::new(range.end(), lines.end()));
    let is_inline_body = !file.starts_its_line(range.start());
    match behind.trim_start_matches([' ', '\t']) {
        comment if comment.starts_with('#') && !is_inline_body => {
            let gap = behind.len() - comment.len();
            Some(TextEdit::delete(TextRange::new(
                range.start(),
                range.end() + TextSize::try_from(gap).ok()?,
            )))
        }
        end if end.trim().is_empty() && is_inline_body => inline_body(file, range),
        end if end.trim().is_empty() => Some(TextEdit::delete(lines)),
        _ => None,
    }
}

/// The only statement behind the colon of its block's header.
fn inline_body(file: &SourceFile, range: TextRange) -> Option<TextEdit> {
    let line = file.full_line(range.start());
    let header = file.slice(TextRange::new(line.start(), range.start()));
    let colon = header.trim_end();
    let start = line.start() + TextSize::try_from(colon.len()).ok()?;
    colon.ends_with(':').then(|| TextEdit::delete(TextRange::new(start, range.end())))
}

/// Indents the statements that follow a `with` so that they belong to it.
fn moved_into(file: &SourceFile, with: &StmtWith, moved: &[Stmt]) -> Option<Vec<TextEdit>> {
    let (first, last) = (moved.first()?, moved.last()?);
    let step = step_of(file, with)?;
    let body_end = file.full_lines(with.range()).end();
    let end = file.full_lines(last.range()).end();
    let behind = file.slice(TextRange::new(last.end(), end)).trim_start();
    let stands_alone = behind.is_empty() || behind.starts_with('#');
    if !file.starts_its_line(first.start()) || !stands_alone || first.start() < body_end {
        return None;
    }
    let starts = file.line_starts_in(TextRange::new(body_end, end));
    Some(starts.into_iter().map(|start| TextEdit::insert(start, step)).collect())
}

/// What the body of a `with` is indented by beyond the `with` itself.
fn step_of<'f>(file: &'f SourceFile, with: &StmtWith) -> Option<&'f str> {
    let body = with.body.first()?;
    if !file.starts_its_line(body.start()) {
        return Some(file.indentation_step());
    }
    file.indentation_at(body.start()).strip_prefix(file.indentation_at(with.start()))
}

/// Two edits may not start at the same byte: an insertion joins the replacement behind it.
fn merge_touching(edits: &mut Vec<TextEdit>) {
    edits.dedup_by(|next, previous| {
        let joins = previous.start == previous.end && previous.start == next.start;
        if joins {
            previous.text.push_str(&next.text);
            previous.end = next.end;
        }
        joins
    });
}
