//! What the search for instances asks again and again, whatever the class: found out once in a project.

use super::deeds::Deeds;
use super::spelled::Spelled;
use super::subject::Subject;
use crate::origin::Handed;
use lowtide_source::ast::{AnyNodeRef, Expr, ExprAttribute, StmtClassDef};
use lowtide_source::{Calls, Function, ModuleId, Project, Ranged, TextSize};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

type Cache<K, V> = RefCell<HashMap<K, V>>;
/// A function by its place.
type FunctionKey = (ModuleId, TextSize);

/// A project, and answers to what was asked about it.
pub(super) struct Knowledge<'p, 'a> {
    project: &'p Project<'a>,
    pub spelled: Spelled<'a>,
    pub deeds: Deeds<'a>,
    /// Places that store an attribute, by its name.
    stores: HashMap<&'a str, Vec<(ModuleId, &'a ExprAttribute)>>,
    givers: Cache<String, Rc<[&'a StmtClassDef]>>,
    returned: Cache<FunctionKey, Rc<[&'a Expr]>>,
    calls: Cache<FunctionKey, Rc<Calls<'a>>>,
}

impl<'p, 'a> Knowledge<'p, 'a> {
    pub fn of(project: &'p Project<'a>) -> Self {
        Self {
            project,
            spelled: Spelled::in_project(project),
            deeds: Deeds::in_project(project),
            stores: stores(project),
            givers: RefCell::default(),
            returned: RefCell::default(),
            calls: RefCell::default(),
        }
    }

    /// Every place that stores an attribute of that name.
    pub fn stores_of(&self, name: &str) -> &[(ModuleId, &'a ExprAttribute)] {
        self.stores.get(name).map_or(&[], Vec::as_slice)
    }

    /// The classes of the project that give their own instances this attribute.
    pub fn givers_of(&self, name: &str) -> Rc<[&'a StmtClassDef]> {
        remembered(&self.givers, name.to_owned(), || {
            let gives = |&(id, class): &(ModuleId, &'a StmtClassDef)| {
                let class = Subject { project: self.project, id, class };
                class.fields().contains(&name)
                    || class.own_writes().iter().any(|write| write.attribute == name)
            };
            let classes = self.project.classes_mentioning(name).into_iter();
            classes.filter(gives).map(|(_, class)| class).collect()
        })
    }

    /// What a call of `function` may be; nothing if that is a generator.
    pub fn returned_by(&self, function: Function<'a>) -> Rc<[&'a Expr]> {
        remembered(&self.returned, key_of(function), || {
            let handed = Handed::over_by(self.project.module(function.module), function.def);
            if handed.is_generator() {
                return Rc::default();
            }
            handed.returned.into_iter().flatten().collect()
        })
    }

    /// Every use of `function`.
    pub fn calls_of(&self, function: Function<'a>) -> Rc<Calls<'a>> {
        remembered(&self.calls, key_of(function), || Rc::new(self.project.calls_of(function)))
    }
}

fn key_of(function: Function<'_>) -> FunctionKey {
    (function.module, function.def.start())
}

fn stores<'a>(project: &Project<'a>) -> HashMap<&'a str, Vec<(ModuleId, &'a ExprAttribute)>> {
    let mut stores: HashMap<&str, Vec<_>> = HashMap::new();
    for (id, module) in project.modules() {
        for node in module.nodes() {
            if let AnyNodeRef::ExprAttribute(found) = node
                && found.ctx.is_store()
            {
                stores.entry(found.attr.as_str()).or_default().push((id, found));
            }
        }
    }
    stores
}

/// The answer to `key`, found out if nobody asked before.
fn remembered<K: Eq + Hash, V: Clone>(cache: &Cache<K, V>, key: K, find: impl FnOnce() -> V) -> V {
    if let Some(known) = cache.borrow().get(&key) {
        return known.clone();
    }
    let found = find();
    cache.borrow_mut().insert(key, found.clone());
    found
}
