use crate::RewrittenFile;
use crate::draft::Draft;
use lowtide_findings::Finding;
use lowtide_rules::Candidate;
use lowtide_source::SourceFile;

/// More rounds than any chain of fixes that uncover each other has needed.
const MOST_ROUNDS: usize = 10;

/// What became of a project.
#[derive(Clone, Debug, Default)]
pub struct Rewritten {
    /// The files that changed, by path.
    pub files: Vec<RewrittenFile>,
    /// The findings whose rewrites are in them, in the order they were made.
    pub applied: Vec<Finding>,
    /// The findings that had to be left out.
    pub left_out: Vec<LeftOut>,
}

/// A finding that could not be acted on.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// Which.
    pub finding: Finding,
    /// Why not, in one sentence without a full stop.
    pub reason: String,
}

/// Acts on these findings, in this order.
///
/// Each is looked up again in the source as the fixes before it left it, so that edits never overlap and every fix
/// rests on facts that still hold. One that cannot be found waits for the others: of two that lie inside each other
/// the first is made, and the second if it is still there afterwards. What leaves the project in doubt (it no longer
/// parses, the rule still finds its candidate, a name is not bound) is taken back at once.
#[must_use]
pub fn rewrite(files: Vec<SourceFile>, findings: &[Finding]) -> Rewritten {
    let mut draft = Draft::new(files);
    let (applied, left_out) = act_on(&mut draft, findings.to_vec());
    Rewritten { files: draft.changed_files(), applied, left_out }
}

/// Acts on what `choose` makes of the candidates, again and again until it changes nothing any more, so that a second
/// call would do nothing. The candidates' evidence speaks of the lines of the files as they were given.
#[must_use]
pub fn converge(
    files: Vec<SourceFile>,
    choose: &dyn Fn(Vec<Candidate>) -> Vec<Finding>,
) -> Rewritten {
    let mut draft = Draft::new(files);
    let mut rewritten = Rewritten::default();
    for _ in 0..MOST_ROUNDS {
        let findings = choose(draft.candidates());
        let (applied, left_out) = act_on(&mut draft, findings);
        rewritten.left_out = left_out;
        if applied.is_empty() {
            break;
        }
        rewritten.applied.extend(applied);
    }
    rewritten.files = draft.changed_files();
    rewritten
}

/// Goes over the findings until a whole pass finds nothing more to do.
fn act_on(draft: &mut Draft, mut pending: Vec<Finding>) -> (Vec<Finding>, Vec<LeftOut>) {
    let mut applied = Vec::new();
    draft.mark();
    loop {
        let applied_before = applied.len();
        let mut left_out = Vec::new();
        for finding in pending {
            match draft.act_on(&finding.candidate) {
                Ok(()) => applied.push(finding),
                Err(doubt) => left_out.push(LeftOut { finding, reason: doubt.to_string() }),
            }
        }
        if applied.len() == applied_before || left_out.is_empty() {
            return (applied, left_out);
        }
        pending = left_out.into_iter().map(|left_out| left_out.finding).collect();
    }
}
