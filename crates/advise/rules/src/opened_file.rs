//! Whether an expression is a file that this program opened, and how.

use lowtide_source::ast::{AnyNodeRef, Expr, ExprCall, StmtFunctionDef, StmtWith};
use lowtide_source::{Access, ModuleId, Project, Reference};

/// A file that an `open` call of the project yields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenedFile<'a> {
    /// The `open` call.
    pub open: &'a ExprCall,
    /// The `with` that closes the file, if it stands in the same function as the expression.
    pub with: Option<&'a StmtWith>,
}

/// Why an expression is not known to be an ordinary file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// Standard input, or a file descriptor: the other end may wait for an answer.
    Pipe,
    /// Nothing tells what it is.
    Unknown,
}

/// Functions that open a file whose lines are the same when read one by one and all at once.
const OPENERS: [&str; 5] = ["builtins.open", "io.open", "gzip.open", "bz2.open", "lzma.open"];

/// The file that `expr` is, followed through `with`, assignments and the arguments of all callers.
pub(crate) fn opened<'a>(
    project: &Project<'a>,
    id: ModuleId,
    expr: &'a Expr,
) -> Result<OpenedFile<'a>, NotOpened> {
    follow(project, id, expr, 0)
}

/// How many calls an argument is followed through.
const DEEPEST: u32 = 3;

fn follow<'a>(
    project: &Project<'a>,
    id: ModuleId,
    expr: &'a Expr,
    depth: u32,
) -> Result<OpenedFile<'a>, NotOpened> {
    if project.external_name(id, expr).is_some_and(|name| name.starts_with("sys.stdin")) {
        return Err(NotOpened::Pipe);
    }
    match expr {
        Expr::Call(call) => opened_by(project, id, call),
        Expr::Name(name) => {
            let module = project.module(id);
            let read = module.reference_at(name).ok_or(NotOpened::Unknown)?;
            let bindings = module.bindings_reaching(read).ok_or(NotOpened::Unknown)?;
            let origins = bindings
                .iter()
                .map(|&binding| bound_to(project, id, module.reference(binding), depth));
            all_opened(origins)
        }
        _ => Err(NotOpened::Unknown),
    }
}

/// The first of several possible origins, if each of them is an opened file.
fn all_opened<'a>(
    origins: impl Iterator<Item = Result<OpenedFile<'a>, NotOpened>>,
) -> Result<OpenedFile<'a>, NotOpened> {
    let origins: Vec<OpenedFile<'a>> = origins.collect::<Result<_, _>>()?;
    origins.first().copied().ok_or(NotOpened::Unknown)
}

fn bound_to<'a>(
    project: &Project<'a>,
    id: ModuleId,
    binding: &Reference<'a>,
    depth: u32,
) -> Result<OpenedFile<'a>, NotOpened> {
    let module = project.module(id);
    if binding.access != Access::Store {
        return Err(NotOpened::Unknown);
    }
    match module.parent(binding.node) {
        Some(AnyNodeRef::StmtAssign(assign)) if assign.targets.iter().all(Expr::is_name_expr) => {
            follow(project, id, &assign.value, depth)
        }
        Some(AnyNodeRef::StmtAnnAssign(assign)) => {
            follow(project, id, assign.value.as_deref().ok_or(NotOpened::Unknown)?, depth)
        }
        Some(AnyNodeRef::WithItem(item)) => {
            let file = follow(project, id, &item.context_expr, depth)?;
            let with = match module.parent(item.into()) {
                Some(AnyNodeRef::StmtWith(with)) => Some(with),
                _ => None,
            };
            Ok(OpenedFile { with, ..file })
        }
        _ => match binding.node {
            AnyNodeRef::Parameter(parameter) if depth < DEEPEST => {
                passed_for(project, id, parameter.name.as_str(), binding.node, depth)
            }
            _ => Err(NotOpened::Unknown),
        },
    }
}

/// What all callers pass for a parameter.
fn passed_for<'a>(
    project: &Project<'a>,
    id: ModuleId,
    name: &str,
    parameter: AnyNodeRef<'a>,
    depth: u32,
) -> Result<OpenedFile<'a>, NotOpened> {
    let def = enclosing_function(project, id, parameter).ok_or(NotOpened::Unknown)?;
    let function = project.function_of(id, def).ok_or(NotOpened::Unknown)?;
    let calls = project.calls_of(function);
    if !calls.others.is_empty() {
        return Err(NotOpened::Unknown);
    }
    let origins = calls.sites.iter().map(|site| {
        let argument = function.argument(site.call, name).ok_or(NotOpened::Unknown)?;
        follow(project, site.module, argument, depth + 1)
    });
    Ok(OpenedFile { with: None, ..all_opened(origins)? })
}

fn enclosing_function<'a>(
    project: &Project<'a>,
    id: ModuleId,
    node: AnyNodeRef<'a>,
) -> Option<&'a StmtFunctionDef> {
    project.module(id).ancestors(node).find_map(|above| match above {
        AnyNodeRef::StmtFunctionDef(def) => Some(def),
        _ => None,
    })
}

fn opened_by<'a>(
    project: &Project<'a>,
    id: ModuleId,
    call: &'a ExprCall,
) -> Result<OpenedFile<'a>, NotOpened> {
    let opens = match project.external_name(id, &call.func) {
        Some(name) => OPENERS.contains(&name.as_str()),
        None => {
            matches!(&*call.func, Expr::Attribute(method) if is_path_open(project, method.attr.as_str(), call))
        }
    };
    if !opens {
        return Err(NotOpened::Unknown);
    }
    let is_pipe = match call.arguments.args.first() {
        Some(Expr::NumberLiteral(_)) => true,
        Some(Expr::StringLiteral(path)) => path.value.to_str().starts_with("/dev/"),
        Some(Expr::Call(inner)) => {
            matches!(&*inner.func, Expr::Attribute(method) if method.attr.as_str() == "fileno")
        }
        _ => false,
    };
    if is_pipe { Err(NotOpened::Pipe) } else { Ok(OpenedFile { open: call, with: None }) }
}

/// `path.open(...)` of a `pathlib.Path`; archives' `open` takes the name of a member instead of a mode.
fn is_path_open(project: &Project<'_>, method: &str, call: &ExprCall) -> bool {
    let is_mode = |argument: &Expr| match argument {
        Expr::StringLiteral(mode) => {
            !mode.value.is_empty()
                && mode.value.to_str().chars().all(|letter| "rwxabt+".contains(letter))
        }
        _ => false,
    };
    let has_own = project.functions_named("open").iter().any(|function| function.class.is_some());
    method == "open" && !has_own && call.arguments.args.first().is_none_or(is_mode)
}

impl OpenedFile<'_> {
    /// Whether the file is open for reading only.
    pub fn is_read_only(&self) -> bool {
        let place = usize::from(self.open.func.is_name_expr());
        match self.open.arguments.find_argument_value("mode", place) {
            None => true,
            Some(Expr::StringLiteral(mode)) => !mode.value.to_str().contains(['w', 'a', 'x', '+']),
            Some(_) => false,
        }
    }

    /// Whether the file's lines end only where `splitlines` splits as well, so that no line end is cut in two.
    pub fn ends_lines_as_splitlines_does(&self) -> bool {
        let newline = self.open.arguments.find_keyword("newline").map(|keyword| &keyword.value);
        match newline {
            None | Some(Expr::NoneLiteral(_)) => true,
            // With "\r" as the line end, "\r\n" would be cut between its two characters.
            Some(Expr::StringLiteral(text)) => text.value.to_str() != "\r",
            Some(_) => false,
        }
    }
}
