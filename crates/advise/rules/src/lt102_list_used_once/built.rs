use lowtide_source::ast::{AnyNodeRef, Expr, ExprCall, ExprListComp, Stmt};
use lowtide_source::{ModuleId, Project, ReferenceId};

/// A list made on the spot from something that could be gone through instead.
#[derive(Debug)]
pub(crate) struct Built<'a> {
    /// The whole expression.
    pub list: AnyNodeRef<'a>,
    pub kind: Kind<'a>,
    /// The name it is bound to at once, if it is.
    pub binding: Option<Binding<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind<'a> {
    /// `[... for ...]`
    Comprehension(&'a ExprListComp),
    /// `list(argument)`
    Call { call: &'a ExprCall, argument: &'a Expr },
    /// A call of a function of the project that makes its list in full (LT104).
    Result,
}

/// `name = list`
#[derive(Debug)]
pub(crate) struct Binding<'a> {
    pub name: &'a str,
    pub reference: ReferenceId,
    pub statement: AnyNodeRef<'a>,
}

impl<'a> Built<'a> {
    pub fn at(project: &Project<'a>, id: ModuleId, node: AnyNodeRef<'a>) -> Option<Self> {
        let kind = match node {
            AnyNodeRef::ExprListComp(comprehension) => Kind::Comprehension(comprehension),
            AnyNodeRef::ExprCall(call) => list_call(project, id, call)?,
            _ => return None,
        };
        Some(Self { list: node, kind, binding: binding_of(project, id, node) })
    }

    /// The list that a call makes of the items of its argument.
    pub fn of_argument(
        project: &Project<'a>,
        id: ModuleId,
        call: &'a ExprCall,
        argument: &'a Expr,
    ) -> Self {
        let kind = Kind::Call { call, argument };
        Self { list: call.into(), kind, binding: binding_of(project, id, call.into()) }
    }

    /// The list that `call` is handed by a function.
    pub fn by_call(project: &Project<'a>, id: ModuleId, call: &'a ExprCall) -> Self {
        Self {
            list: call.into(),
            kind: Kind::Result,
            binding: binding_of(project, id, call.into()),
        }
    }

    /// The name of the list, empty if it has none.
    pub fn subject(&self) -> &'a str {
        self.binding.as_ref().map_or("", |binding| binding.name)
    }
}

fn list_call<'a>(project: &Project<'a>, id: ModuleId, call: &'a ExprCall) -> Option<Kind<'a>> {
    let [argument] = &*call.arguments.args else { return None };
    let is_list = project.external_name(id, &call.func)? == "builtins.list"
        && !is_whole_file(project, id, argument);
    (is_list && call.arguments.keywords.is_empty() && !argument.is_starred_expr())
        .then_some(Kind::Call { call, argument })
}

/// `list(file)` is LT101's.
fn is_whole_file(project: &Project<'_>, id: ModuleId, argument: &Expr) -> bool {
    crate::opened_file::opened(project, id, argument).is_ok()
}

fn binding_of<'a>(
    project: &Project<'a>,
    id: ModuleId,
    list: AnyNodeRef<'a>,
) -> Option<Binding<'a>> {
    let module = project.module(id);
    let statement = module.parent(list)?;
    let target = match statement {
        AnyNodeRef::StmtAssign(assign) => match assign.targets.as_slice() {
            [target] => target,
            _ => return None,
        },
        AnyNodeRef::StmtAnnAssign(assign) => &*assign.target,
        _ => return None,
    };
    let name = target.as_name_expr()?;
    Some(Binding { name: &name.id, reference: module.reference_at(name)?, statement })
}

/// The statement of a block that holds `node`.
pub(crate) fn sibling_holding(block: &[Stmt], node: AnyNodeRef<'_>) -> Option<usize> {
    use lowtide_source::Ranged;
    block.iter().position(|statement| statement.range().contains_range(node.range()))
}
