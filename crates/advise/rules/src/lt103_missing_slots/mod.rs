//! LT103 missing-slots: very many instances of a class that keeps their attributes in a `__dict__`.

mod body;
mod deeds;
mod identity;
mod instance_size;
mod knowledge;
mod lineage;
mod outside;
mod rewrite;
mod spelled;
mod subject;

use crate::{Benefit, Blocker, Candidate, Evidence, Rule};
use knowledge::Knowledge;
use lineage::Lineage;
use lowtide_source::ast::AnyNodeRef;
use lowtide_source::{FileEdits, ModuleId, Project, Ranged};
use subject::Subject;

pub use instance_size::slots_saving_bytes;

/// This rule.
pub static RULE: Rule = Rule {
    code: "LT103",
    name: "missing-slots",
    page: include_str!("../../../../../docs/rules/LT103-missing-slots.md"),
    check,
};

fn check(project: &Project<'_>, modules: &[ModuleId]) -> Vec<Candidate> {
    let classes: Vec<Subject<'_, '_>> = modules
        .iter()
        .flat_map(|&id| classes_in(project, id))
        .filter(|subject| !subject.has_slots() && may_have_many_instances(*subject))
        .collect();
    if classes.is_empty() {
        return Vec::new();
    }
    let knowledge = Knowledge::of(project);
    classes.into_iter().filter_map(|subject| candidate(subject, &knowledge)).collect()
}

fn classes_in<'p, 'a>(
    project: &'p Project<'a>,
    id: ModuleId,
) -> impl Iterator<Item = Subject<'p, 'a>> {
    project.module(id).nodes().filter_map(move |node| match node {
        AnyNodeRef::StmtClassDef(class) => Some(Subject { project, id, class }),
        _ => None,
    })
}

/// The candidate that a class makes if its instances have attributes.
fn candidate<'a>(subject: Subject<'_, 'a>, knowledge: &Knowledge<'_, 'a>) -> Option<Candidate> {
    let (attributes, mut blockers, edits) = match Lineage::of(subject) {
        Ok(lineage) => {
            (lineage.attributes.len(), blockers_of(&lineage, knowledge), edits_of(&lineage))
        }
        Err(blocker) => (subject.own_writes().len(), vec![blocker], None),
    };
    if attributes == 0 {
        return None;
    }
    if blockers.is_empty() && edits.is_none() {
        blockers.push(subject.blocker(
            "shared-line",
            &subject.class.name,
            "the slots would have no line of their own".into(),
        ));
    }
    let edits = edits.filter(|_| blockers.is_empty()).unwrap_or_default();
    let file = subject.module().file();
    let name = &subject.class.name;
    Some(Candidate {
        rule: RULE.code,
        file: file.path().to_owned(),
        line: file.line_of(name.start()),
        subject: name.to_string(),
        message: format!(
            "each instance of `{name}` keeps its attributes in a `__dict__` of its own"
        ),
        evidence: Evidence::Instances {
            module: subject.module().name().to_owned(),
            qualname: subject.qualname(),
        },
        benefit: Benefit::SlotsPerInstance {
            attributes: u32::try_from(attributes).unwrap_or(u32::MAX),
        },
        blockers,
        edits,
    })
}

/// Whether the class is called in a function, a loop or a comprehension, or handed to something that may call it.
fn may_have_many_instances(subject: Subject<'_, '_>) -> bool {
    let Some(definition) = subject.definition() else { return false };
    subject.project.uses_of(definition).iter().any(|used| {
        let module = subject.project.module(used.module);
        match module.parent(used.node) {
            Some(AnyNodeRef::ExprCall(call)) if used.node.ptr_eq(AnyNodeRef::from(&*call.func)) => {
                module.ancestors(used.node).any(runs_repeatedly)
            }
            Some(AnyNodeRef::Arguments(arguments)) => {
                matches!(module.parent(arguments.into()), Some(AnyNodeRef::ExprCall(_)))
            }
            _ => false,
        }
    })
}

fn runs_repeatedly(node: AnyNodeRef<'_>) -> bool {
    node.is_stmt_function_def()
        || node.is_expr_lambda()
        || node.is_stmt_for()
        || node.is_stmt_while()
        || node.is_expr_list_comp()
        || node.is_expr_set_comp()
        || node.is_expr_dict_comp()
        || node.is_expr_generator()
}

fn blockers_of<'a>(lineage: &Lineage<'_, 'a>, knowledge: &Knowledge<'_, 'a>) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    for slotted in &lineage.to_slot {
        blockers.extend(slotted.subject.body_blockers(slotted));
        if !blockers.is_empty() {
            // To look at the whole project takes its time, and would change nothing.
            break;
        }
        match Lineage::of(slotted.subject) {
            Ok(own) => blockers.extend(outside::blockers(slotted.subject, &own, knowledge)),
            Err(blocker) => blockers.push(blocker),
        }
    }
    blockers
}

/// Slots for the class and for each base that has none.
fn edits_of(lineage: &Lineage<'_, '_>) -> Option<Vec<FileEdits>> {
    let mut files: Vec<FileEdits> = Vec::new();
    for slotted in &lineage.to_slot {
        let path = slotted.subject.module().file().path();
        let edit = rewrite::edit(slotted)?;
        match files.iter_mut().find(|file| file.file == path) {
            Some(file) => file.edits.push(edit),
            None => files.push(FileEdits { file: path.to_owned(), edits: vec![edit] }),
        }
    }
    for file in &mut files {
        file.edits.sort();
    }
    Some(files)
}
