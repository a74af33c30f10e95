//! Every node of a file in source order, with its parent and scope.

use crate::scope::{ScopeId, Scopes};
use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal};
use ruff_python_ast::{AnyNodeRef, HasNodeIndex, ModModule, NodeIndex};

/// Number of a node in its file, in source order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub node: AnyNodeRef<'a>,
    pub parent: Option<NodeId>,
    /// The scope in which the node is evaluated.
    pub scope: ScopeId,
    /// The number of the first node behind all nodes inside this one.
    end: usize,
}

/// All nodes of one file.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    entries: Vec<Entry<'a>>,
}

impl<'a> Tree<'a> {
    /// Numbers the nodes and opens the scopes on the way.
    pub fn grow(syntax: &'a ModModule) -> (Self, Scopes<'a>) {
        let mut grower = Grower {
            entries: Vec::new(),
            path: Vec::new(),
            scopes: Scopes::of_module(syntax.into()),
        };
        let root = AnyNodeRef::from(syntax);
        grower.enter_node(root);
        root.visit_source_order(&mut grower);
        grower.leave_node(root);
        (Self { entries: grower.entries }, grower.scopes)
    }

    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    pub fn entry(&self, id: NodeId) -> &Entry<'a> {
        &self.entries[id.index()]
    }

    /// The entries of a node and of all nodes inside it.
    pub fn entries_in(&self, id: NodeId) -> &[Entry<'a>] {
        let end = self.entry(id).end.min(self.entries.len());
        &self.entries[id.index()..end]
    }

    /// The number of `node`; `None` if it is not of this file.
    pub fn id_of(&self, node: AnyNodeRef<'_>) -> Option<NodeId> {
        let id = NodeId(node.node_index().load().as_u32()?);
        let entry = self.entries.get(id.index())?;
        entry.node.ptr_eq(node).then_some(id)
    }
}

struct Grower<'a> {
    entries: Vec<Entry<'a>>,
    /// The nodes entered and not left, each with the scope of what stands directly inside.
    path: Vec<NodeId>,
    scopes: Scopes<'a>,
}

impl<'a> SourceOrderVisitor<'a> for Grower<'a> {
    fn enter_node(&mut self, node: AnyNodeRef<'a>) -> TraversalSignal {
        let Ok(number) = u32::try_from(self.entries.len()) else { return TraversalSignal::Skip };
        let id = NodeId(number);
        node.node_index().set(NodeIndex::from(number));
        let parent = self.path.last().copied();
        let scope = match parent {
            Some(parent) => self.scope_inside(parent, node),
            None => ScopeId::MODULE,
        };
        self.entries.push(Entry { node, parent, scope, end: usize::MAX });
        self.scopes.open_for(id, node, scope);
        self.path.push(id);
        TraversalSignal::Traverse
    }

    fn leave_node(&mut self, _node: AnyNodeRef<'a>) {
        let end = self.entries.len();
        if let Some(id) = self.path.pop() {
            self.entries[id.index()].end = end;
        }
    }
}

impl<'a> Grower<'a> {
    /// The scope of `child`, which stands directly inside `parent`.
    fn scope_inside(&self, parent: NodeId, child: AnyNodeRef<'a>) -> ScopeId {
        let outer = &self.entries[parent.index()];
        match self.scopes.opened_by(parent) {
            Some(inner) if belongs_inside(outer.node, child) => inner,
            None if is_first_iterable(self.grandparent(parent), outer.node, child) => {
                self.scopes.enclosing(outer.scope).unwrap_or(outer.scope)
            }
            _ => outer.scope,
        }
    }

    fn grandparent(&self, parent: NodeId) -> Option<AnyNodeRef<'a>> {
        let id = self.entries[parent.index()].parent?;
        Some(self.entries[id.index()].node)
    }
}

/// Whether `child` is evaluated inside the scope that `opener` opens.
fn belongs_inside(opener: AnyNodeRef<'_>, child: AnyNodeRef<'_>) -> bool {
    match opener {
        AnyNodeRef::StmtFunctionDef(_) | AnyNodeRef::StmtClassDef(_) => child.is_statement(),
        AnyNodeRef::ExprLambda(_) => child.is_expression(),
        _ => true,
    }
}

/// The first iterable of a comprehension is evaluated outside of it.
fn is_first_iterable(
    owner: Option<AnyNodeRef<'_>>,
    comprehension: AnyNodeRef<'_>,
    child: AnyNodeRef<'_>,
) -> bool {
    let AnyNodeRef::Comprehension(clause) = comprehension else { return false };
    let first = match owner {
        Some(AnyNodeRef::ExprListComp(node)) => node.generators.first(),
        Some(AnyNodeRef::ExprSetComp(node)) => node.generators.first(),
        Some(AnyNodeRef::ExprDictComp(node)) => node.generators.first(),
        Some(AnyNodeRef::ExprGenerator(node)) => node.generators.first(),
        _ => None,
    };
    first.is_some_and(|first| std::ptr::eq(first, clause))
        && child.ptr_eq(AnyNodeRef::from(&clause.iter))
}
