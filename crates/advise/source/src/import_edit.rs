//! How a file may name something from the standard library: through an import it has, or through one more.

use crate::scope::{ScopeId, VariableId};
use crate::{Module, TextEdit};
use ruff_python_ast::{Alias, AnyNodeRef, Stmt};
use ruff_text_size::Ranged;

/// The text that means a member of an external module, and the import that makes it so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedName {
    /// `BytesIO` or `io.BytesIO`.
    pub text: String,
    /// The import to add; `None` if the file has it already.
    pub import: Option<TextEdit>,
}

impl<'a> Module<'a> {
    /// How code at `place` can name `member` of the module `origin`; `None` if names of the file stand in the way.
    #[must_use]
    pub fn name_imported(
        &self,
        origin: &str,
        member: &str,
        place: AnyNodeRef<'_>,
    ) -> Option<ImportedName> {
        self.name_through_import(origin, member, place).or_else(|| {
            let text = member.to_owned();
            (!self.mentions(member))
                .then(|| ImportedName { text, import: Some(self.new_import(origin, member)) })
        })
    }

    fn name_through_import(
        &self,
        origin: &str,
        member: &str,
        place: AnyNodeRef<'_>,
    ) -> Option<ImportedName> {
        let globals = &self.scope(ScopeId::MODULE).variables;
        globals.iter().find_map(|(name, &variable)| {
            let alias = self.import_before(variable, place)?;
            let suffix = self.suffix_for(alias, origin, member)?;
            let visible = !self.is_hidden_from(self.scope_of(place), name);
            visible.then(|| ImportedName { text: format!("{name}{suffix}"), import: None })
        })
    }

    /// The top-level import before `place` that alone binds `variable`.
    fn import_before(&self, variable: VariableId, place: AnyNodeRef<'_>) -> Option<&'a Alias> {
        let mut bindings = self.references(variable).filter(|reference| reference.access.rebinds());
        let node = bindings.next().filter(|_| bindings.next().is_none())?.node;
        let AnyNodeRef::Alias(alias) = node else { return None };
        let at_top = matches!(self.parent(self.parent(node)?)?, AnyNodeRef::ModModule(_));
        (at_top && alias.end() <= place.start()).then_some(alias)
    }

    /// What to write after the name that `alias` binds to mean `member`.
    fn suffix_for(&self, alias: &'a Alias, origin: &str, member: &str) -> Option<String> {
        match self.parent(alias.into())? {
            AnyNodeRef::StmtImportFrom(import) => {
                let same_module = import.level == 0
                    && import.module.as_ref().is_some_and(|module| module == origin);
                (same_module && alias.name == *member).then(String::new)
            }
            AnyNodeRef::StmtImport(_)
                if alias.name == *origin && (alias.asname.is_some() || !origin.contains('.')) =>
            {
                Some(format!(".{member}"))
            }
            _ => None,
        }
    }

    /// Whether a scope between `from` and the module has its own `name`.
    fn is_hidden_from(&self, from: ScopeId, name: &str) -> bool {
        let scopes = std::iter::successors(Some(from), |&scope| self.scope(scope).parent);
        scopes
            .take_while(|&scope| scope != ScopeId::MODULE)
            .any(|scope| self.variable_in(scope, name).is_some())
    }

    /// Adds `from origin import member` after the imports at the head of the file.
    fn new_import(&self, origin: &str, member: &str) -> TextEdit {
        let file = self.file();
        let newline = file.newline();
        let line = format!("from {origin} import {member}{newline}");
        let body = &file.syntax().body;
        let in_head = |(place, statement): &(usize, &Stmt)| {
            is_import(statement) || (*place == 0 && is_docstring(statement))
        };
        let Some((_, last)) = body.iter().enumerate().take_while(in_head).last() else {
            let blank_lines =
                body.first().map_or(0, |first| if is_definition(first) { 2 } else { 1 });
            let start = body.first().map_or(file.syntax().range.end(), Ranged::start);
            return TextEdit::insert(start, line + &newline.repeat(blank_lines));
        };
        let end = file.full_line(last.end()).end();
        let ends_line = file.text()[..end.into()].ends_with(['\n', '\r']);
        let breaks = usize::from(!ends_line) + usize::from(is_docstring(last));
        TextEdit::insert(end, newline.repeat(breaks) + &line)
    }
}

fn is_definition(statement: &Stmt) -> bool {
    matches!(statement, Stmt::FunctionDef(_) | Stmt::ClassDef(_))
}

fn is_import(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Import(_) | Stmt::ImportFrom(_))
}

fn is_docstring(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Expr(expression) if expression.value.is_string_literal_expr())
}

#[cfg(test)]
mod tests {
    use super::ImportedName;
    use crate::{Project, SourceFile, apply_edits};

    /// How the last statement of `text` can name `io.BytesIO`.
    fn name_in(text: &str) -> Option<ImportedName> {
        let files = [SourceFile::parse("a.py", text).unwrap()];
        let project = Project::of(&files);
        let (_, module) = project.modules().next().unwrap();
        let place = files[0].syntax().body.last().unwrap();
        module.name_imported("io", "BytesIO", place.into())
    }

    /// The same with the text after the import is added.
    fn named(text: &str) -> (String, String) {
        let name = name_in(text).unwrap();
        (name.text, apply_edits(text, name.import.as_slice()).unwrap())
    }

    #[test]
    fn an_import_that_is_there_is_used() {
        for (text, expected) in [
            ("import io\nx = 1\n", "io.BytesIO"),
            ("import io as inout\nx = 1\n", "inout.BytesIO"),
            ("from io import StringIO, BytesIO\nx = 1\n", "BytesIO"),
            ("from io import BytesIO as Buffer\nx = 1\n", "Buffer"),
        ] {
            assert_eq!(named(text), (expected.to_owned(), text.to_owned()));
        }
    }

    #[test]
    fn a_new_import_comes_after_those_at_the_head() {
        for (text, expected) in [
            ("import os\nx = 1\n", "import os\nfrom io import BytesIO\nx = 1\n"),
            ("\"\"\"Doc.\"\"\"\nx = 1\n", "\"\"\"Doc.\"\"\"\n\nfrom io import BytesIO\nx = 1\n"),
            (
                "from __future__ import annotations\n\nx = 1\n",
                "from __future__ import annotations\nfrom io import BytesIO\n\nx = 1\n",
            ),
            (
                "#!/usr/bin/env python3\nx = 1\n",
                "#!/usr/bin/env python3\nfrom io import BytesIO\n\nx = 1\n",
            ),
            ("\u{feff}x = 1\r\n", "\u{feff}from io import BytesIO\r\n\r\nx = 1\r\n"),
            ("import os", "import os\nfrom io import BytesIO\n"),
            ("def f(): ...\n", "from io import BytesIO\n\n\ndef f(): ...\n"),
        ] {
            assert_eq!(named(text), ("BytesIO".to_owned(), expected.to_owned()));
        }
    }

    #[test]
    fn an_import_that_may_not_have_run_or_is_rebound_is_not_relied_on() {
        let (name, edited) = named("try:\n    import io\nexcept ImportError:\n    io = None\n");
        assert_eq!(name, "BytesIO");
        assert!(edited.starts_with("from io import BytesIO\n\ntry:"));
    }

    #[test]
    fn a_name_the_file_uses_otherwise_stands_in_the_way() {
        assert_eq!(name_in("BytesIO = 3\n"), None);
        assert_eq!(name_in("x = 1\nfrom io import BytesIO\n"), None);
    }
}
