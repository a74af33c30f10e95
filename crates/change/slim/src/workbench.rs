use crate::{Fix, Slim, SlimError};
use lowtide_findings::Finding;
use lowtide_fix::{LineMap, Rewritten, RewrittenFile, rewrite};
use lowtide_prove::{Behaviour, Difference, Recording, Substitute, Trial, Version};
use lowtide_source::SourceFile;
use lowtide_units::Bytes;
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

/// The program as it was found, and the means to run it with any choice of fixes.
pub(crate) struct Workbench<'a> {
    pub(crate) slim: &'a Slim<'a>,
    /// What the program did when it was measured.
    pub(crate) reference: Behaviour,
    /// Its peak then.
    pub(crate) peak: Bytes,
    originals: Vec<(PathBuf, String)>,
    versions: Cell<u32>,
}

/// Which text of a changed file.
#[derive(Clone, Copy)]
pub(crate) enum Text {
    Before,
    After,
}

impl<'a> Workbench<'a> {
    pub(crate) fn new(
        slim: &'a Slim<'a>,
        sources: &[SourceFile],
        reference: Behaviour,
        peak: Bytes,
    ) -> Self {
        let originals =
            sources.iter().map(|file| (file.path().to_owned(), file.text().to_owned())).collect();
        Self { slim, reference, peak, originals, versions: Cell::new(0) }
    }

    /// The sources with these fixes in.
    pub(crate) fn rewritten(&self, fixes: &[Fix]) -> Rewritten {
        let findings: Vec<Finding> = fixes.iter().map(|fix| fix.finding.clone()).collect();
        rewrite(self.parsed(&[]), &findings)
    }

    /// All sources, the changed ones in their new text.
    pub(crate) fn parsed(&self, changed: &[RewrittenFile]) -> Vec<SourceFile> {
        let text = |path: &Path, original: &String| {
            let new = changed.iter().find(|file| file.path == path);
            new.map_or(original, |file| &file.after).clone()
        };
        // They were parsed when they were read or rewritten; what cannot be parsed again is left out like then.
        self.originals
            .iter()
            .filter_map(|(path, original)| SourceFile::parse(path, text(path, original)).ok())
            .collect()
    }

    /// The program, reading one of the two texts of the changed files.
    pub(crate) fn version(
        &self,
        changed: &[RewrittenFile],
        text: Text,
    ) -> Result<Version, SlimError> {
        let number = self.versions.replace(self.versions.get() + 1);
        let folder = self.slim.area.path().join(format!("version-{number}"));
        fs::create_dir(&folder)
            .map_err(|source| SlimError::Version { path: folder.clone(), source })?;
        let mut substitutes = Vec::new();
        for (index, file) in changed.iter().enumerate() {
            let replacement = folder.join(index.to_string());
            let text = match text {
                Text::Before => &file.before,
                Text::After => &file.after,
            };
            fs::write(&replacement, text)
                .map_err(|source| SlimError::Version { path: replacement.clone(), source })?;
            substitutes.push(Substitute { original: file.path.clone(), replacement });
        }
        Ok(Version { launch: self.slim.launch.clone(), substitutes })
    }

    /// A tracked run of the rewritten program, compared with the program as it was found.
    pub(crate) fn try_out(&self, changed: &[RewrittenFile]) -> Result<Trial, SlimError> {
        let version = self.version(changed, Text::After)?;
        Ok(self.slim.area.run(&version, Recording::Tracked, Some(&self.reference))?)
    }

    /// In what the program as it was found differs from itself, if it does. Twice is asked: chance may agree once.
    pub(crate) fn own_difference(&self) -> Result<Option<Difference>, SlimError> {
        let version = self.version(&[], Text::Before)?;
        for _ in 0..2 {
            let trial = self.slim.area.run(&version, Recording::Plain, Some(&self.reference))?;
            if trial.difference.is_some() {
                return Ok(trial.difference);
            }
        }
        Ok(None)
    }
}

/// The finding with its line in the file as it was found, where a rewrite begins.
pub(crate) fn as_found(mut finding: Finding, changed: &[RewrittenFile]) -> Finding {
    let candidate = &mut finding.candidate;
    if let Some(file) = changed.iter().find(|file| file.path == candidate.file) {
        let back = LineMap::between(&file.after, &file.before);
        candidate.line = *back.lines_for(candidate.line).start();
    }
    finding
}

/// The peak of a tracked run; one that was not tracked has lost its Python and proves nothing.
pub(crate) fn peak(trial: &Trial) -> Result<Bytes, SlimError> {
    trial.profile.as_ref().map(|profile| profile.peak().heap).ok_or(SlimError::NothingRecorded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowtide_findings::Verdict;
    use lowtide_rules::{Benefit, Candidate, Evidence};

    fn finding(file: &str, line: u32) -> Finding {
        Finding {
            candidate: Candidate {
                rule: "LT102",
                file: file.into(),
                line,
                subject: String::new(),
                message: String::new(),
                evidence: Evidence::AllocatedUnder(Vec::new()),
                benefit: Benefit::Keeps { share: 0.0, constant_bytes: 0 },
                blockers: Vec::new(),
                edits: Vec::new(),
            },
            measured: None,
            predicted_saving: None,
            verdict: Verdict::Plausible,
            reason: String::new(),
        }
    }

    #[test]
    fn a_finding_in_rewritten_text_is_named_by_its_line_in_the_file() {
        let changed = RewrittenFile {
            path: "a.py".into(),
            before: "one\ntwo\nthree\n".to_owned(),
            after: "import io\none\ntwo\nthree\n".to_owned(),
        };
        let changed = [changed];
        assert_eq!(as_found(finding("a.py", 4), &changed).candidate.line, 3);
        assert_eq!(as_found(finding("b.py", 4), &changed).candidate.line, 4);
    }
}
