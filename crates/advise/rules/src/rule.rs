use crate::Candidate;
use lowtide_source::{ModuleId, Project};

/// One kind of waste: how it is found in source, and the page that explains it.
#[derive(Debug)]
pub struct Rule {
    /// Stable code, such as `LT101`.
    pub code: &'static str,
    /// Names the waste, so that "allow whole-file-read" reads right.
    pub name: &'static str,
    /// The Markdown page: documentation, tests and the text of `lowtide explain`.
    pub page: &'static str,
    /// Finds the candidates that stand in some modules of a project; what it needs to know of the rest is looked up once.
    pub check: fn(&Project<'_>, &[ModuleId]) -> Vec<Candidate>,
}

impl Rule {
    /// One sentence: the first paragraph of the page.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        let mut lines = self.page.lines().map(str::trim);
        lines.find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or(self.name)
    }
}

/// Every rule, by code: `build.rs` finds them by the names of their files.
static RULES: &[&Rule] = include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// All rules by code.
#[must_use]
pub fn rules() -> &'static [&'static Rule] {
    RULES
}

/// The rule with this code or name, in any case.
#[must_use]
pub fn rule_called(code_or_name: &str) -> Option<&'static Rule> {
    let is_called = |text: &str| text.eq_ignore_ascii_case(code_or_name);
    RULES.iter().copied().find(|rule| is_called(rule.code) || is_called(rule.name))
}

/// The candidates of all rules in all modules, by file, line and code.
#[must_use]
pub fn check(project: &Project<'_>) -> Vec<Candidate> {
    let modules: Vec<ModuleId> = project.modules().map(|(id, _)| id).collect();
    let mut candidates: Vec<Candidate> =
        rules().iter().flat_map(|rule| (rule.check)(project, &modules)).collect();
    candidates.sort_by(|a, b| (&a.file, a.line, a.rule).cmp(&(&b.file, b.line, b.rule)));
    candidates
}
