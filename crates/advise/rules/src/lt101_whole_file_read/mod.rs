//! LT101 whole-file-read: a whole file held in memory only to go through it once.

mod read;
mod rewrite;
mod setting;

use crate::consumer::{Consumer, consumer_of};
use crate::lt102_list_used_once::built::Built;
use crate::lt102_list_used_once::uses;
use crate::{Benefit, Blocker, Candidate, Evidence, Rule};
use lowtide_source::{FileEdits, ModuleId, Project};
use lowtide_units::LineSpan;
use read::WholeRead;
use setting::Setting;

/// This rule.
pub static RULE: Rule = Rule {
    code: "LT101",
    name: "whole-file-read",
    page: include_str!("../../../../../docs/rules/LT101-whole-file-read.md"),
    check,
};

/// A text file's own buffer: 8 KiB of bytes and what they decode to, and one line.
const READ_BUFFER_BYTES: u64 = 32_768;

fn check(project: &Project<'_>, modules: &[ModuleId]) -> Vec<Candidate> {
    modules.iter().flat_map(|&id| check_module(project, id)).collect()
}

fn check_module(project: &Project<'_>, id: ModuleId) -> Vec<Candidate> {
    let reads = project.module(id).nodes().filter_map(|node| WholeRead::at(project, id, node));
    reads.filter_map(|read| candidate(project, id, &read)).collect()
}

/// The candidate that a read of a whole file makes, if anything goes through its lines.
fn candidate<'a>(project: &Project<'a>, id: ModuleId, read: &WholeRead<'a>) -> Option<Candidate> {
    let built = Built::of_argument(project, id, read.call, read.file);
    let (consumer, mut blockers) = match &built.binding {
        None => (consumer_of(project, id, built.list)?, Vec::new()),
        Some(binding) => uses::consumer_and_blockers(project, id, &built, binding)?,
    };
    let setting = Setting { project, id, read, built: &built, consumer: &consumer };
    blockers.extend(setting.blockers());
    let edits = if blockers.is_empty() { rewrite::edits(&setting) } else { None };
    if blockers.is_empty() && edits.is_none() {
        blockers.push(setting.blocker(
            "layout",
            built.list,
            "the lines around it cannot be moved safely",
        ));
    }
    Some(described(project, id, &built, &consumer, (blockers, edits.unwrap_or_default())))
}

fn described<'a>(
    project: &Project<'a>,
    id: ModuleId,
    built: &Built<'a>,
    consumer: &Consumer<'a>,
    (blockers, edits): (Vec<Blocker>, Vec<lowtide_source::TextEdit>),
) -> Candidate {
    let file = project.module(id).file();
    let (first, last) = file.lines_of(built.list);
    let edits = FileEdits { file: file.path().to_owned(), edits };
    Candidate {
        rule: RULE.code,
        file: file.path().to_owned(),
        line: first,
        subject: built.subject().to_owned(),
        message: format!(
            "a whole file is read into memory, and gone through once, by `{}`",
            consumer.name
        ),
        evidence: Evidence::AllocatedUnder(vec![LineSpan {
            file: file.path().to_owned(),
            first,
            last,
        }]),
        benefit: Benefit::Keeps { share: consumer.kept_share, constant_bytes: READ_BUFFER_BYTES },
        blockers,
        edits: Some(edits).filter(|edits| !edits.edits.is_empty()).into_iter().collect(),
    }
}
