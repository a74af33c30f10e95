//! The return annotation of a function that no longer returns a list.

use crate::Blocker;
use lowtide_source::ast::Expr;
use lowtide_source::{Function, Project, Ranged, TextEdit};

/// Annotations that promise a list; a generator needs another one.
const LISTS: &[&str] = &[
    "builtins.list",
    "typing.List",
    "typing.Sequence",
    "typing.MutableSequence",
    "typing.Collection",
    "collections.abc.Sequence",
    "collections.abc.MutableSequence",
    "collections.abc.Collection",
];
/// Annotations that a generator meets as well.
const ITERABLES: &[&str] =
    &["typing.Iterable", "collections.abc.Iterable", "typing.Any", "builtins.object"];

/// The edits that make the annotation right: none where there is none, or where it is right already.
pub(super) fn edits<'a>(
    project: &Project<'a>,
    function: Function<'a>,
) -> Result<Vec<TextEdit>, Blocker> {
    let Some(annotation) = function.def.returns.as_deref() else { return Ok(Vec::new()) };
    let module = project.module(function.module);
    let head = match annotation {
        Expr::Subscript(generic) => &*generic.value,
        plain => plain,
    };
    let name = project.external_name(function.module, head).unwrap_or_default();
    if ITERABLES.contains(&name.as_str()) {
        return Ok(Vec::new());
    }
    let iterator = if LISTS.contains(&name.as_str()) {
        let known = module
            .name_imported("typing", "Iterator", function.def.into())
            .filter(|name| name.import.is_none());
        known.or_else(|| module.name_imported("collections.abc", "Iterator", function.def.into()))
    } else {
        None
    };
    let Some(iterator) = iterator else {
        let line = module.file().line_of(annotation.start());
        let text = module.file().slice(annotation);
        return Err(Blocker {
            name: "annotation-unclear",
            reason: format!("the annotation `{text}` would not be met"),
            line,
        });
    };
    Ok(iterator
        .import
        .into_iter()
        .chain([TextEdit::replace(head.range(), iterator.text)])
        .collect())
}
