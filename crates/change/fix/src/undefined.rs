use lowtide_source::Module;
use lowtide_source::ast::AnyNodeRef;
use std::collections::BTreeSet;

/// The builtins that a rewrite may call, beside those that the file uses already.
const BUILTINS: [&str; 14] = [
    "bytes",
    "classmethod",
    "dict",
    "enumerate",
    "frozenset",
    "iter",
    "len",
    "list",
    "map",
    "next",
    "open",
    "range",
    "super",
    "tuple",
];

/// The names that a module reads and nobody in it binds: builtins, and mistakes.
pub fn unbound_names(module: &Module) -> BTreeSet<String> {
    module
        .nodes()
        .filter_map(|node| match node {
            AnyNodeRef::ExprName(name) if module.variable_of(name).is_none() => {
                Some(name.id.to_string())
            }
            _ => None,
        })
        .collect()
}

/// A name that came without a binding, and is no builtin.
pub fn newly_undefined(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Option<String> {
    after.difference(before).find(|name| !BUILTINS.contains(&name.as_str())).cloned()
}
