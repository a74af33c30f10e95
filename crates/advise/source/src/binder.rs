//! Finds every place that names a variable, and the scope that owns the variable.

use crate::scope::{
    Access, Opacity, Reference, ReferenceId, ScopeId, ScopeKind, Scopes, Variable, VariableId,
};
use crate::tree::{Entry, Tree};
use ruff_python_ast::{AnyNodeRef, Expr, ExprContext, Identifier};
use ruff_text_size::{Ranged, TextRange};
use std::collections::{BTreeMap, BTreeSet};

/// Variables and references of one file.
#[derive(Debug, Default)]
pub(crate) struct Bindings<'a> {
    pub variables: Vec<Variable<'a>>,
    pub references: Vec<Reference<'a>>,
    /// The reference made by a name expression or binding node, by the start of its name.
    pub by_offset: BTreeMap<u32, ReferenceId>,
    /// Names loaded but bound nowhere in the file.
    pub unbound: Vec<(&'a str, AnyNodeRef<'a>)>,
}

/// A name seen, its variable not yet known.
struct Naming<'a> {
    name: &'a str,
    node: AnyNodeRef<'a>,
    range: TextRange,
    access: Access,
    scope: ScopeId,
}

/// Binds all names of a file; marks opaque scopes.
pub(crate) fn bind<'a>(tree: &Tree<'a>, scopes: &mut Scopes<'a>) -> Bindings<'a> {
    let mut binder = Binder { namings: Vec::new(), declared: BTreeMap::new(), opaque: Vec::new() };
    for entry in tree.entries() {
        binder.name_all(tree, scopes, entry);
    }
    for (scope, opacity, range) in std::mem::take(&mut binder.opaque) {
        mark_opaque(scopes, scope, opacity, range);
    }
    binder.resolve(scopes)
}

struct Binder<'a> {
    namings: Vec<Naming<'a>>,
    /// `global` and `nonlocal` declarations.
    declared: BTreeMap<(ScopeId, &'a str), Declaration>,
    opaque: Vec<(ScopeId, Opacity, TextRange)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Declaration {
    Global,
    Nonlocal,
}

impl<'a> Binder<'a> {
    fn name_all(&mut self, tree: &Tree<'a>, scopes: &Scopes<'a>, entry: &Entry<'a>) {
        let (node, scope) = (entry.node, entry.scope);
        match node {
            AnyNodeRef::ExprName(name) => {
                let access = access_of(tree, entry, name.ctx);
                let scope =
                    if is_walrus_target(tree, entry) { walrus_scope(scopes, scope) } else { scope };
                self.namings.push(Naming {
                    name: &name.id,
                    node,
                    range: name.range,
                    access,
                    scope,
                });
            }
            AnyNodeRef::StmtFunctionDef(def) => self.store(&def.name, node, scope),
            AnyNodeRef::StmtClassDef(def) => self.store(&def.name, node, scope),
            AnyNodeRef::Parameter(parameter) => {
                self.store(&parameter.name, node, parameter_scope(tree, scopes, entry));
            }
            AnyNodeRef::Alias(alias) => self.name_alias(tree, entry, alias),
            AnyNodeRef::ExceptHandlerExceptHandler(handler) => {
                self.store_optional(handler.name.as_ref(), node, scope);
            }
            AnyNodeRef::PatternMatchAs(pattern) => {
                self.store_optional(pattern.name.as_ref(), node, scope);
            }
            AnyNodeRef::PatternMatchStar(pattern) => {
                self.store_optional(pattern.name.as_ref(), node, scope);
            }
            AnyNodeRef::PatternMatchMapping(pattern) => {
                self.store_optional(pattern.rest.as_ref(), node, scope);
            }
            AnyNodeRef::StmtGlobal(global) => {
                self.declare(&global.names, scope, Declaration::Global);
            }
            AnyNodeRef::StmtNonlocal(nonlocal) => {
                self.declare(&nonlocal.names, scope, Declaration::Nonlocal);
            }
            AnyNodeRef::ExprCall(call) => {
                if let Some(opacity) = opacity_of_call(call) {
                    self.opaque.push((scope, opacity, call.range()));
                }
            }
            _ => {}
        }
    }

    fn store(&mut self, name: &'a Identifier, node: AnyNodeRef<'a>, scope: ScopeId) {
        self.namings.push(Naming {
            name: &name.id,
            node,
            range: name.range,
            access: Access::Store,
            scope,
        });
    }

    fn store_optional(
        &mut self,
        name: Option<&'a Identifier>,
        node: AnyNodeRef<'a>,
        scope: ScopeId,
    ) {
        if let Some(name) = name {
            self.store(name, node, scope);
        }
    }

    fn name_alias(
        &mut self,
        tree: &Tree<'a>,
        entry: &Entry<'a>,
        alias: &'a ruff_python_ast::Alias,
    ) {
        if alias.name.id == "*" {
            self.opaque.push((entry.scope, Opacity::StarImport, alias.range));
            return;
        }
        let bound = alias.asname.as_ref().unwrap_or(&alias.name);
        let from_import = matches!(parent_of(tree, entry), Some(AnyNodeRef::StmtImportFrom(_)));
        // `import a.b` binds `a`.
        let name = match bound.id.split_once('.') {
            Some((first, _)) if !from_import && alias.asname.is_none() => first,
            _ => bound.id.as_str(),
        };
        let naming = Naming {
            name,
            node: entry.node,
            range: bound.range,
            access: Access::Store,
            scope: entry.scope,
        };
        self.namings.push(naming);
    }

    fn declare(&mut self, names: &'a [Identifier], scope: ScopeId, declaration: Declaration) {
        for name in names {
            self.declared.insert((scope, name.id.as_str()), declaration);
        }
    }

    fn resolve(self, scopes: &mut Scopes<'a>) -> Bindings<'a> {
        let bound = self.bound_names();
        let mut bindings = Bindings::default();
        let mut namings = self.namings;
        namings.sort_by_key(|naming| (naming.range.start(), naming.access != Access::Store));
        for naming in namings {
            match owner(scopes, &bound, &self.declared, naming.scope, naming.name) {
                Some(owner) => bindings.add(scopes, owner, &naming),
                None => bindings.unbound.push((naming.name, naming.node)),
            }
        }
        bindings
    }

    /// Every (scope, name) that the scope itself owns.
    fn bound_names(&self) -> BTreeSet<(ScopeId, &'a str)> {
        let mut bound = BTreeSet::new();
        for naming in self.namings.iter().filter(|naming| naming.access.rebinds()) {
            match self.declared.get(&(naming.scope, naming.name)) {
                Some(Declaration::Global) => bound.insert((ScopeId::MODULE, naming.name)),
                Some(Declaration::Nonlocal) => false,
                None => bound.insert((naming.scope, naming.name)),
            };
        }
        bound
    }
}

impl<'a> Bindings<'a> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a file of at most 4 GiB has fewer names than that"
    )]
    fn add(&mut self, scopes: &mut Scopes<'a>, owner: ScopeId, naming: &Naming<'a>) {
        let next_variable = VariableId(self.variables.len() as u32);
        let reference = ReferenceId(self.references.len() as u32);
        let variable = *scopes.get_mut(owner).variables.entry(naming.name).or_insert(next_variable);
        if variable == next_variable {
            self.variables.push(Variable {
                name: naming.name,
                scope: owner,
                references: Vec::new(),
            });
        }
        self.variables[variable.0 as usize].references.push(reference);
        let &Naming { node, range, access, scope, .. } = naming;
        self.references.push(Reference { variable, node, range, access, scope });
        self.by_offset.insert(range.start().into(), reference);
    }
}

/// The scope that owns `name` as seen from `from` (Python reference, 4.2.2).
fn owner(
    scopes: &Scopes<'_>,
    bound: &BTreeSet<(ScopeId, &str)>,
    declared: &BTreeMap<(ScopeId, &str), Declaration>,
    from: ScopeId,
    name: &str,
) -> Option<ScopeId> {
    let mut declaration = declared.get(&(from, name)).copied();
    for scope in scopes.outwards(from) {
        if scope != ScopeId::MODULE && declaration == Some(Declaration::Global) {
            continue;
        }
        let is_class_seen_from_inside = scope != from && scopes.get(scope).kind == ScopeKind::Class;
        if is_class_seen_from_inside {
            continue;
        }
        if bound.contains(&(scope, name)) {
            return Some(scope);
        }
        // A name declared global in an enclosing function is global in here too.
        declaration = declaration.or_else(|| declared.get(&(scope, name)).copied());
    }
    None
}

fn parent_of<'a>(tree: &Tree<'a>, entry: &Entry<'a>) -> Option<AnyNodeRef<'a>> {
    entry.parent.map(|parent| tree.entry(parent).node)
}

fn access_of<'a>(tree: &Tree<'a>, entry: &Entry<'a>, context: ExprContext) -> Access {
    match (context, parent_of(tree, entry)) {
        (ExprContext::Store, Some(AnyNodeRef::StmtAugAssign(_))) => Access::Update,
        // `x: int` alone declares, it does not bind; yet it makes the name local, as a binding does.
        (ExprContext::Store, _) => Access::Store,
        (ExprContext::Del, _) => Access::Delete,
        _ => Access::Load,
    }
}

fn is_walrus_target<'a>(tree: &Tree<'a>, entry: &Entry<'a>) -> bool {
    match parent_of(tree, entry) {
        Some(AnyNodeRef::ExprNamed(named)) => entry.node.ptr_eq(AnyNodeRef::from(&*named.target)),
        _ => false,
    }
}

/// PEP 572: a walrus inside a comprehension binds in the function or module around it.
fn walrus_scope(scopes: &Scopes<'_>, from: ScopeId) -> ScopeId {
    let is_comprehension = |&scope: &ScopeId| {
        matches!(scopes.get(scope).kind, ScopeKind::Comprehension | ScopeKind::Generator)
    };
    scopes.outwards(from).find(|scope| !is_comprehension(scope)).unwrap_or(from)
}

/// Parameters are bound inside the function, though they stand outside of its scope.
fn parameter_scope<'a>(tree: &Tree<'a>, scopes: &Scopes<'a>, entry: &Entry<'a>) -> ScopeId {
    let mut above = entry.parent;
    while let Some(id) = above {
        if let Some(scope) = scopes.opened_by(id) {
            return scope;
        }
        above = tree.entry(id).parent;
    }
    entry.scope
}

fn opacity_of_call(call: &ruff_python_ast::ExprCall) -> Option<Opacity> {
    let Expr::Name(name) = &*call.func else { return None };
    match name.id.as_str() {
        "exec" | "eval" => Some(Opacity::Exec),
        "locals" | "globals" => Some(Opacity::Reflection),
        "vars" | "dir" if call.arguments.is_empty() => Some(Opacity::Reflection),
        _ => None,
    }
}

/// `globals()` sees the module's names; the others see their own scope's and, through it, captured ones.
fn mark_opaque(scopes: &mut Scopes<'_>, scope: ScopeId, opacity: Opacity, range: TextRange) {
    let seen: Vec<ScopeId> = scopes.outwards(scope).collect();
    for scope in seen {
        scopes.get_mut(scope).opaque.get_or_insert((opacity, range));
    }
}
