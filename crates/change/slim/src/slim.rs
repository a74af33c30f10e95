use crate::prove_what_remains::{Remaining, prove_what_remains};
use crate::search::{Search, search};
use crate::weigh::{Weighed, weigh};
use crate::workbench::{Workbench, peak};
use crate::{Advisor, Fix, SlimError, Slimmed};
use lowtide_findings::{Finding, Verdict};
use lowtide_launch::Launch;
use lowtide_prove::{Area, Conclusion, Difference, Figures, Proof, Recording, Trial, Version};

/// A program to be slimmed.
pub struct Slim<'a> {
    /// How it is run.
    pub launch: &'a Launch,
    /// How often each version runs in the proof.
    pub runs: u32,
    /// Where the runs take place.
    pub area: &'a Area,
    /// Who says what could be rewritten.
    pub advisor: &'a dyn Advisor,
}

/// What is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The program runs as it was found.
    Measuring,
    /// It runs with new fixes in.
    Trying {
        /// From 1.
        round: u32,
        /// How many are new.
        fixes: usize,
    },
    /// It runs without one fix.
    Weighing {
        /// From 1.
        turn: usize,
        /// Turns in all.
        count: usize,
    },
    /// Both versions run in turn.
    Proving {
        /// Fixes in the version after.
        fixes: usize,
    },
}

/// Is told how the loop goes on.
pub trait Observer: lowtide_prove::Observer {
    /// A phase begins.
    fn phase(&mut self, phase: &Phase);
}

impl Slim<'_> {
    /// Runs the whole loop.
    ///
    /// # Errors
    /// When the program cannot be run or tracked, or its files cannot be put back.
    pub fn run(&self, observer: &mut dyn Observer) -> Result<Slimmed, SlimError> {
        observer.phase(&Phase::Measuring);
        let version = Version { launch: self.launch.clone(), substitutes: Vec::new() };
        let first = self.area.run(&version, Recording::Tracked, None)?;
        let profile = first.profile.clone().ok_or(SlimError::NothingRecorded)?;
        let sources = self.advisor.sources(&profile);
        let findings = self.advisor.findings(&sources, &profile);
        if !first.effects.is_empty() && findings.iter().any(|finding| finding.verdict.is_advice()) {
            observer.effects_seen(&first.effects);
        }
        let bench = Workbench::new(self, &sources, first.behaviour.clone(), peak(&first)?);
        match search(&bench, profile, observer)? {
            Search::NotComparable { tried, difference } => {
                not_comparable(first, findings, tried, difference)
            }
            Search::Found { accepted, given_up, peak } => {
                let Weighed { paying, idle } = weigh(&bench, accepted, peak, observer)?;
                let mut remaining = prove_what_remains(&bench, paying, self.runs, observer)?;
                remaining.taken_out.extend(idle);
                remaining.taken_out.extend(given_up);
                slimmed(first, findings, remaining)
            }
        }
    }
}

fn slimmed(
    first: Trial,
    findings: Vec<Finding>,
    remaining: Remaining,
) -> Result<Slimmed, SlimError> {
    let Remaining { mut fixes, taken_out, files, proof } = remaining;
    fixes.extend(taken_out);
    Ok(Slimmed {
        failure: first.behaviour.failure(),
        profile: first.profile.ok_or(SlimError::NothingRecorded)?,
        effects: first.effects,
        findings,
        fixes,
        files,
        proof,
    })
}

fn not_comparable(
    first: Trial,
    findings: Vec<Finding>,
    tried: Vec<Fix>,
    difference: Difference,
) -> Result<Slimmed, SlimError> {
    let conclusion = Conclusion::NotComparable(difference);
    let reason = conclusion.to_string();
    let fixes =
        tried.into_iter().map(|fix| fix.judged(Verdict::Plausible, reason.clone())).collect();
    let before = Figures {
        peak_heap: first.profile.as_ref().map(|profile| profile.peak().heap),
        peak_rss: first.peak_rss,
        time: first.time,
    };
    let proof = Proof {
        before,
        after: Figures::default(),
        saving: None,
        runs: 0,
        conclusion,
        effects: first.effects.clone(),
    };
    slimmed(
        first,
        findings,
        Remaining { fixes, taken_out: Vec::new(), files: Vec::new(), proof: Some(proof) },
    )
}
