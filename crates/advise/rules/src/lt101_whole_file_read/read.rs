use crate::opened_file::{NotOpened, OpenedFile, opened};
use lowtide_source::ast::{AnyNodeRef, Expr, ExprAttribute, ExprCall};
use lowtide_source::{ModuleId, Project};

/// An expression that reads the rest of a file at once.
#[derive(Debug)]
pub(super) struct WholeRead<'a> {
    /// The whole expression.
    pub call: &'a ExprCall,
    /// The file.
    pub file: &'a Expr,
    pub way: Way<'a>,
    /// How the file was opened, as far as the project tells.
    pub origin: Result<OpenedFile<'a>, NotOpened>,
}

/// How the content becomes a list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way<'a> {
    /// `file.readlines()`, `list(file)`: the file's own lines.
    Lines,
    /// `file.read().splitlines(...)`, `file.read().split()`: each line may be split by itself.
    SplitEach(&'a ExprCall),
    /// `file.read().split("\n")` and the like: an empty last part tells whether the file ends with the separator.
    SplitWhole,
}

impl<'a> WholeRead<'a> {
    pub fn at(project: &Project<'a>, id: ModuleId, node: AnyNodeRef<'a>) -> Option<Self> {
        let AnyNodeRef::ExprCall(call) = node else { return None };
        let (file, way) = match &*call.func {
            Expr::Attribute(method) => by_method(call, method)?,
            Expr::Name(_) => (by_list(project, id, call)?, Way::Lines),
            _ => return None,
        };
        Some(Self { call, file, way, origin: opened(project, id, file) })
    }

    /// Whether the file is named by a plain variable.
    pub fn is_named(&self) -> bool {
        self.file.is_name_expr()
    }
}

fn by_method<'a>(call: &'a ExprCall, method: &'a ExprAttribute) -> Option<(&'a Expr, Way<'a>)> {
    match method.attr.as_str() {
        "readlines" if call.arguments.is_empty() => Some((&method.value, Way::Lines)),
        "splitlines" => Some((file_of_read(&method.value)?, Way::SplitEach(call))),
        "split" if call.arguments.is_empty() => {
            Some((file_of_read(&method.value)?, Way::SplitEach(call)))
        }
        "split" if is_line_end(call.arguments.args.first()?) => {
            Some((file_of_read(&method.value)?, Way::SplitWhole))
        }
        _ => None,
    }
}

/// The file of `file.read()`.
fn file_of_read(expr: &Expr) -> Option<&Expr> {
    let call = expr.as_call_expr()?;
    let method = call.func.as_attribute_expr()?;
    (method.attr.as_str() == "read" && call.arguments.is_empty()).then_some(&*method.value)
}

fn is_line_end(separator: &Expr) -> bool {
    match separator {
        Expr::StringLiteral(text) => matches!(text.value.to_str(), "\n" | "\r\n"),
        Expr::BytesLiteral(bytes) => {
            matches!(bytes.value.bytes().collect::<Vec<_>>().as_slice(), b"\n" | b"\r\n")
        }
        _ => false,
    }
}

/// The file of `list(file)`.
fn by_list<'a>(project: &Project<'a>, id: ModuleId, call: &'a ExprCall) -> Option<&'a Expr> {
    let [file] = &*call.arguments.args else { return None };
    let is_list = project.external_name(id, &call.func)? == "builtins.list"
        && call.arguments.keywords.is_empty();
    (is_list && opened(project, id, file).is_ok()).then_some(file)
}
