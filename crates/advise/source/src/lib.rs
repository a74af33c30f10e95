//! Python files -> syntax tree, bindings, uses and text edits (only user of the ruff crates).
