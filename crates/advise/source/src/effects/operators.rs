//! The methods that operators call behind the scenes.

use super::collector::Collector;
use ruff_python_ast::{AnyNodeRef, CmpOp, ExprContext, Operator};

impl<'a> Collector<'_, 'a> {
    /// Adds the effects of the special methods that the project's classes have for what `node` does.
    pub(super) fn run_operators(&mut self, node: AnyNodeRef<'a>) {
        for name in special_methods(node) {
            for &method in self
                .project
                .functions_named(name)
                .iter()
                .filter(|function| function.class.is_some())
            {
                self.run_body(method);
            }
        }
    }
}

/// The special methods that evaluating `node` itself may call.
fn special_methods(node: AnyNodeRef<'_>) -> &'static [&'static str] {
    match node {
        AnyNodeRef::ExprBinOp(operation) => of_operator(operation.op),
        AnyNodeRef::StmtAugAssign(statement) => of_operator(statement.op),
        AnyNodeRef::ExprUnaryOp(_) => &["__neg__", "__pos__", "__invert__", "__bool__", "__len__"],
        AnyNodeRef::ExprBoolOp(_)
        | AnyNodeRef::StmtIf(_)
        | AnyNodeRef::ExprIf(_)
        | AnyNodeRef::StmtWhile(_) => &["__bool__", "__len__"],
        AnyNodeRef::ExprCompare(comparison) => {
            if comparison.ops.iter().any(|operator| matches!(operator, CmpOp::In | CmpOp::NotIn)) {
                &["__contains__", "__eq__", "__iter__"]
            } else {
                &["__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"]
            }
        }
        AnyNodeRef::ExprSubscript(subscript) => match subscript.ctx {
            ExprContext::Store => &["__setitem__"],
            ExprContext::Del => &["__delitem__"],
            _ => &["__getitem__", "__missing__"],
        },
        AnyNodeRef::ExprAttribute(attribute) => match attribute.ctx {
            ExprContext::Store => &["__setattr__"],
            ExprContext::Del => &["__delattr__"],
            _ => &["__getattr__", "__getattribute__"],
        },
        AnyNodeRef::InterpolatedElement(_) => &["__format__", "__str__", "__repr__"],
        AnyNodeRef::StmtFor(_) | AnyNodeRef::Comprehension(_) => &["__iter__", "__next__"],
        AnyNodeRef::ExprCall(call) if call.func.is_name_expr() => &[
            "__str__",
            "__repr__",
            "__format__",
            "__len__",
            "__bool__",
            "__hash__",
            "__int__",
            "__float__",
            "__call__",
            "__lt__",
            "__eq__",
            "__iter__",
            "__next__",
        ],
        _ => &[],
    }
}

fn of_operator(operator: Operator) -> &'static [&'static str] {
    match operator {
        Operator::Add => &["__add__", "__radd__", "__iadd__"],
        Operator::Sub => &["__sub__", "__rsub__", "__isub__"],
        Operator::Mult => &["__mul__", "__rmul__", "__imul__"],
        Operator::MatMult => &["__matmul__", "__rmatmul__", "__imatmul__"],
        Operator::Div => &["__truediv__", "__rtruediv__", "__itruediv__"],
        Operator::Mod => &["__mod__", "__rmod__", "__imod__"],
        Operator::Pow => &["__pow__", "__rpow__", "__ipow__"],
        Operator::LShift => &["__lshift__", "__rlshift__", "__ilshift__"],
        Operator::RShift => &["__rshift__", "__rrshift__", "__irshift__"],
        Operator::BitOr => &["__or__", "__ror__", "__ior__"],
        Operator::BitXor => &["__xor__", "__rxor__", "__ixor__"],
        Operator::BitAnd => &["__and__", "__rand__", "__iand__"],
        Operator::FloorDiv => &["__floordiv__", "__rfloordiv__", "__ifloordiv__"],
    }
}
