//! The bases of a class: each must have slots, or get them as well.

use super::body::Style;
use super::subject::Subject;
use crate::Blocker;
use lowtide_source::Meaning;
use lowtide_source::ast::{Expr, Stmt};
use std::collections::BTreeSet;

/// A class that gets slots, and which.
pub(super) struct Slotted<'p, 'a> {
    pub subject: Subject<'p, 'a>,
    pub slots: Vec<&'a str>,
    /// One of them that a base class has a value for.
    pub clash: Option<&'a str>,
}

/// Builtin types whose instances have parts of different number: slots of their own are not possible, or save nothing.
const VARIABLE_SIZE: &[&str] =
    &["builtins.bytes", "builtins.int", "builtins.str", "builtins.tuple", "builtins.type"];
/// Bases from outside the project that have no `__dict__`.
const EMPTY_BASES: &[&str] = &["builtins.object", "abc.ABC"];

/// A class with its bases from the project, most derived first, and every slot name that they have together.
pub(super) struct Lineage<'p, 'a> {
    /// Those that get slots.
    pub to_slot: Vec<Slotted<'p, 'a>>,
    /// As instances have them: private names with the class's name before them.
    pub attributes: BTreeSet<String>,
    /// Attributes that are kept elsewhere.
    pub properties: BTreeSet<&'a str>,
}

impl<'p, 'a> Lineage<'p, 'a> {
    /// Follows the one base of each class up to `object`.
    pub fn of(subject: Subject<'p, 'a>) -> Result<Self, Blocker> {
        let mut chain = vec![subject];
        while let Some(base) = base_of(*chain.last().unwrap_or(&subject))? {
            if chain.iter().any(|known| std::ptr::eq(known.class, base.class)) {
                break;
            }
            chain.push(base);
        }
        let mut lineage =
            Self { to_slot: Vec::new(), attributes: BTreeSet::new(), properties: BTreeSet::new() };
        let mut names_of_bases = BTreeSet::new();
        for subject in chain.into_iter().rev() {
            lineage.add(subject, &names_of_bases)?;
            names_of_bases.extend(subject.bound_names());
        }
        lineage.to_slot.reverse();
        Ok(lineage)
    }

    /// Adds a class below those that are there.
    fn add(
        &mut self,
        subject: Subject<'p, 'a>,
        names_of_bases: &BTreeSet<&'a str>,
    ) -> Result<(), Blocker> {
        let full_name = |name: &str| mangled(&subject.class.name, name);
        self.properties.extend(subject.properties());
        if subject.has_slots() {
            self.attributes.extend(declared_slots(subject)?.iter().map(|name| full_name(name)));
            return Ok(());
        }
        let slots = new_slots(subject, self);
        self.attributes.extend(slots.iter().map(|name| full_name(name)));
        let clash = slots.iter().copied().find(|slot| names_of_bases.contains(slot));
        self.to_slot.push(Slotted { subject, slots, clash });
        Ok(())
    }
}

/// The attributes of a class that no base has, in the order in which they are first set.
fn new_slots<'a>(subject: Subject<'_, 'a>, bases: &Lineage<'_, 'a>) -> Vec<&'a str> {
    if let Style::Dataclass(_) = subject.style() {
        return subject.fields();
    }
    let mut slots = Vec::new();
    for write in subject.own_writes() {
        let is_inherited =
            bases.attributes.contains(&mangled(&subject.class.name, write.attribute));
        let is_new = !slots.contains(&write.attribute) && !is_inherited;
        if is_new && !bases.properties.contains(write.attribute) {
            slots.push(write.attribute);
        }
    }
    slots
}

/// `__name` in the body of `class` means `_class__name` (Python reference, 6.2.1).
pub(super) fn mangled(class: &str, name: &str) -> String {
    let bare_class = class.trim_start_matches('_');
    let is_private = name.starts_with("__") && !name.ends_with("__") && !bare_class.is_empty();
    if is_private { format!("_{bare_class}{name}") } else { name.to_owned() }
}

/// The one base class of the project; `None` where the bases are known to have no attributes.
fn base_of<'p, 'a>(subject: Subject<'p, 'a>) -> Result<Option<Subject<'p, 'a>>, Blocker> {
    let class = subject.class;
    if class.type_params.is_some() {
        return Err(subject.blocker(
            "unknown-base",
            &class.name,
            "a generic class has a base that lowtide cannot see".into(),
        ));
    }
    let mut own = Vec::new();
    for base in class.bases() {
        match subject.project.meaning(subject.id, base) {
            Some(Meaning::External(name)) if EMPTY_BASES.contains(&name.as_str()) => {}
            Some(Meaning::External(name)) if VARIABLE_SIZE.contains(&name.as_str()) => {
                let reason = format!("`{name}` has instances of varying size");
                return Err(subject.blocker("variable-size-base", base, reason));
            }
            Some(Meaning::Variable(definition)) => match subject.project.class(definition) {
                Some(found) => own.push(Subject {
                    project: subject.project,
                    id: definition.module,
                    class: found,
                }),
                None => return Err(unknown_base(subject, base)),
            },
            _ => return Err(unknown_base(subject, base)),
        }
    }
    match own[..] {
        [] => Ok(None),
        [only] => Ok(Some(only)),
        _ => Err(subject.blocker(
            "several-bases",
            &class.name,
            "two bases with slots cannot be combined".into(),
        )),
    }
}

fn unknown_base(subject: Subject<'_, '_>, base: &Expr) -> Blocker {
    let text = subject.module().file().slice(base);
    subject.blocker(
        "unknown-base",
        base,
        format!("the base `{text}` is not a class of the project and may have a `__dict__`"),
    )
}

/// The strings of `__slots__ = (...)`.
fn declared_slots(subject: Subject<'_, '_>) -> Result<Vec<String>, Blocker> {
    if let Style::Dataclass(_) = subject.style() {
        return Ok(subject.fields().into_iter().map(str::to_owned).collect());
    }
    let value = subject.class.body.iter().find_map(|statement| match statement {
        Stmt::Assign(node) if matches!(&node.targets[..], [Expr::Name(name)] if name.id == "__slots__") => Some(&*node.value),
        _ => None,
    });
    let unclear = || {
        subject.blocker(
            "unknown-base",
            &subject.class.name,
            "the slots of a base are not written out".into(),
        )
    };
    let value = value.ok_or_else(unclear)?;
    let names: Option<Vec<String>> = match value {
        Expr::StringLiteral(text) => Some(vec![text.value.to_str().to_owned()]),
        Expr::Tuple(tuple) => literal_names(&tuple.elts),
        Expr::List(list) => literal_names(&list.elts),
        _ => None,
    };
    let names = names.ok_or_else(unclear)?;
    if names.iter().any(|name| name == "__dict__") {
        return Err(subject.blocker(
            "unknown-base",
            &subject.class.name,
            "a base keeps its `__dict__`".into(),
        ));
    }
    Ok(names)
}

fn literal_names(elements: &[Expr]) -> Option<Vec<String>> {
    elements
        .iter()
        .map(|element| Some(element.as_string_literal_expr()?.value.to_str().to_owned()))
        .collect()
}
