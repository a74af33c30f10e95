use crate::doubt::Doubt;
use crate::undefined::{newly_undefined, unbound_names};
use crate::{LineMap, RewrittenFile};
use lowtide_rules::{Candidate, Evidence, Rule, check, rule_called};
use lowtide_source::{FileEdits, ModuleId, Project, SourceFile, apply_edits};
use lowtide_units::LineSpan;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::path::{Path, PathBuf};

/// A project while it is being rewritten, in memory.
pub struct Draft {
    files: Vec<SourceFile>,
    given: BTreeMap<PathBuf, String>,
    marked: BTreeMap<PathBuf, String>,
}

/// A file of the draft, by its place.
struct Replaced {
    index: usize,
    old: SourceFile,
}

/// One look at the project before or after a rewrite.
struct Look {
    /// The candidates of the same rule for the same thing in the same file that could be acted on.
    alike: Vec<Candidate>,
    /// For each file that the rewrite touches, the names that it does not bind.
    unbound: BTreeMap<PathBuf, BTreeSet<String>>,
}

impl Look {
    fn doubt_after(&self, before: &Look) -> Option<Doubt> {
        if self.alike.len() >= before.alike.len() {
            return Some(Doubt::StillThere);
        }
        let mut names = before.unbound.iter().zip(&self.unbound);
        names
            .find_map(|((_, before), (_, after))| newly_undefined(before, after))
            .map(Doubt::Undefined)
    }
}

impl Draft {
    pub fn new(files: Vec<SourceFile>) -> Self {
        let mut draft = Self { files, given: BTreeMap::new(), marked: BTreeMap::new() };
        draft.given = draft.texts();
        draft.mark();
        draft
    }

    /// From here on, lines of candidates are lines of the texts as they are now.
    pub fn mark(&mut self) {
        self.marked = self.texts();
    }

    /// What the rules see now, with evidence in lines of the files as they were given.
    pub fn candidates(&self) -> Vec<Candidate> {
        let mut candidates = check(&Project::of(&self.files));
        for candidate in &mut candidates {
            if let Evidence::AllocatedUnder(spans) = &mut candidate.evidence {
                for span in spans {
                    *span = self.as_given(span);
                }
            }
        }
        candidates
    }

    /// The files whose text differs from what was given, by path.
    pub fn changed_files(&self) -> Vec<RewrittenFile> {
        let now = self.texts();
        let changed = self.given.iter().filter(|(path, before)| now.get(*path) != Some(*before));
        changed
            .filter_map(|(path, before)| {
                let after = now.get(path)?.clone();
                Some(RewrittenFile { path: path.clone(), before: before.clone(), after })
            })
            .collect()
    }

    /// Makes the rewrite of the candidate, as it presents itself now, or leaves everything as it is.
    pub fn act_on(&mut self, wanted: &Candidate) -> Result<(), Doubt> {
        if !wanted.blockers.is_empty() {
            return Err(Doubt::Blocked);
        }
        let before = self.look(wanted);
        let lines = self.line_map(&wanted.file).lines_for(wanted.line);
        let is_there = |candidate: &&Candidate| lines.contains(&candidate.line);
        let found = before.alike.iter().find(is_there).ok_or(Doubt::Gone)?;
        let replaced = self.replace(&found.edits)?;
        match self.look(wanted).doubt_after(&before) {
            None => Ok(()),
            Some(doubt) => {
                self.put_back(replaced);
                Err(doubt)
            }
        }
    }

    /// What decides whether a rewrite is sound, as it is now.
    fn look(&self, wanted: &Candidate) -> Look {
        let project = Project::of(&self.files);
        let module = project.module_at(&wanted.file);
        let check = |(rule, module): (&Rule, ModuleId)| (rule.check)(&project, &[module]);
        let mut alike = rule_called(wanted.rule).zip(module).map(check).unwrap_or_default();
        alike.retain(|candidate| {
            let Candidate { file, subject, blockers, .. } = candidate;
            *file == wanted.file && *subject == wanted.subject && blockers.is_empty()
        });
        let names = |path: &PathBuf| {
            Some((path.clone(), unbound_names(project.module(project.module_at(path)?))))
        };
        let touched: BTreeSet<&PathBuf> = wanted.edits.iter().map(|edits| &edits.file).collect();
        Look { alike, unbound: touched.into_iter().filter_map(names).collect() }
    }

    fn replace(&mut self, edits: &[FileEdits]) -> Result<Vec<Replaced>, Doubt> {
        let rewritten =
            edits.iter().map(|edits| self.edited(edits)).collect::<Result<Vec<_>, _>>()?;
        let swap = |(index, new): (usize, SourceFile)| Replaced {
            index,
            old: mem::replace(&mut self.files[index], new),
        };
        Ok(rewritten.into_iter().map(swap).collect())
    }

    fn edited(&self, edits: &FileEdits) -> Result<(usize, SourceFile), Doubt> {
        let path = &edits.file;
        let index = self
            .files
            .iter()
            .position(|file| file.path() == path)
            .ok_or_else(|| Doubt::ForeignFile(path.clone()))?;
        let text = apply_edits(self.files[index].text(), &edits.edits)
            .ok_or_else(|| Doubt::Misfit(path.clone()))?;
        let file =
            SourceFile::parse(path, text).map_err(|error| Doubt::Unparsable(error.to_string()))?;
        Ok((index, file))
    }

    fn put_back(&mut self, replaced: Vec<Replaced>) {
        for Replaced { index, old } in replaced.into_iter().rev() {
            self.files[index] = old;
        }
    }

    fn line_map(&self, path: &Path) -> LineMap {
        let marked = self.marked.get(path).map_or("", String::as_str);
        LineMap::between(marked, self.text(path))
    }

    fn as_given(&self, span: &LineSpan) -> LineSpan {
        let given = self.given.get(&span.file).map_or("", String::as_str);
        if given == self.text(&span.file) {
            return span.clone();
        }
        let map = LineMap::between(self.text(&span.file), given);
        let (first, last) = (*map.lines_for(span.first).start(), *map.lines_for(span.last).end());
        LineSpan { file: span.file.clone(), first, last: last.max(first) }
    }

    fn text(&self, path: &Path) -> &str {
        self.files.iter().find(|file| file.path() == path).map_or("", SourceFile::text)
    }

    fn texts(&self) -> BTreeMap<PathBuf, String> {
        let entry = |file: &SourceFile| (file.path().to_owned(), file.text().to_owned());
        self.files.iter().map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowtide_source::TextEdit;

    const TEXT: &str = "def f(xs):\n    return sum([x for x in xs])\n";

    fn draft() -> Draft {
        Draft::new(vec![SourceFile::parse("a.py", TEXT).unwrap()])
    }

    fn replacing(file: &str, start: u32, end: u32, text: &str) -> Vec<FileEdits> {
        let edit = TextEdit { start, end, text: text.to_owned() };
        vec![FileEdits { file: file.into(), edits: vec![edit] }]
    }

    fn doubt_about(edits: &[FileEdits]) -> Option<Doubt> {
        draft().replace(edits).err()
    }

    #[test]
    fn edits_that_cannot_be_made_are_refused() {
        assert!(matches!(doubt_about(&replacing("b.py", 0, 0, "")), Some(Doubt::ForeignFile(_))));
        assert!(matches!(doubt_about(&replacing("a.py", 9, 3, "")), Some(Doubt::Misfit(_))));
        assert!(matches!(
            doubt_about(&replacing("a.py", 0, 3, "def (")),
            Some(Doubt::Unparsable(_))
        ));
    }

    /// Makes the only candidate's rewrite with other edits in place of the rule's own.
    fn outcome_with(edits: &[FileEdits]) -> (Option<Doubt>, String) {
        let mut draft = draft();
        let wanted = draft.candidates().remove(0);
        let before = draft.look(&wanted);
        let replaced = draft.replace(edits).unwrap();
        let doubt = draft.look(&wanted).doubt_after(&before);
        draft.put_back(replaced);
        (doubt, draft.text(Path::new("a.py")).to_owned())
    }

    #[test]
    fn a_rewrite_that_leaves_the_waste_or_an_unknown_name_is_taken_back() {
        let still_there = outcome_with(&replacing("a.py", 0, 0, "import io\n"));
        assert!(matches!(still_there.0, Some(Doubt::StillThere)));
        let undefined = outcome_with(&replacing("a.py", 26, 41, "missing(xs)"));
        assert!(
            matches!(&undefined.0, Some(Doubt::Undefined(name)) if name == "missing"),
            "{undefined:?}"
        );
        let good = outcome_with(&replacing("a.py", 26, 41, "iter(xs)"));
        assert!(good.0.is_none(), "{good:?}");
        assert_eq!((still_there.1, undefined.1), (TEXT.to_owned(), TEXT.to_owned()));
    }
}
