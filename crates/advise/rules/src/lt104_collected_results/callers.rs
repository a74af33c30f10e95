//! Which callers go through the results once.

use crate::Blocker;
use crate::consumer::{Consumer, consumer_of};
use crate::lt102_list_used_once::built::Built;
use crate::lt102_list_used_once::later::Postponed;
use crate::lt102_list_used_once::uses::consumer_and_blockers;
use lowtide_source::ast::AnyNodeRef;
use lowtide_source::{CallSite, Calls, Effects, Project, Ranged};

/// A call and what is known of the pass over its results.
pub(super) struct Caller<'a> {
    pub site: CallSite<'a>,
    /// `None` if nothing goes through the results there.
    pub consumer: Option<Consumer<'a>>,
    /// Why the results cannot come one by one there.
    pub blockers: Vec<Blocker>,
}

impl Caller<'_> {
    pub fn is_single_pass(&self) -> bool {
        self.consumer.is_some() && self.blockers.is_empty()
    }
}

/// All callers of the function, whose results have these effects when they are made.
pub(super) fn callers<'a>(
    project: &Project<'a>,
    calls: &Calls<'a>,
    making: &Effects,
) -> Vec<Caller<'a>> {
    calls.sites.iter().map(|&site| caller(project, site, making)).collect()
}

fn caller<'a>(project: &Project<'a>, site: CallSite<'a>, making: &Effects) -> Caller<'a> {
    let built = Built::by_call(project, site.module, site.call);
    let pass = match &built.binding {
        None => consumer_of(project, site.module, site.call.into())
            .map(|consumer| (consumer, Vec::new())),
        Some(binding) => consumer_and_blockers(project, site.module, &built, binding),
    };
    let Some((consumer, mut blockers)) = pass else {
        return Caller { site, consumer: None, blockers: vec![no_pass(project, site)] };
    };
    let postponed = Postponed { project, id: site.module, built: &built, consumer: &consumer };
    blockers.extend(postponed.blockers_of_making(making));
    Caller { site, consumer: Some(consumer), blockers }
}

fn no_pass(project: &Project<'_>, site: CallSite<'_>) -> Blocker {
    let module = project.module(site.module);
    let line = module.file().line_of(site.call.start());
    let place = format!("{}:{line}", module.file().path().display());
    let is_statement = matches!(module.parent(site.call.into()), Some(AnyNodeRef::StmtExpr(_)));
    if is_statement {
        let reason =
            format!("{place} calls it only for what it does, which a generator would not do");
        return Blocker { name: "called-for-its-effects", reason, line };
    }
    Blocker {
        name: "caller-needs-the-list",
        reason: format!("{place} does not just go through the results once"),
        line,
    }
}
