//! LT102 list-used-once: a list that is built only to be gone through once.

pub(crate) mod built;
pub(crate) mod later;
mod rewrite;
pub(crate) mod uses;

use crate::consumer::{Consumer, consumer_of};
use crate::{Benefit, Blocker, Candidate, Evidence, Rule};
use built::Built;
use later::Postponed;
use lowtide_source::{FileEdits, ModuleId, Project, Ranged};
use lowtide_units::LineSpan;

/// This rule.
pub static RULE: Rule = Rule {
    code: "LT102",
    name: "list-used-once",
    page: include_str!("../../../../../docs/rules/LT102-list-used-once.md"),
    check,
};

fn check(project: &Project<'_>, modules: &[ModuleId]) -> Vec<Candidate> {
    modules.iter().flat_map(|&id| check_module(project, id)).collect()
}

fn check_module(project: &Project<'_>, id: ModuleId) -> Vec<Candidate> {
    let module = project.module(id);
    let built = module.nodes().filter_map(|node| Built::at(project, id, node));
    built.filter_map(|built| candidate(project, id, &built)).collect()
}

/// The candidate that a list makes, if anything goes through it.
fn candidate<'a>(project: &Project<'a>, id: ModuleId, built: &Built<'a>) -> Option<Candidate> {
    let (consumer, mut blockers) = match &built.binding {
        None => (consumer_of(project, id, built.list)?, Vec::new()),
        Some(binding) => uses::consumer_and_blockers(project, id, built, binding)?,
    };
    let postponed = Postponed { project, id, built, consumer: &consumer };
    if blockers.is_empty() {
        blockers = postponed.blockers();
    }
    let file = project.module(id).file();
    let edits =
        if blockers.is_empty() { rewrite::edits(project.module(id), built) } else { Vec::new() };
    let (first, last) = file.lines_of(built.list);
    let edits = FileEdits { file: file.path().to_owned(), edits };
    Some(Candidate {
        rule: RULE.code,
        file: file.path().to_owned(),
        line: first,
        subject: built.subject().to_owned(),
        message: message(built, &consumer),
        evidence: Evidence::AllocatedUnder(vec![LineSpan {
            file: file.path().to_owned(),
            first,
            last,
        }]),
        benefit: Benefit::Keeps { share: consumer.kept_share, constant_bytes: 0 },
        blockers,
        edits: Some(edits).filter(|edits| !edits.edits.is_empty()).into_iter().collect(),
    })
}

fn message(built: &Built<'_>, consumer: &Consumer<'_>) -> String {
    match built.subject() {
        "" => format!("a list is built only for `{}` to go through it once", consumer.name),
        subject => format!("the list `{subject}` is gone through once, by `{}`", consumer.name),
    }
}

fn blocker(
    project: &Project<'_>,
    id: ModuleId,
    name: &'static str,
    node: impl Ranged,
    reason: impl Into<String>,
) -> Blocker {
    Blocker { name, reason: reason.into(), line: project.module(id).file().line_of(node.start()) }
}
