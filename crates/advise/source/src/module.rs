use crate::SourceFile;
use crate::binder::{Bindings, bind};
use crate::flow::{self, Reaching};
use crate::scope::{
    Opacity, Reference, ReferenceId, Scope, ScopeId, ScopeKind, Scopes, Variable, VariableId,
};
use crate::tree::{NodeId, Tree};
use ruff_python_ast::{AnyNodeRef, ExprName, Stmt};
use ruff_text_size::{Ranged, TextRange};
use std::collections::BTreeSet;

/// One file with its names resolved.
///
/// Nodes are handed in and out as [`AnyNodeRef`]; a node of another file is answered with `None` or nothing.
#[derive(Debug)]
pub struct Module<'a> {
    file: &'a SourceFile,
    name: String,
    tree: Tree<'a>,
    scopes: Scopes<'a>,
    bindings: Bindings<'a>,
    reaching: Reaching,
    /// Functions and lambdas in whose own body a `yield` stands.
    generators: BTreeSet<ScopeId>,
}

impl<'a> Module<'a> {
    /// Resolves the names of `file`, whose dotted module name is `name`.
    #[must_use]
    pub fn analyse(file: &'a SourceFile, name: String) -> Self {
        let (tree, mut scopes) = Tree::grow(file.syntax());
        let bindings = bind(&tree, &mut scopes);
        let mut frames = vec![ScopeId::MODULE];
        for (index, entry) in (0..).zip(tree.entries()) {
            if matches!(entry.node, AnyNodeRef::StmtFunctionDef(_) | AnyNodeRef::ExprLambda(_)) {
                frames.extend(scopes.opened_by(NodeId(index)));
            }
        }
        let reaching = flow::follow(&scopes, &bindings, &frames);
        let yields = tree.entries().iter().filter(|entry| {
            matches!(entry.node, AnyNodeRef::ExprYield(_) | AnyNodeRef::ExprYieldFrom(_))
        });
        let generators = yields.map(|entry| flow::frame_of(&scopes, entry.scope)).collect();
        Self { file, name, tree, scopes, bindings, reaching, generators }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &'a SourceFile {
        self.file
    }

    /// Dotted module name, such as `package.part`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All nodes in source order.
    pub fn nodes(&self) -> impl Iterator<Item = AnyNodeRef<'a>> + '_ {
        self.tree.entries().iter().map(|entry| entry.node)
    }

    /// `node` and all nodes inside it, in source order.
    pub fn nodes_in(&self, node: AnyNodeRef<'_>) -> impl Iterator<Item = AnyNodeRef<'a>> + '_ {
        let entries = self.tree.id_of(node).map_or(&[][..], |id| self.tree.entries_in(id));
        entries.iter().map(|entry| entry.node)
    }

    pub(crate) fn node_id(&self, node: AnyNodeRef<'_>) -> Option<NodeId> {
        self.tree.id_of(node)
    }

    /// The node around `node`.
    #[must_use]
    pub fn parent(&self, node: AnyNodeRef<'_>) -> Option<AnyNodeRef<'a>> {
        let parent = self.tree.entry(self.tree.id_of(node)?).parent?;
        Some(self.tree.entry(parent).node)
    }

    /// The nodes around `node`, innermost first.
    pub fn ancestors(&self, node: AnyNodeRef<'_>) -> impl Iterator<Item = AnyNodeRef<'a>> + '_ {
        std::iter::successors(self.parent(node), |&inner| self.parent(inner))
    }

    /// The scope in which `node` is evaluated.
    #[must_use]
    pub fn scope_of(&self, node: AnyNodeRef<'_>) -> ScopeId {
        self.tree.id_of(node).map_or(ScopeId::MODULE, |id| self.tree.entry(id).scope)
    }

    /// The scope that `node` (a class, function, lambda or comprehension) opens.
    #[must_use]
    pub fn scope_opened_by(&self, node: AnyNodeRef<'_>) -> Option<ScopeId> {
        self.scopes.opened_by(self.tree.id_of(node)?)
    }

    /// A scope.
    #[must_use]
    pub fn scope(&self, id: ScopeId) -> &Scope<'a> {
        self.scopes.get(id)
    }

    /// The function, lambda or module in whose run the code of `scope` is run.
    #[must_use]
    pub fn frame_of(&self, scope: ScopeId) -> ScopeId {
        flow::frame_of(&self.scopes, scope)
    }

    /// Why not all names of `scope` can be known, and where.
    #[must_use]
    pub fn opacity(&self, scope: ScopeId) -> Option<(Opacity, TextRange)> {
        self.scopes.get(scope).opaque
    }

    /// A variable.
    #[must_use]
    pub fn variable(&self, id: VariableId) -> &Variable<'a> {
        &self.bindings.variables[id.0 as usize]
    }

    /// The variable called `name` that `scope` itself owns.
    #[must_use]
    pub fn variable_in(&self, scope: ScopeId, name: &str) -> Option<VariableId> {
        self.scopes.get(scope).variables.get(name).copied()
    }

    /// Every place that names the variable, in source order.
    pub fn references(&self, variable: VariableId) -> impl Iterator<Item = &Reference<'a>> + '_ {
        self.variable(variable).references.iter().map(|&id| self.reference(id))
    }

    /// A reference.
    #[must_use]
    pub fn reference(&self, id: ReferenceId) -> &Reference<'a> {
        &self.bindings.references[id.0 as usize]
    }

    /// The reference whose name starts at the start of `range`.
    #[must_use]
    pub fn reference_at(&self, range: impl Ranged) -> Option<ReferenceId> {
        self.bindings.by_offset.get(&range.start().into()).copied()
    }

    /// The variable that a name expression means; `None` for builtins and names bound nowhere in the file.
    #[must_use]
    pub fn variable_of(&self, name: &ExprName) -> Option<VariableId> {
        Some(self.reference(self.reference_at(name)?).variable)
    }

    /// Whether `name` is not bound by this file, so that it means the builtin of that name.
    #[must_use]
    pub fn is_builtin(&self, name: &ExprName) -> bool {
        let hidden = matches!(self.opacity(ScopeId::MODULE), Some((Opacity::StarImport, _)));
        !hidden && self.reference_at(name).is_none()
    }

    /// The bindings that may have been the last before `read`; `None` if it may run at any time (a closure's read).
    #[must_use]
    pub fn bindings_reaching(&self, read: ReferenceId) -> Option<Vec<ReferenceId>> {
        let variable = self.variable(self.reference(read).variable);
        if self.frame_of(self.reference(read).scope) != self.frame_of(variable.scope) {
            return None;
        }
        Some(
            self.reaching
                .get(&read)
                .map(|bindings| bindings.iter().copied().collect())
                .unwrap_or_default(),
        )
    }

    /// The reads that the value bound by `binding` may reach within its own frame, in source order.
    #[must_use]
    pub fn reads_reached_by(&self, binding: ReferenceId) -> Vec<ReferenceId> {
        let reads = &self.variable(self.reference(binding).variable).references;
        let reached = |read: &&ReferenceId| {
            self.reaching.get(read).is_some_and(|from| from.contains(&binding))
        };
        reads.iter().filter(reached).copied().collect()
    }

    /// The first reference from code that may run at another time than its own frame's: a nested function, lambda
    /// or generator expression.
    #[must_use]
    pub fn capture_of(&self, variable: VariableId) -> Option<&Reference<'a>> {
        let owner = self.variable(variable).scope;
        self.references(variable).find(|reference| self.runs_apart(reference.scope, owner))
    }

    /// Whether code of scope `inner` may run later than its place in `outer`'s run.
    fn runs_apart(&self, inner: ScopeId, outer: ScopeId) -> bool {
        let between = self.scopes.outwards(inner).take_while(|&scope| scope != outer);
        between.into_iter().any(|scope| {
            matches!(
                self.scope(scope).kind,
                ScopeKind::Function | ScopeKind::Lambda | ScopeKind::Generator
            )
        })
    }

    /// Whether a `yield` stands in the own body of the function or lambda that opens `scope`.
    #[must_use]
    pub fn yields(&self, scope: ScopeId) -> bool {
        self.generators.contains(&scope)
    }

    /// The innermost statement around `node`, or `node` itself.
    #[must_use]
    pub fn statement_of(&self, node: AnyNodeRef<'_>) -> Option<AnyNodeRef<'a>> {
        let own = self.tree.entry(self.tree.id_of(node)?).node;
        std::iter::once(own).chain(self.ancestors(node)).find(|node| node.is_statement())
    }

    /// The list of statements in which `statement` stands, and its place there.
    #[must_use]
    pub fn block_of(&self, statement: AnyNodeRef<'_>) -> Option<(&'a [Stmt], usize)> {
        let blocks = crate::block::blocks_of(self.parent(statement)?);
        blocks.into_iter().find_map(|block| {
            let place = block.iter().position(|other| AnyNodeRef::from(other).ptr_eq(statement))?;
            Some((block, place))
        })
    }

    /// A name that nothing in the file uses: `base`, or `base` with a number.
    #[must_use]
    pub fn fresh_name(&self, base: &str) -> String {
        let numbered = (2..).map(|number: u32| format!("{base}_{number}"));
        let mut names = std::iter::once(base.to_owned()).chain(numbered);
        names.find(|name| !self.mentions(name)).unwrap_or_else(|| base.to_owned())
    }

    /// Whether any name of the file, bound or not, is spelled `name`.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.bindings.variables.iter().any(|variable| variable.name == name)
            || self.bindings.unbound.iter().any(|(unbound, _)| *unbound == name)
    }
}
