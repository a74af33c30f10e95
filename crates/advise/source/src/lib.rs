//! Python files -> syntax tree, bindings, use-def, effects and text edits.
//!
//! In: paths and bytes. Out: [`SourceFile`] (one parsed file), [`Project`] (files that import each other) made of
//! [`Module`]s (a file with its names resolved), and [`TextEdit`]s. Never: reading files, deciding what is wasteful.
//! This is the only crate that uses the ruff crates; rules reach the tree through [`ast`].
//!
//! ```
//! use lowtide_source::{Project, SourceFile, ast::AnyNodeRef};
//! let files = [SourceFile::parse("a.py", "rows = load()\nfor row in rows:\n    print(row)\n")?];
//! let project = Project::of(&files);
//! let (_, module) = project.modules().next().unwrap();
//! let rows = module.variable_in(lowtide_source::ScopeId::MODULE, "rows").unwrap();
//! assert_eq!(module.references(rows).count(), 2);
//! # Ok::<(), lowtide_source::SourceError>(())
//! ```

mod binder;
mod block;
mod calls;
mod edit;
mod effects;
mod encoding;
mod error;
mod file;
mod flow;
mod functions;
mod import_edit;
mod imports;
mod layout;
mod module;
mod project;
mod scope;
mod tree;

pub use calls::{CallSite, Calls};
pub use edit::{FileEdits, TextEdit, apply_edits};
pub use effects::{Conflict, Effector, Effects, FreshNames, Place, Root, Site};
pub use error::SourceError;
pub use file::SourceFile;
pub use import_edit::ImportedName;
pub use module::Module;
pub use project::{Definition, Function, Meaning, ModuleId, Project, Use};
pub use ruff_python_ast as ast;
pub use ruff_text_size::{Ranged, TextRange, TextSize};
pub use scope::{
    Access, Opacity, Reference, ReferenceId, Scope, ScopeId, ScopeKind, Variable, VariableId,
};
