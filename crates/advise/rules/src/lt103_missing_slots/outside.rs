//! What the rest of the project does to instances that slots would not allow.

use super::deeds::{Deed, Kind, Place, full_name};
use super::identity::{Answers, Identifier, Identity};
use super::knowledge::Knowledge;
use super::lineage::Lineage;
use super::subject::Subject;
use crate::Blocker;
use lowtide_source::ast::{AnyNodeRef, Expr};
use lowtide_source::{Definition, Meaning, Ranged, Use};

/// Such facts. What costs more to find out is looked for only where nothing was found for less, and no further than
/// the first: in a large project that is nearly always at hand.
pub(super) fn blockers<'a>(
    subject: Subject<'_, 'a>,
    lineage: &Lineage<'_, 'a>,
    knowledge: &Knowledge<'_, 'a>,
) -> Vec<Blocker> {
    let answers = Answers::about(subject);
    let outside = Outside {
        subject,
        definition: subject.definition(),
        lineage,
        knowledge,
        identifier: Identifier::of(subject, knowledge, &answers),
        answers: &answers,
    };
    let mut blockers = outside.of_every_class();
    if blockers.is_empty() {
        blockers = outside.uses_of_class();
    }
    if blockers.is_empty() {
        blockers.extend(knowledge.deeds.deeds.iter().find_map(|deed| outside.done(deed)));
    }
    blockers.dedup_by_key(|blocker| blocker.name);
    blockers
}

struct Outside<'p, 'a> {
    subject: Subject<'p, 'a>,
    definition: Option<Definition>,
    lineage: &'p Lineage<'p, 'a>,
    knowledge: &'p Knowledge<'p, 'a>,
    identifier: Identifier<'p, 'a>,
    answers: &'p Answers<'a>,
}

impl<'a> Outside<'_, 'a> {
    fn of_every_class(&self) -> Vec<Blocker> {
        let facts = self.knowledge.deeds.facts.iter();
        facts.map(|fact| self.blocker(fact.place, fact.name, &fact.what)).collect()
    }

    fn blocker(&self, place: Place<'_>, name: &'static str, what: &str) -> Blocker {
        let file = self.subject.project.module(place.module).file();
        let line = file.line_of(place.node.start());
        let spot = if place.module == self.subject.id {
            format!("line {line}")
        } else {
            format!("{}:{line}", file.path().display())
        };
        Blocker { name, reason: format!("{spot} {what}"), line }
    }

    /// What is done to the class itself.
    fn uses_of_class(&self) -> Vec<Blocker> {
        let uses = self.definition.map_or(&[][..], |own| self.subject.project.uses_of(own));
        uses.iter()
            .filter_map(|used| self.read_of_class(used).or_else(|| self.derived(used)))
            .collect()
    }

    /// `Point.x` is no longer a field's default.
    fn read_of_class(&self, used: &Use<'a>) -> Option<Blocker> {
        let module = self.subject.project.module(used.module);
        let AnyNodeRef::ExprAttribute(found) = module.parent(used.node)? else { return None };
        let name = full_name(module, found);
        if !found.ctx.is_load() || !self.lineage.attributes.contains(&name) {
            return None;
        }
        let place = Place { module: used.module, node: found.into() };
        Some(self.blocker(
            place,
            "class-level-default",
            &format!("reads `{name}` of the class itself"),
        ))
    }

    /// A class derived from this one.
    fn derived(&self, used: &Use<'a>) -> Option<Blocker> {
        let (project, id) = (self.subject.project, used.module);
        let module = project.module(id);
        let arguments = module.parent(used.node)?;
        let AnyNodeRef::StmtClassDef(class) = module.parent(arguments)? else { return None };
        if !class.bases().iter().any(|base| AnyNodeRef::from(base).ptr_eq(used.node)) {
            return None;
        }
        let is_real = |base: &&Expr| {
            project.meaning(id, base) != Some(Meaning::External("builtins.object".into()))
        };
        let place = Place { module: id, node: class.into() };
        if class.bases().iter().filter(is_real).count() > 1 {
            let what = format!("combines the class with another base in `{}`", class.name);
            return Some(self.blocker(place, "several-bases", &what));
        }
        let what = format!("derives `{}`, which would lose its `__dict__` as well", class.name);
        let has_slots = Subject { project, id, class }.has_slots();
        has_slots.then(|| self.blocker(place, "subclass-with-slots", &what))
    }

    fn done(&self, deed: &Deed<'a>) -> Option<Blocker> {
        let (name, what) = match &deed.kind {
            Kind::TakesDict if self.is_concerned(deed) => {
                ("dict-used", "asks for the `__dict__` of an object".to_owned())
            }
            Kind::SetsClass if self.is_concerned(deed) => {
                ("class-assigned", "gives an object another class".to_owned())
            }
            Kind::SetsAny if !self.is_to_class(deed) && self.is_concerned(deed) => {
                ("dynamic-attributes", "sets an attribute whose name is computed".to_owned())
            }
            Kind::Reflects(through) if self.is_concerned(deed) => {
                ("reflection", format!("looks at an object through `{through}`"))
            }
            Kind::Sets(attribute) => self.set(deed, attribute)?,
            _ => return None,
        };
        Some(self.blocker(deed.place, name, &what))
    }

    fn is_concerned(&self, deed: &Deed<'a>) -> bool {
        self.identifier.identify(deed.place.module, deed.object) != Identity::Other
    }

    fn is_to_class(&self, deed: &Deed<'a>) -> bool {
        self.definition.is_some() && deed.names == self.definition
    }

    fn set(&self, deed: &Deed<'a>, name: &str) -> Option<(&'static str, String)> {
        if self.is_to_class(deed) {
            // `Point.x = 0` would put a value in the slot's place.
            let is_slot = self.lineage.attributes.contains(name);
            return is_slot
                .then(|| ("class-level-default", format!("sets `{name}` of the class itself")));
        }
        if self.lineage.attributes.contains(name) || self.lineage.properties.contains(name) {
            return None;
        }
        // A value for an attribute that would have no slot.
        let may_be_meant = match self.identifier.identify(deed.place.module, deed.object) {
            Identity::Instance => true,
            Identity::Unknown => !self.belongs_to_another(name),
            Identity::Other => false,
        };
        may_be_meant.then(|| {
            ("attribute-set-outside", format!("may give an instance the attribute `{name}`"))
        })
    }

    /// Whether another class of the project gives its own instances this attribute.
    fn belongs_to_another(&self, name: &str) -> bool {
        let givers = self.knowledge.givers_of(name);
        givers.iter().any(|class| !self.answers.is_of_lineage(class))
    }
}
