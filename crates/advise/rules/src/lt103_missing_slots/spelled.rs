//! Names that the project spells where they may come to mean an attribute without an assignment to it.

use lowtide_source::Project;
use lowtide_source::ast::AnyNodeRef;
use std::collections::BTreeSet;

/// Longer texts are prose, not lists of names.
const MAX_LENGTH: usize = 200;

/// Names of keyword arguments, and words of short strings: `SimpleNamespace(start=p)`, `namedtuple("Line", "start end")`.
#[derive(Debug)]
pub(super) struct Spelled<'a>(BTreeSet<&'a str>);

impl<'a> Spelled<'a> {
    pub fn in_project(project: &Project<'a>) -> Self {
        let mut names = BTreeSet::new();
        for node in project.modules().flat_map(|(_, module)| module.nodes()) {
            match node {
                AnyNodeRef::Keyword(keyword) => names.extend(keyword.arg.as_deref()),
                AnyNodeRef::StringLiteral(text) if text.value.len() <= MAX_LENGTH => {
                    let is_no_name = |letter: char| !(letter.is_alphanumeric() || letter == '_');
                    names.extend(text.value.split(is_no_name).filter(|word| !word.is_empty()));
                }
                _ => {}
            }
        }
        Self(names)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}
