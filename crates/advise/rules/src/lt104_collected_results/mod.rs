//! LT104 collected-results: results that a function collects in a list, for callers that go through them once.

mod annotation;
mod callers;
mod collected;
mod fresh;
mod function;
mod generator;
mod handed_over;
mod privacy;
mod wrapper;

use crate::{Benefit, Blocker, Candidate, Evidence, Rule};
use callers::Caller;
use collected::Collected;
use lowtide_source::ast::AnyNodeRef;
use lowtide_source::{Calls, FileEdits, ModuleId, Project, Ranged};
use lowtide_units::LineSpan;

/// This rule.
pub static RULE: Rule = Rule {
    code: "LT104",
    name: "collected-results",
    page: include_str!("../../../../../docs/rules/LT104-collected-results.md"),
    check,
};

fn check(project: &Project<'_>, modules: &[ModuleId]) -> Vec<Candidate> {
    modules.iter().flat_map(|&id| check_module(project, id)).collect()
}

fn check_module(project: &Project<'_>, id: ModuleId) -> Vec<Candidate> {
    let defs = project.module(id).nodes().filter_map(|node| match node {
        AnyNodeRef::StmtFunctionDef(def) => project.function_of(id, def),
        _ => None,
    });
    let collected = defs
        .filter(|&function| !project.yields(function))
        .filter_map(|function| Collected::by(project, function));
    collected.filter_map(|collected| candidate(project, &collected)).collect()
}

/// The candidate that a function makes, if any caller goes through its results.
fn candidate<'a>(project: &Project<'a>, collected: &Collected<'a>) -> Option<Candidate> {
    let calls = project.calls_of(collected.function);
    let making = handed_over::effects(project, collected);
    let callers = callers::callers(project, &calls, &making);
    let consumers: Vec<_> = callers.iter().filter_map(|caller| caller.consumer.as_ref()).collect();
    let first = consumers.first()?;
    let name = &collected.function.def.name;
    let message =
        format!("`{name}` collects its results in a list that `{}` goes through once", first.name);
    let kept = consumers.iter().map(|consumer| consumer.kept_share).fold(0.0, f64::max);
    let mut blockers = function::blockers(project, collected);
    blockers.extend(handed_over::changed_later(project, collected));
    let shared = handed_over::changed_elsewhere(collected, &making);
    let mut edits = Vec::new();
    if blockers.is_empty() {
        match rewrite(project, collected, &calls, &callers) {
            Ok(_) if shared.is_some() => blockers.extend(shared),
            Ok(made) => edits = made,
            Err(found) => blockers = found,
        }
    }
    let file = project.module(collected.function.module).file();
    Some(Candidate {
        rule: RULE.code,
        file: file.path().to_owned(),
        line: file.line_of(collected.first_result().start()),
        subject: collected.subject().to_owned(),
        message,
        evidence: Evidence::AllocatedUnder(vec![body_lines(project, collected)]),
        benefit: Benefit::Keeps { share: kept, constant_bytes: 0 },
        blockers,
        edits,
    })
}

/// A generator in place of the function where all its callers are known and would not mind; one beside it otherwise.
fn rewrite<'a>(
    project: &Project<'a>,
    collected: &Collected<'a>,
    calls: &Calls<'a>,
    callers: &[Caller<'a>],
) -> Result<Vec<FileEdits>, Vec<Blocker>> {
    let passes: Vec<_> = callers.iter().filter(|caller| caller.is_single_pass()).collect();
    if passes.is_empty() {
        return Err(callers.iter().flat_map(|caller| caller.blockers.clone()).collect());
    }
    let all_pass = passes.len() == callers.len() && calls.others.is_empty();
    if all_pass && privacy::is_private(project, collected.function) {
        return in_place(project, collected).map_err(|blocker| vec![blocker]);
    }
    wrapper::edits(project, collected, &passes).map_err(|blocker| vec![blocker])
}

fn in_place<'a>(
    project: &Project<'a>,
    collected: &Collected<'a>,
) -> Result<Vec<FileEdits>, Blocker> {
    let home = collected.function.module;
    let mut edits = annotation::edits(project, collected.function)?;
    edits.extend(generator::body_edits(project.module(home), collected));
    Ok(wrapper::by_file(project, edits.into_iter().map(|edit| (home, edit)).collect()))
}

/// Whatever the function allocates and has alive at the peak is taken to belong to its results.
fn body_lines(project: &Project<'_>, collected: &Collected<'_>) -> LineSpan {
    let file = project.module(collected.function.module).file();
    let body = &collected.function.def.body;
    let first = body.first().map_or(0, |statement| file.line_of(statement.start()));
    let last = body.last().map_or(first, |statement| file.line_of(statement.end()));
    LineSpan { file: file.path().to_owned(), first, last }
}
