//! What the rest of the project does to instances that slots would not allow.

use super::identity::{Answers, Identifier, Identity};
use super::lineage::{Lineage, mangled};
use super::spelled::Spelled;
use super::subject::Subject;
use crate::Blocker;
use lowtide_source::ast::{self, AnyNodeRef, Expr, ExprAttribute, ExprCall};
use lowtide_source::{Meaning, Module, ModuleId, Project, Ranged};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Modules that write instances by way of their `__dict__`, and read back what was written before.
const PICKLERS: &[&str] = &[
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "copyreg",
    "jsonpickle",
];
/// Functions to whom slots look different from a `__dict__`.
const REFLECTION: &[&str] =
    &["builtins.dir", "inspect.getmembers", "inspect.getmembers_static", "sys.getsizeof"];

/// Every such fact.
pub(super) fn blockers<'a>(
    subject: Subject<'_, 'a>,
    lineage: &Lineage<'_, 'a>,
    spelled: &Spelled<'a>,
) -> Vec<Blocker> {
    let answers = Answers::default();
    let outside = Outside {
        subject,
        lineage,
        identifier: Identifier::of(subject, spelled, &answers),
        of_others: RefCell::default(),
    };
    let mut blockers = Vec::new();
    for (id, module) in subject.project.modules() {
        blockers.extend(module.nodes().filter_map(|node| outside.look_at(id, module, node)));
    }
    blockers.dedup_by_key(|blocker| blocker.name);
    blockers
}

struct Outside<'p, 'a> {
    subject: Subject<'p, 'a>,
    lineage: &'p Lineage<'p, 'a>,
    identifier: Identifier<'p, 'a>,
    /// Attributes already looked for in other classes.
    of_others: RefCell<BTreeMap<String, bool>>,
}

impl<'a> Outside<'_, 'a> {
    fn project(&self) -> &Project<'a> {
        self.subject.project
    }

    fn look_at(&self, id: ModuleId, module: &Module<'a>, node: AnyNodeRef<'a>) -> Option<Blocker> {
        let (name, what) = match node {
            AnyNodeRef::ExprAttribute(attribute) if attribute.attr == *"__dict__" => {
                self.takes_dict(id, &attribute.value)
            }
            AnyNodeRef::ExprAttribute(attribute)
                if attribute.attr == *"__class__" && !attribute.ctx.is_load() =>
            {
                self.is_concerned(id, &attribute.value)
                    .then(|| ("class-assigned", "gives an object another class".to_owned()))
            }
            AnyNodeRef::ExprAttribute(attribute) => self.attribute(id, module, attribute),
            AnyNodeRef::ExprCall(call) => self.call(id, call),
            AnyNodeRef::ExprName(name) => self.passes_vars_on(id, module, name),
            AnyNodeRef::ExprStringLiteral(text) if text.value.to_str() == "__dict__" => {
                Some(("dict-used", "spells `__dict__`".to_owned()))
            }
            AnyNodeRef::StmtImport(import) => {
                import.names.iter().find_map(|alias| import_of(&alias.name))
            }
            AnyNodeRef::StmtImportFrom(import) => {
                import.module.as_ref().and_then(|module| import_of(module))
            }
            AnyNodeRef::StmtClassDef(class) => self.derived(id, class),
            _ => None,
        }?;
        let line = module.file().line_of(node.start());
        let place = if id == self.subject.id {
            format!("line {line}")
        } else {
            format!("{}:{line}", module.file().path().display())
        };
        Some(Blocker { name, reason: format!("{place} {what}"), line })
    }

    fn is_concerned(&self, id: ModuleId, object: &'a Expr) -> bool {
        self.identifier.identify(id, object) != Identity::Other
    }

    fn takes_dict(&self, id: ModuleId, object: &'a Expr) -> Option<(&'static str, String)> {
        self.is_concerned(id, object)
            .then(|| ("dict-used", "asks for the `__dict__` of an object".to_owned()))
    }

    /// `json.dumps(points, default=vars)`
    fn passes_vars_on(
        &self,
        id: ModuleId,
        module: &Module<'a>,
        name: &'a ast::ExprName,
    ) -> Option<(&'static str, String)> {
        if name.id != "vars" || !self.project().module(id).is_builtin(name) {
            return None;
        }
        let is_called = matches!(module.parent(name.into()), Some(AnyNodeRef::ExprCall(call)) if call.func.range() == name.range);
        (!is_called).then(|| ("dict-used", "passes `vars` on".to_owned()))
    }

    fn attribute(
        &self,
        id: ModuleId,
        module: &Module<'a>,
        found: &'a ExprAttribute,
    ) -> Option<(&'static str, String)> {
        let name = full_name(module, found.into(), &found.attr);
        if self.subject.is_named_by(id, &found.value) {
            return self.on_class(found, &name);
        }
        if found.ctx.is_load() { None } else { self.write(id, &found.value, &name) }
    }

    /// `Point.x = 0` would put a value in the slot's place; `Point.x` is no longer a field's default.
    fn on_class(&self, found: &ExprAttribute, name: &str) -> Option<(&'static str, String)> {
        if !self.lineage.attributes.contains(name) {
            return None;
        }
        let what = if found.ctx.is_load() { "reads" } else { "sets" };
        Some(("class-level-default", format!("{what} `{name}` of the class itself")))
    }

    /// A value for an attribute that would have no slot.
    fn write(&self, id: ModuleId, object: &'a Expr, name: &str) -> Option<(&'static str, String)> {
        if self.lineage.attributes.contains(name) || self.lineage.properties.contains(name) {
            return None;
        }
        let identity = self.identifier.identify(id, object);
        let may_be_meant = identity == Identity::Instance
            || (identity == Identity::Unknown && !self.belongs_to_another(name));
        may_be_meant.then(|| {
            ("attribute-set-outside", format!("may give an instance the attribute `{name}`"))
        })
    }

    /// Whether another class of the project gives its own instances this attribute.
    fn belongs_to_another(&self, name: &str) -> bool {
        if let Some(known) = self.of_others.borrow().get(name) {
            return *known;
        }
        let belongs = self.is_given_by_another(name);
        self.of_others.borrow_mut().insert(name.to_owned(), belongs);
        belongs
    }

    fn is_given_by_another(&self, name: &str) -> bool {
        let project = self.project();
        let own = project.lineage(self.subject.id, self.subject.class);
        let others = project.classes_mentioning(name).into_iter();
        others.filter(|(_, class)| !own.iter().any(|each| std::ptr::eq(*each, *class))).any(
            |(id, class)| {
                let other = Subject { project, id, class };
                other.fields().contains(&name)
                    || other.own_writes().iter().any(|write| write.attribute == name)
            },
        )
    }

    fn call(&self, id: ModuleId, call: &'a ExprCall) -> Option<(&'static str, String)> {
        let name = self.project().external_name(id, &call.func)?;
        let object = call.arguments.args.first()?;
        match name.as_str() {
            "builtins.vars" => self.takes_dict(id, object),
            "builtins.setattr"
            | "builtins.delattr"
            | "builtins.object.__setattr__"
            | "builtins.object.__delattr__" => {
                self.named_write(id, object, call.arguments.args.get(1)?)
            }
            reflection if REFLECTION.contains(&reflection) && self.is_concerned(id, object) => {
                Some(("reflection", format!("looks at an object through `{reflection}`")))
            }
            _ => None,
        }
    }

    fn named_write(
        &self,
        id: ModuleId,
        object: &'a Expr,
        name: &'a Expr,
    ) -> Option<(&'static str, String)> {
        let Expr::StringLiteral(text) = name else {
            let concerned = self.is_concerned(id, object) && !self.subject.is_named_by(id, object);
            return concerned.then(|| {
                ("dynamic-attributes", "sets an attribute whose name is computed".to_owned())
            });
        };
        if self.subject.is_named_by(id, object) {
            return self.lineage.attributes.contains(text.value.to_str()).then(|| {
                ("class-level-default", "sets an attribute of the class itself".to_owned())
            });
        }
        self.write(id, object, text.value.to_str())
    }

    /// A class derived from this one.
    fn derived(
        &self,
        id: ModuleId,
        class: &'a ast::StmtClassDef,
    ) -> Option<(&'static str, String)> {
        let project = self.project();
        let derives = class.bases().iter().any(|base| self.subject.is_named_by(id, base));
        if !derives {
            return None;
        }
        let is_real = |base: &&Expr| {
            project.meaning(id, base) != Some(Meaning::External("builtins.object".into()))
        };
        if class.bases().iter().filter(is_real).count() > 1 {
            return Some((
                "several-bases",
                format!("combines the class with another base in `{}`", class.name),
            ));
        }
        let has_slots = Subject { project, id, class }.has_slots();
        has_slots.then(|| {
            (
                "subclass-with-slots",
                format!("derives `{}`, which would lose its `__dict__` as well", class.name),
            )
        })
    }
}

/// The attribute that `name` means where `node` stands.
fn full_name<'a>(module: &Module<'a>, node: AnyNodeRef<'a>, name: &str) -> String {
    let class = module.ancestors(node).find_map(|above| match above {
        AnyNodeRef::StmtClassDef(class) => Some(class),
        _ => None,
    });
    class.map_or_else(|| name.to_owned(), |class| mangled(&class.name, name))
}

fn import_of(module: &str) -> Option<(&'static str, String)> {
    let first = module.split('.').next().unwrap_or(module);
    if PICKLERS.contains(&first) {
        return Some((
            "pickled",
            format!("imports `{first}`: instances pickled before have a `__dict__`"),
        ));
    }
    (first == "weakref").then(|| {
        (
            "weak-reference",
            "imports `weakref`: instances with slots cannot be referred to weakly".to_owned(),
        )
    })
}
