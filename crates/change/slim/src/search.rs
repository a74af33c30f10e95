//! Finds fixes that leave the behaviour as it is, peak after peak.

use crate::slim::{Observer, Phase};
use crate::workbench::{Workbench, as_found};
use crate::{Fix, SlimError};
use lowtide_findings::{Finding, Verdict};
use lowtide_profile::Profile;
use lowtide_prove::Difference;
use lowtide_units::Bytes;
use std::path::PathBuf;

/// A program whose fifth peak is as high as its first is not made of a few wasteful lines.
const MOST_ROUNDS: u32 = 5;

/// What the search found.
pub(crate) enum Search {
    /// Fixes that behave, and fixes that were given up with the reason.
    Found { accepted: Vec<Fix>, given_up: Vec<Fix>, peak: Bytes },
    /// The program does not behave the same twice, so no fix can be judged.
    NotComparable { tried: Vec<Fix>, difference: Difference },
}

struct State {
    accepted: Vec<Fix>,
    given_up: Vec<Fix>,
    profile: Profile,
}

enum Round {
    Goes { on: bool },
    NotComparable(Difference),
}

pub(crate) fn search(
    bench: &Workbench,
    profile: Profile,
    observer: &mut dyn Observer,
) -> Result<Search, SlimError> {
    let mut state = State { accepted: Vec::new(), given_up: Vec::new(), profile };
    for round in 1..=MOST_ROUNDS {
        match state.round(bench, round, observer)? {
            Round::Goes { on: true } => {}
            Round::Goes { on: false } => break,
            Round::NotComparable(difference) => {
                state.accepted.append(&mut state.given_up);
                return Ok(Search::NotComparable { tried: state.accepted, difference });
            }
        }
    }
    let peak = state.profile.peak().heap;
    Ok(Search::Found { accepted: state.accepted, given_up: state.given_up, peak })
}

impl State {
    /// Takes up everything that now promises to pay.
    fn round(
        &mut self,
        bench: &Workbench,
        round: u32,
        observer: &mut dyn Observer,
    ) -> Result<Round, SlimError> {
        let new = self.promising(bench);
        if new.is_empty() {
            return Ok(Round::Goes { on: false });
        }
        observer.phase(&Phase::Trying { round, fixes: new.len() });
        let (new, unfit) = self.fit_together(bench, new);
        if new.is_empty() {
            self.given_up.extend(unfit);
            return Ok(Round::Goes { on: false });
        }
        let together: Vec<Fix> = self.accepted.iter().chain(&new).cloned().collect();
        let trial = bench.try_out(&bench.rewritten(&together).files)?;
        if trial.difference.is_none() {
            self.profile = trial.profile.ok_or(SlimError::NothingRecorded)?;
            self.accepted = together;
            return Ok(Round::Goes { on: true });
        }
        if let Some(difference) = bench.own_difference()? {
            self.given_up.extend(new);
            return Ok(Round::NotComparable(difference));
        }
        self.try_one_by_one(bench, new)?;
        Ok(Round::Goes { on: true })
    }

    fn promising(&self, bench: &Workbench) -> Vec<Fix> {
        let changed = bench.rewritten(&self.accepted).files;
        let findings = bench.slim.advisor.findings(&bench.parsed(&changed), &self.profile);
        let promising = findings.into_iter().filter(|finding| finding.verdict.is_advice());
        promising
            .map(|finding| as_found(finding, &changed))
            .filter(|finding| !self.was_tried(finding))
            .map(Fix::new)
            .collect()
    }

    fn was_tried(&self, finding: &Finding) -> bool {
        self.accepted.iter().chain(&self.given_up).any(|fix| key(&fix.finding) == key(finding))
    }

    /// Those whose edits go together with the accepted ones, and those whose do not. The next round finds the latter
    /// again if they are still there once the others are in.
    fn fit_together(&self, bench: &Workbench, new: Vec<Fix>) -> (Vec<Fix>, Vec<Fix>) {
        let together: Vec<Fix> = self.accepted.iter().chain(&new).cloned().collect();
        let left_out = bench.rewritten(&together).left_out;
        let (mut fit, mut unfit) = (Vec::new(), Vec::new());
        for fix in new {
            match left_out.iter().find(|left_out| key(&left_out.finding) == key(&fix.finding)) {
                Some(left_out) => {
                    unfit.push(fix.judged(Verdict::Refuted, left_out.reason.clone()));
                }
                None => fit.push(fix),
            }
        }
        (fit, unfit)
    }

    fn try_one_by_one(&mut self, bench: &Workbench, new: Vec<Fix>) -> Result<(), SlimError> {
        for fix in new {
            let mut together = self.accepted.clone();
            together.push(fix.clone());
            let trial = bench.try_out(&bench.rewritten(&together).files)?;
            if let Some(difference) = trial.difference {
                let reason = format!("with it the program behaves differently: {difference}");
                self.given_up.push(fix.judged(Verdict::Refuted, reason));
            } else {
                self.profile = trial.profile.ok_or(SlimError::NothingRecorded)?;
                self.accepted = together;
            }
        }
        Ok(())
    }
}

/// What makes two findings the same place.
fn key(finding: &Finding) -> (&'static str, &PathBuf, u32, &str) {
    let candidate = &finding.candidate;
    (candidate.rule, &candidate.file, candidate.line, &candidate.subject)
}
