//! What a class body says: how its attributes are kept now, and what stands in the way of slots.

use super::lineage::Slotted;
use super::subject::{Subject, has_decorator};
use crate::Blocker;
use lowtide_source::ast::{AnyNodeRef, Decorator, Expr, ExprCall, Stmt, StmtAnnAssign};
use lowtide_source::{Meaning, Ranged};
use std::collections::BTreeSet;

/// How the class would be given slots.
#[derive(Clone, Copy, Debug)]
pub(super) enum Style<'a> {
    /// By a `__slots__` in its body.
    Plain,
    /// By `slots=True` of this decorator.
    Dataclass(&'a Decorator),
}

/// Methods through which attributes, or the instance's `__dict__`, take another way.
const HOOKS: &[&str] = &[
    "__getattr__",
    "__getattribute__",
    "__setattr__",
    "__delattr__",
    "__getstate__",
    "__setstate__",
    "__reduce__",
    "__reduce_ex__",
    "__getnewargs__",
    "__getnewargs_ex__",
    "__dir__",
    "__dict__",
    "__weakref__",
];
/// Names that every class has a value for.
const TAKEN_NAMES: &[&str] = &["__class__", "__doc__", "__module__", "__qualname__", "__slots__"];
/// Class decorators that leave the instances alone.
const HARMLESS_DECORATORS: &[&str] = &["functools.total_ordering", "typing.final"];

impl<'a> Subject<'_, 'a> {
    pub fn has_slots(self) -> bool {
        self.bound_names().contains("__slots__")
            || matches!(self.style(), Style::Dataclass(decorator) if has_keyword(decorator, "slots"))
    }

    pub fn style(self) -> Style<'a> {
        let dataclass = self.class.decorator_list.iter().find(|decorator| {
            let name = self.project.external_name(self.id, callee(decorator));
            name.is_some_and(|name| name == "dataclasses.dataclass")
        });
        dataclass.map_or(Style::Plain, Style::Dataclass)
    }

    /// Names that the class body gives a value.
    pub fn bound_names(self) -> BTreeSet<&'a str> {
        let module = self.module();
        let Some(scope) = module.scope_opened_by(self.class.into()) else { return BTreeSet::new() };
        let variables = module.scope(scope).variables.iter();
        let has_value = |variable| {
            module.references(variable).any(|reference| {
                let declares = matches!(module.parent(reference.node), Some(AnyNodeRef::StmtAnnAssign(node)) if node.value.is_none());
                reference.access.rebinds() && reference.scope == scope && !declares
            })
        };
        variables.filter(|&(_, &variable)| has_value(variable)).map(|(&name, _)| name).collect()
    }

    /// The properties of the class: attributes of that name are kept elsewhere.
    pub fn properties(self) -> BTreeSet<&'a str> {
        let methods = self.methods().into_iter().map(|function| function.def);
        let properties =
            methods.filter(|def| has_decorator(def, &["property", "setter", "getter", "deleter"]));
        properties.map(|def| def.name.as_str()).collect()
    }

    /// The fields of a dataclass, in order.
    pub fn fields(self) -> Vec<&'a str> {
        let annotated = self.class.body.iter().filter_map(|statement| match statement {
            Stmt::AnnAssign(node) => Some(node),
            _ => None,
        });
        annotated
            .filter(|node| self.is_field(node))
            .filter_map(|node| Some(node.target.as_name_expr()?.id.as_str()))
            .collect()
    }

    fn is_field(self, node: &StmtAnnAssign) -> bool {
        let text = self.module().file().slice(&*node.annotation);
        !["ClassVar", "InitVar", "KW_ONLY"].iter().any(|other| text.contains(other))
    }

    /// Everything in the class statement that forbids these slots.
    pub fn body_blockers(self, slotted: &Slotted<'_, 'a>) -> Vec<Blocker> {
        let mut blockers = vec![
            self.hook(),
            self.decorator(),
            self.metaclass(),
            self.cached_property(),
            self.value_on_class(slotted),
        ];
        if let Style::Dataclass(_) = self.style() {
            blockers.extend([
                self.beyond_fields(),
                self.needs_its_class(),
                self.base_of_dataclass(),
            ]);
        }
        blockers.into_iter().flatten().collect()
    }

    pub fn blocker(self, name: &'static str, node: impl Ranged, reason: String) -> Blocker {
        Blocker { name, reason, line: self.module().file().line_of(node.start()) }
    }

    fn hook(self) -> Option<Blocker> {
        let names = self.bound_names();
        let hook = HOOKS.iter().find(|hook| names.contains(**hook))?;
        Some(self.blocker(
            "attribute-hook",
            &self.class.name,
            format!("the class defines `{hook}`"),
        ))
    }

    fn decorator(self) -> Option<Blocker> {
        let decorator = self.class.decorator_list.iter().find(|decorator| {
            let name = self.project.external_name(self.id, callee(decorator)).unwrap_or_default();
            name != "dataclasses.dataclass" && !HARMLESS_DECORATORS.contains(&name.as_str())
        })?;
        let text = self.module().file().slice(&decorator.expression);
        Some(self.blocker(
            "class-decorator",
            decorator,
            format!("the decorator `{text}` gets hold of the class"),
        ))
    }

    fn metaclass(self) -> Option<Blocker> {
        let keyword = self.class.arguments.as_ref()?.keywords.first()?;
        let text = self.module().file().slice(keyword);
        Some(self.blocker("metaclass", keyword, format!("`{text}` may look at the class")))
    }

    fn cached_property(self) -> Option<Blocker> {
        let cached = self
            .methods()
            .into_iter()
            .find(|function| has_decorator(function.def, &["cached_property"]))?;
        Some(self.blocker(
            "cached-property",
            cached.def,
            format!("`{}` keeps its value in the instance's `__dict__`", cached.def.name),
        ))
    }

    /// A class-level value of the name of a slot; a dataclass may have defaults, but no methods of that name.
    fn value_on_class(self, slotted: &Slotted<'_, 'a>) -> Option<Blocker> {
        let names: BTreeSet<&str> = match self.style() {
            Style::Plain => self.bound_names(),
            Style::Dataclass(_) => {
                self.methods().iter().map(|function| function.def.name.as_str()).collect()
            }
        };
        let is_taken = |slot: &&&str| names.contains(**slot) || TAKEN_NAMES.contains(*slot);
        let clash = slotted.clash.or_else(|| slotted.slots.iter().find(is_taken).copied())?;
        Some(self.blocker(
            "class-level-default",
            &self.class.name,
            format!("the class itself has a `{clash}`"),
        ))
    }

    /// `slots=True` makes slots of the fields alone.
    fn beyond_fields(self) -> Option<Blocker> {
        let fields = self.fields();
        let properties = self.properties();
        let writes = self.own_writes();
        let other = writes.iter().find(|write| {
            !fields.contains(&write.attribute) && !properties.contains(write.attribute)
        })?;
        let line = self.module().file().line_of(other.offset.into());
        let reason = format!("`{}` is set but is no field (line {line})", other.attribute);
        Some(Blocker { name: "attribute-not-a-field", reason, line })
    }

    /// `slots=True` makes a second class; before 3.14, `super()` and `__class__` still mean the first.
    fn needs_its_class(self) -> Option<Blocker> {
        let module = self.module();
        let node = module.nodes_in(self.class.into()).find(|node| match node {
            AnyNodeRef::ExprCall(ExprCall { func, arguments, .. }) => {
                arguments.is_empty() && matches!(&**func, Expr::Name(name) if name.id == "super")
            }
            AnyNodeRef::ExprName(name) => name.id == "__class__",
            _ => false,
        })?;
        Some(self.blocker(
            "super-in-dataclass",
            node,
            "`super()` would mean another class before Python 3.14".into(),
        ))
    }

    fn base_of_dataclass(self) -> Option<Blocker> {
        let base = self.class.bases().iter().find(|base| {
            self.project.meaning(self.id, base) != Some(Meaning::External("builtins.object".into()))
        })?;
        Some(self.blocker(
            "unknown-base",
            base,
            "a dataclass with a base class inherits its fields".into(),
        ))
    }
}

/// `dataclass` of `@dataclass(frozen=True)`
fn callee(decorator: &Decorator) -> &Expr {
    decorator.expression.as_call_expr().map_or(&decorator.expression, |call| &*call.func)
}

fn has_keyword(decorator: &Decorator, name: &str) -> bool {
    decorator
        .expression
        .as_call_expr()
        .is_some_and(|call| call.arguments.find_keyword(name).is_some())
}
