//! What running code may read and change that other code could notice.
//!
//! The question behind every rewrite that moves work: may these two pieces of code trade places or take turns?
//! [`Effects::conflict`] answers it. Functions of the project are followed; the standard library's common functions
//! are known; anything else counts as unknown, with the effects that foreign code can have.
//!
//! Taken for granted: operators, comparisons and attribute reads of objects from outside the project change nothing.

mod accesses;
mod calls;
mod collector;
mod effector;
mod following;
mod iterating;
mod known;
mod operators;
mod ownership;
mod place;

pub use effector::Effector;
pub use place::{Place, Root};

use crate::{Definition, ModuleId};
use std::collections::{BTreeMap, BTreeSet};

/// Local names of a function that are only ever bound to objects made on the spot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreshNames {
    /// Those of lists, dicts, sets, iterators.
    pub containers: BTreeSet<Definition>,
    /// Those of instances of the project's classes.
    pub instances: BTreeSet<Definition>,
}

/// Where an effect comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The module.
    pub module: ModuleId,
    /// 1-based line there.
    pub line: u32,
}

/// What a piece of code may read, change and raise, each with the first place that does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// What it may read.
    pub reads: BTreeMap<Place, Site>,
    /// What it may change.
    pub writes: BTreeMap<Place, Site>,
    /// Where it may well raise an exception on data that it does not expect.
    pub may_raise: Option<Site>,
    /// Where a `raise` or `assert` of the project checks its data.
    pub checks: Option<Site>,
}

/// Why two pieces of code may not take turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What one changes and the other reads or changes, as the first one sees it.
    pub place: Place,
    /// Where the first one touches it.
    pub own: Site,
    /// Where the other one touches it.
    pub other: Site,
}

impl Effects {
    /// Whether running the code can be noticed only by its result.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        self.writes.is_empty()
    }

    /// The first change that can be seen from outside the program: output, files, unknown code.
    #[must_use]
    pub fn change_outside(&self) -> Option<(&Place, Site)> {
        self.writes.iter().find(|(place, _)| place.is_outside()).map(|(place, &site)| (place, site))
    }

    /// The first thing that `self` and `other` would disturb each other with when they take turns.
    #[must_use]
    pub fn conflict(&self, other: &Self) -> Option<Conflict> {
        let touched = other.reads.iter().chain(&other.writes);
        meeting(&self.writes, touched)
            .or_else(|| meeting(&self.reads, other.writes.iter()))
            .or_else(|| self.competes_outside(other))
    }

    /// Two pieces of code that both write, be it to different files, must do so in the same order as before.
    fn competes_outside(&self, other: &Self) -> Option<Conflict> {
        let ((place, own), (_, other)) = (self.change_outside()?, other.change_outside()?);
        Some(Conflict { place: place.clone(), own, other })
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Self) {
        for (place, site) in other.reads {
            self.reads.entry(place).or_insert(site);
        }
        for (place, site) in other.writes {
            self.writes.entry(place).or_insert(site);
        }
        self.may_raise = self.may_raise.or(other.may_raise);
        self.checks = self.checks.or(other.checks);
    }

    pub(crate) fn read(&mut self, place: Place, site: Site) {
        self.reads.entry(place).or_insert(site);
    }

    pub(crate) fn write(&mut self, place: Place, site: Site) {
        self.writes.entry(place).or_insert(site);
    }
}

fn meeting<'p>(
    own: &BTreeMap<Place, Site>,
    others: impl Iterator<Item = (&'p Place, &'p Site)>,
) -> Option<Conflict> {
    others.into_iter().find_map(|(other, &site)| {
        let (place, &own) = own.iter().find(|(place, _)| place.overlaps(other))?;
        Some(Conflict { place: place.clone(), own, other: site })
    })
}
