//! Where the values of a name come from, and which values a function hands over.

use lowtide_source::ast::{self, AnyNodeRef, Expr};
use lowtide_source::{Access, Module, Ranged, Reference, VariableId};

/// What one binding gives a name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin<'a> {
    /// The value of an expression.
    Value(&'a Expr),
    /// What `+=` adds to it.
    Grown(&'a Expr),
    /// Each element of an iterable in turn.
    ElementOf(&'a Expr),
    /// What `with` opens.
    Opened(&'a Expr),
    /// What callers pass.
    Parameter(&'a ast::Parameter),
    /// Anything else.
    Unknown,
}

/// One origin for each place that binds `variable`.
pub(crate) fn origins<'a>(module: &Module<'a>, variable: VariableId) -> Vec<Origin<'a>> {
    let bindings = module.references(variable).filter(|reference| reference.access.rebinds());
    bindings.map(|binding| origin(module, binding)).collect()
}

fn origin<'a>(module: &Module<'a>, binding: &Reference<'a>) -> Origin<'a> {
    if let AnyNodeRef::Parameter(parameter) = binding.node {
        return Origin::Parameter(parameter);
    }
    match (binding.access, module.parent(binding.node)) {
        (Access::Update, Some(AnyNodeRef::StmtAugAssign(growth))) => Origin::Grown(&growth.value),
        (_, Some(AnyNodeRef::StmtAssign(assignment))) => Origin::Value(&assignment.value),
        (_, Some(AnyNodeRef::StmtAnnAssign(assignment))) => {
            assignment.value.as_deref().map_or(Origin::Unknown, Origin::Value)
        }
        (_, Some(AnyNodeRef::ExprNamed(named))) => Origin::Value(&named.value),
        (_, Some(AnyNodeRef::StmtFor(each))) => Origin::ElementOf(&each.iter),
        (_, Some(AnyNodeRef::Comprehension(each))) => Origin::ElementOf(&each.iter),
        (_, Some(AnyNodeRef::WithItem(item))) => Origin::Opened(&item.context_expr),
        (_, Some(AnyNodeRef::ExprTuple(targets))) => {
            numbered_element(module, targets, binding).unwrap_or(Origin::Unknown)
        }
        _ => Origin::Unknown,
    }
}

/// `chunk` of `for number, chunk in enumerate(chunks)`.
fn numbered_element<'a>(
    module: &Module<'a>,
    targets: &'a ast::ExprTuple,
    binding: &Reference<'a>,
) -> Option<Origin<'a>> {
    let iterable = match module.parent(targets.into())? {
        AnyNodeRef::StmtFor(each) => &*each.iter,
        AnyNodeRef::Comprehension(each) => &each.iter,
        _ => return None,
    };
    let Expr::Call(call) = iterable else { return None };
    let Expr::Name(function) = &*call.func else { return None };
    let [_, second] = &targets.elts[..] else { return None };
    let is_enumeration = function.id == "enumerate"
        && module.is_builtin(function)
        && second.range() == binding.range;
    is_enumeration.then(|| call.arguments.args.first().map(Origin::ElementOf))?
}

/// The values that a function hands to its caller.
#[derive(Debug, Default)]
pub(crate) struct Handed<'a> {
    /// By `return`; `None` for a bare one.
    pub returned: Vec<Option<&'a Expr>>,
    /// By `yield`; `None` for a bare one.
    pub yielded: Vec<Option<&'a Expr>>,
    /// By `yield from`.
    pub yielded_from: Vec<&'a Expr>,
}

impl<'a> Handed<'a> {
    /// Collects what stands in the function itself, not in functions inside it.
    pub fn over_by(module: &Module<'a>, def: &'a ast::StmtFunctionDef) -> Self {
        let mut handed = Self::default();
        let own = module.scope_opened_by(def.into());
        for node in module
            .nodes_in(def.into())
            .filter(|&node| Some(module.frame_of(module.scope_of(node))) == own)
        {
            match node {
                AnyNodeRef::StmtReturn(node) => handed.returned.push(node.value.as_deref()),
                AnyNodeRef::ExprYield(node) => handed.yielded.push(node.value.as_deref()),
                AnyNodeRef::ExprYieldFrom(node) => handed.yielded_from.push(&node.value),
                _ => {}
            }
        }
        handed
    }

    /// Whether calling the function makes a generator.
    pub fn is_generator(&self) -> bool {
        !self.yielded.is_empty() || !self.yielded_from.is_empty()
    }
}
