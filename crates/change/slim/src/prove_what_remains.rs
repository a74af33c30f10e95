//! The proof of all fixes together.

use crate::slim::{Observer, Phase};
use crate::workbench::{Text, Workbench};
use crate::{Fix, SlimError};
use lowtide_findings::Verdict;
use lowtide_fix::RewrittenFile;
use lowtide_prove::{Conclusion, Experiment, Proof};

/// Fixes with their last verdicts, the files that they make, and the proof.
pub(crate) struct Remaining {
    pub(crate) fixes: Vec<Fix>,
    pub(crate) taken_out: Vec<Fix>,
    pub(crate) files: Vec<RewrittenFile>,
    pub(crate) proof: Option<Proof>,
}

/// Proves the fixes together; as long as that fails, the one that saves least is taken out.
pub(crate) fn prove_what_remains(
    bench: &Workbench,
    mut fixes: Vec<Fix>,
    runs: u32,
    observer: &mut dyn Observer,
) -> Result<Remaining, SlimError> {
    let mut taken_out = Vec::new();
    let mut last = None;
    while !fixes.is_empty() {
        let changed = bench.rewritten(&fixes).files;
        observer.phase(&Phase::Proving { fixes: fixes.len() });
        let (before, after) =
            (bench.version(&changed, Text::Before)?, bench.version(&changed, Text::After)?);
        let experiment =
            Experiment { before: &before, after: &after, runs, reference: Some(&bench.reference) };
        let proof = experiment.run(bench.slim.area, observer)?;
        let (verdict, reason) = verdict(&proof);
        if verdict.is_advice() {
            let fixes = fixes.into_iter().map(|fix| fix.judged(verdict, reason.clone())).collect();
            return Ok(Remaining { fixes, taken_out, files: changed, proof: Some(proof) });
        }
        taken_out.push(take_least(&mut fixes).judged(verdict, reason));
        last = Some(proof);
    }
    Ok(Remaining { fixes, taken_out, files: Vec::new(), proof: last })
}

fn verdict(proof: &Proof) -> (Verdict, String) {
    let verdict = match &proof.conclusion {
        Conclusion::Proven => Verdict::Proven,
        Conclusion::TooFewRuns | Conclusion::NotComparable(_) => Verdict::Plausible,
        Conclusion::Different(_) => Verdict::Refuted,
        Conclusion::NoSaving | Conclusion::MoreMemory => Verdict::Unprofitable,
    };
    (verdict, proof.conclusion.to_string())
}

/// Called only while there is one.
fn take_least(fixes: &mut Vec<Fix>) -> Fix {
    let least = (0..fixes.len()).min_by_key(|&index| fixes[index].own_saving).unwrap_or(0);
    fixes.remove(least)
}
