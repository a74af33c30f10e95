//! The edits that let a buffer grow instead.

use super::blockers::is_in_loop;
use super::stretch::{Start, Stretch};
use lowtide_source::ast::{Expr, Stmt};
use lowtide_source::{ImportedName, Module, Ranged, TextEdit};

/// The edits of one file, sorted; `None` if `io.BytesIO` cannot be named there.
pub(super) fn edits<'a>(module: &Module<'a>, stretch: &Stretch<'a>) -> Option<Vec<TextEdit>> {
    let bytes_io = module.name_imported("io", "BytesIO", (&stretch.block[stretch.first]).into())?;
    let rewrite = Rewrite { module, stretch, buffer: module.fresh_name("buffer"), bytes_io };
    let mut edits: Vec<TextEdit> = rewrite.bytes_io.import.iter().cloned().collect();
    edits.push(rewrite.opening());
    edits.extend(stretch.additions.iter().map(|addition| {
        let write = format!("{}.write({})", rewrite.buffer, addition.chunk_text(module));
        TextEdit::replace(addition.statement.range(), write)
    }));
    edits.extend(stretch.exits.iter().map(|&exit| TextEdit::replace(exit, rewrite.value())));
    edits.push(rewrite.closing());
    edits.sort();
    Some(edits)
}

struct Rewrite<'m, 'a> {
    module: &'m Module<'a>,
    stretch: &'m Stretch<'a>,
    /// The name of the buffer.
    buffer: String,
    bytes_io: ImportedName,
}

impl Rewrite<'_, '_> {
    fn value(&self) -> String {
        format!("{}.getvalue()", self.buffer)
    }

    /// Makes the buffer and puts in what the subject holds already.
    fn opening(&self) -> TextEdit {
        let subject = self.stretch.subject.text();
        let make = format!("{} = {}()", self.buffer, self.bytes_io.text);
        match self.stretch.start {
            Start::Set { statement, value } if !self.keeps_start() => {
                let seed = (!is_empty_bytes(value)).then(|| self.module.file().slice(value));
                TextEdit::replace(statement.range(), self.lines(statement, &make, seed))
            }
            Start::Set { value, .. } => self
                .opening_before_first(&make, (!is_empty_bytes(value)).then_some(subject.as_str())),
            Start::Held => self.opening_before_first(&make, Some(&subject)),
        }
    }

    fn opening_before_first(&self, make: &str, seed: Option<&str>) -> TextEdit {
        let first = &self.stretch.block[self.stretch.first];
        let lines = self.lines(first, make, seed);
        TextEdit::insert(first.start(), format!("{lines}{}", self.separator(first)))
    }

    /// Old bytes must not live on beside the growing buffer, and an attribute must be there for whoever catches an exception.
    fn keeps_start(&self) -> bool {
        self.stretch.subject.is_attribute() || is_in_loop(self.module, self.stretch)
    }

    fn lines(&self, near: &Stmt, make: &str, seed: Option<&str>) -> String {
        match seed {
            Some(seed) => format!("{make}{}{}.write({seed})", self.separator(near), self.buffer),
            None => make.to_owned(),
        }
    }

    /// What stands between two statements at the place of `near`.
    fn separator(&self, near: &Stmt) -> String {
        let file = self.module.file();
        if file.starts_its_line(near.start()) {
            format!("{}{}", file.newline(), file.indentation_at(near.start()))
        } else {
            "; ".to_owned()
        }
    }

    /// Takes the result out of the buffer.
    fn closing(&self) -> TextEdit {
        let file = self.module.file();
        let last = &self.stretch.block[self.stretch.last];
        let result = self.result();
        let line = file.full_line(last.end());
        let next_on_line = self
            .stretch
            .block
            .get(self.stretch.last + 1)
            .is_some_and(|next| next.start() < line.end());
        if next_on_line {
            return TextEdit::insert(last.end(), format!("; {}", result.join("; ")));
        }
        let indentation = file.indentation_at(self.stretch.block[self.stretch.first].start());
        let newline = file.newline();
        let body = format!("{indentation}{}", result.join(&format!("{newline}{indentation}")));
        let ends_line = file.text()[..line.end().into()].ends_with(['\n', '\r']);
        TextEdit::insert(
            line.end(),
            if ends_line { body + newline } else { format!("{newline}{body}") },
        )
    }

    fn result(&self) -> Vec<String> {
        let annotation = self.annotation().map(|text| format!(": {text}")).unwrap_or_default();
        let mut statements =
            vec![format!("{}{annotation} = {}", self.stretch.subject.text(), self.value())];
        if self.outlives_subject() {
            statements.push(format!("del {}", self.buffer));
        }
        statements
    }

    /// The annotation of a start that is replaced.
    fn annotation(&self) -> Option<&str> {
        match self.stretch.start {
            Start::Set { statement: Stmt::AnnAssign(set), .. } if !self.keeps_start() => {
                Some(self.module.file().slice(&*set.annotation))
            }
            _ => None,
        }
    }

    /// Whether the function gives the subject another value later: the buffer would keep the old one alive.
    fn outlives_subject(&self) -> bool {
        let end = self.stretch.range().end();
        let mut mentions = self.stretch.subject.mentions(self.module).into_iter();
        mentions.any(|mention| {
            mention.access.rebinds()
                && mention.range.start() >= end
                && mention.scope == self.stretch.subject.frame
        })
    }
}

fn is_empty_bytes(value: &Expr) -> bool {
    match value {
        Expr::BytesLiteral(literal) => literal.value.is_empty(),
        Expr::Call(call) => {
            matches!(&*call.func, Expr::Name(name) if name.id == "bytes")
                && call.arguments.is_empty()
        }
        _ => false,
    }
}
