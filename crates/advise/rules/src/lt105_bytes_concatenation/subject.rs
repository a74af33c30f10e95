//! What grows: a name, or an attribute of one.

use super::addition::{Addition, dotted_path};
use lowtide_source::ast::AnyNodeRef;
use lowtide_source::{Access, Module, Ranged, ScopeId, TextRange, VariableId};

/// A name or a dotted name, as one function or module body sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject<'a> {
    /// The name itself; of `self.data`, `self`.
    pub variable: VariableId,
    /// `data`, or `self` and `data`.
    pub path: Vec<&'a str>,
    /// The function or module in which it grows.
    pub frame: ScopeId,
}

/// A place that names the subject.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mention<'a> {
    pub node: AnyNodeRef<'a>,
    pub range: TextRange,
    pub access: Access,
    pub scope: ScopeId,
}

impl<'a> Subject<'a> {
    /// What `addition` makes grow; `None` in a class body.
    pub fn of(module: &Module<'a>, addition: &Addition<'a>) -> Option<Self> {
        let path = dotted_path(addition.target)?;
        let variable = module.reference(module.reference_at(addition.target)?).variable;
        let scope = module.scope_of(addition.statement);
        (module.frame_of(scope) == scope).then_some(Self { variable, path, frame: scope })
    }

    /// As it is written.
    pub fn text(&self) -> String {
        self.path.join(".")
    }

    pub fn is_attribute(&self) -> bool {
        self.path.len() > 1
    }

    /// Every place of the file that names it. An attribute of the same name of another object counts too: it may be the same.
    pub fn mentions(&self, module: &Module<'a>) -> Vec<Mention<'a>> {
        if self.is_attribute() {
            self.attribute_mentions(module)
        } else {
            self.name_mentions(module)
        }
    }

    fn name_mentions(&self, module: &Module<'a>) -> Vec<Mention<'a>> {
        let references = module.references(self.variable);
        references
            .map(|found| Mention {
                node: found.node,
                range: found.range,
                access: found.access,
                scope: found.scope,
            })
            .collect()
    }

    fn attribute_mentions(&self, module: &Module<'a>) -> Vec<Mention<'a>> {
        let last = self.path.last().copied().unwrap_or_default();
        let named = module.nodes().filter(
            |node| matches!(node, AnyNodeRef::ExprAttribute(attribute) if attribute.attr == *last),
        );
        named
            .map(|node| Mention {
                node,
                range: node.range(),
                access: access_of(module, node),
                scope: module.scope_of(node),
            })
            .collect()
    }
}

fn access_of<'a>(module: &Module<'a>, node: AnyNodeRef<'a>) -> Access {
    match (node, module.parent(node)) {
        (AnyNodeRef::ExprAttribute(attribute), _) if attribute.ctx.is_load() => Access::Load,
        (AnyNodeRef::ExprAttribute(attribute), _) if attribute.ctx.is_del() => Access::Delete,
        (_, Some(AnyNodeRef::StmtAugAssign(_))) => Access::Update,
        _ => Access::Store,
    }
}
