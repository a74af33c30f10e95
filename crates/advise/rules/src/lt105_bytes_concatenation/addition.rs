//! One addition to a growing name or attribute.

use lowtide_source::ast::{AnyNodeRef, Expr, Operator};
use lowtide_source::{Module, Ranged, TextRange};

/// `data += chunk`, or `data = data + chunk`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addition<'a> {
    /// The whole statement.
    pub statement: AnyNodeRef<'a>,
    /// What grows, where it is bound.
    pub target: &'a Expr,
    /// What grows, where it is read; `None` in `data += chunk`.
    grown: Option<&'a Expr>,
    /// Right of the `=` or `+=`.
    value: &'a Expr,
}

impl<'a> Addition<'a> {
    /// The addition that `statement` is, if it is one.
    pub fn of(statement: AnyNodeRef<'a>) -> Option<Self> {
        match statement {
            AnyNodeRef::StmtAugAssign(node) if node.op == Operator::Add => {
                Some(Self { statement, target: &node.target, grown: None, value: &node.value })
            }
            AnyNodeRef::StmtAssign(node) => {
                let [target] = &node.targets[..] else { return None };
                let grown = first_operand(&node.value)?;
                let same = dotted_path(target).is_some_and(|path| dotted_path(grown) == Some(path));
                same.then_some(Self { statement, target, grown: Some(grown), value: &node.value })
            }
            _ => None,
        }
    }

    /// Whether `range` names what grows, as part of the addition itself.
    pub fn names_grown(&self, range: TextRange) -> bool {
        let grown = self.grown.map(Ranged::range);
        self.target.range().contains_range(range)
            || grown.is_some_and(|grown| grown.contains_range(range))
    }

    /// What is added, part by part: one expression, or `a` and `b` of `data = data + a + b`.
    pub fn chunks(&self) -> Vec<&'a Expr> {
        let mut chunks = Vec::new();
        let mut sum = self.value;
        while let (Some(_), Expr::BinOp(operation)) = (self.grown, sum) {
            chunks.push(&*operation.right);
            sum = &operation.left;
        }
        if self.grown.is_none() {
            chunks.push(self.value);
        }
        chunks
    }

    /// The source text of what is added, fit to stand as an argument.
    pub fn chunk_text(&self, module: &Module<'a>) -> String {
        let (from, to) = match self.grown {
            Some(grown) => (grown.end(), self.value.end()),
            None => (self.target.end(), self.statement.end()),
        };
        let operator = if self.grown.is_some() { "+" } else { "+=" };
        let text = &module.file().text()[TextRange::new(from, to)];
        let chunk = text.split_once(operator).map_or(text, |(_, chunk)| chunk).trim();
        if matches!(self.value, Expr::Yield(_) | Expr::YieldFrom(_)) {
            format!("({chunk})")
        } else {
            chunk.to_owned()
        }
    }
}

/// `data` of `data + a + b`, written without parentheses around it or a part of the sum.
fn first_operand(value: &Expr) -> Option<&Expr> {
    let mut operand = value;
    while let Expr::BinOp(operation) = operand {
        if operation.op != Operator::Add || operation.left.start() != value.start() {
            return None;
        }
        operand = &operation.left;
    }
    (!std::ptr::eq(operand, value)).then_some(operand)
}

/// `["self", "data"]` for `self.data`; `None` for anything but names and attributes.
pub(super) fn dotted_path(expr: &Expr) -> Option<Vec<&str>> {
    match expr {
        Expr::Name(name) => Some(vec![&name.id]),
        Expr::Attribute(attribute) => {
            let mut path = dotted_path(&attribute.value)?;
            path.push(&attribute.attr.id);
            Some(path)
        }
        _ => None,
    }
}
