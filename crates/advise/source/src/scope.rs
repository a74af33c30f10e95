//! Scopes, the variables in them, and where each is bound and used.

use crate::tree::NodeId;
use ruff_python_ast::AnyNodeRef;
use ruff_text_size::TextRange;
use std::collections::BTreeMap;

/// Number of a scope in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub(crate) u32);

impl ScopeId {
    /// The scope of the file itself.
    pub const MODULE: Self = Self(0);
}

/// Number of a variable in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableId(pub(crate) u32);

/// Number of a reference in its file, in source order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferenceId(pub(crate) u32);

/// What opens a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    /// The file.
    Module,
    /// A class body.
    Class,
    /// `def` or `async def`.
    Function,
    /// `lambda`.
    Lambda,
    /// A list, set or dict comprehension: runs where it stands.
    Comprehension,
    /// A generator expression: runs later.
    Generator,
}

/// Why the names of a scope cannot all be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opacity {
    /// `from module import *`
    StarImport,
    /// `exec`, `eval` or `compile` may read and bind any name.
    Exec,
    /// `locals()`, `globals()`, `vars()` or `dir()` reads names by their text.
    Reflection,
}

/// A region with its own names.
#[derive(Debug)]
pub struct Scope<'a> {
    /// What opens it.
    pub kind: ScopeKind,
    /// The node that opens it.
    pub node: AnyNodeRef<'a>,
    /// The scope around it.
    pub parent: Option<ScopeId>,
    /// Why its names cannot all be known, and where; `None` if they can.
    pub opaque: Option<(Opacity, TextRange)>,
    /// Its variables by name.
    pub variables: BTreeMap<&'a str, VariableId>,
}

/// How a reference touches its variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads it.
    Load,
    /// Binds it: assignment, parameter, import, definition, loop target, pattern...
    Store,
    /// `+=` and the like: reads, then binds.
    Update,
    /// `del`, and the end of an `except ... as` clause's name.
    Delete,
}

impl Access {
    /// Whether the variable's value is read.
    #[must_use]
    pub fn reads(self) -> bool {
        matches!(self, Self::Load | Self::Update)
    }

    /// Whether the variable is bound anew or unbound.
    #[must_use]
    pub fn rebinds(self) -> bool {
        !matches!(self, Self::Load)
    }
}

/// One place where a variable is named.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    /// The variable.
    pub variable: VariableId,
    /// The name expression, or the statement, alias, parameter, handler or pattern that binds.
    pub node: AnyNodeRef<'a>,
    /// Where the name stands.
    pub range: TextRange,
    /// What is done with it.
    pub access: Access,
    /// The scope in which it stands, which may lie inside the variable's own.
    pub scope: ScopeId,
}

/// A name of a scope.
#[derive(Debug)]
pub struct Variable<'a> {
    /// Its name.
    pub name: &'a str,
    /// The scope that owns it.
    pub scope: ScopeId,
    /// Every place that names it, in source order.
    pub references: Vec<ReferenceId>,
}

/// All scopes of one file.
#[derive(Debug)]
pub(crate) struct Scopes<'a> {
    scopes: Vec<Scope<'a>>,
    opened: BTreeMap<NodeId, ScopeId>,
}

impl<'a> Scopes<'a> {
    pub fn of_module(node: AnyNodeRef<'a>) -> Self {
        let module = Scope {
            kind: ScopeKind::Module,
            node,
            parent: None,
            opaque: None,
            variables: BTreeMap::new(),
        };
        Self { scopes: vec![module], opened: BTreeMap::new() }
    }

    /// Opens a scope if `node`, which stands in `parent`, is one that does.
    pub fn open_for(&mut self, id: NodeId, node: AnyNodeRef<'a>, parent: ScopeId) {
        let kind = match node {
            AnyNodeRef::StmtFunctionDef(_) => ScopeKind::Function,
            AnyNodeRef::StmtClassDef(_) => ScopeKind::Class,
            AnyNodeRef::ExprLambda(_) => ScopeKind::Lambda,
            AnyNodeRef::ExprListComp(_)
            | AnyNodeRef::ExprSetComp(_)
            | AnyNodeRef::ExprDictComp(_) => ScopeKind::Comprehension,
            AnyNodeRef::ExprGenerator(_) => ScopeKind::Generator,
            _ => return,
        };
        let Ok(number) = u32::try_from(self.scopes.len()) else { return };
        self.scopes.push(Scope {
            kind,
            node,
            parent: Some(parent),
            opaque: None,
            variables: BTreeMap::new(),
        });
        self.opened.insert(id, ScopeId(number));
    }

    pub fn opened_by(&self, node: NodeId) -> Option<ScopeId> {
        self.opened.get(&node).copied()
    }

    pub fn get(&self, id: ScopeId) -> &Scope<'a> {
        &self.scopes[id.0 as usize]
    }

    pub fn get_mut(&mut self, id: ScopeId) -> &mut Scope<'a> {
        &mut self.scopes[id.0 as usize]
    }

    pub fn enclosing(&self, id: ScopeId) -> Option<ScopeId> {
        self.get(id).parent
    }

    /// `id`, the scope around it, and so on up to the module.
    pub fn outwards(&self, id: ScopeId) -> impl Iterator<Item = ScopeId> + '_ {
        std::iter::successors(Some(id), |&scope| self.enclosing(scope))
    }
}
