use crate::behaviour::Behaviour;
use crate::difference::Difference;
use crate::proof::{Conclusion, Figures, Proof, Saving};
use crate::statistics::{Interval, median};
use crate::trial::{Recording, Trial, Version};
use crate::{Area, ProveError};
use lowtide_journal::Effect;
use lowtide_units::{Bytes, Elapsed};

/// Two versions, and how often each is to run.
#[derive(Debug)]
pub struct Experiment<'a> {
    /// The version before.
    pub before: &'a Version,
    /// The version after.
    pub after: &'a Version,
    /// Runs of each version, with and without the tracker each.
    pub runs: u32,
    /// A run of the version before that was made already, to compare with. Its effects were told already.
    pub reference: Option<&'a Behaviour>,
}

/// Which of the two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The version before.
    Before,
    /// The version after.
    After,
}

/// Is told how an experiment goes on.
pub trait Observer {
    /// The `index`-th of `count` runs starts.
    fn run_starts(&mut self, index: u32, count: u32, side: Side);
    /// The first run did these things to the world outside, and the next will do them again.
    fn effects_seen(&mut self, effects: &[Effect]);
}

/// All runs so far.
#[derive(Default)]
struct Samples {
    plain: [Vec<Trial>; 2],
    heap: [Vec<Bytes>; 2],
    reference: Option<Behaviour>,
    effects: Vec<Effect>,
    started: u32,
}

/// Runs that need not go on.
enum Stop {
    Difference(Side, Difference),
    Error(ProveError),
}

impl From<ProveError> for Stop {
    fn from(error: ProveError) -> Self {
        Self::Error(error)
    }
}

impl Experiment<'_> {
    /// Runs both versions in turn: plainly for RSS and time, then tracked for the heap, and the other way round next time.
    ///
    /// It stops at the first difference in behaviour.
    ///
    /// # Errors
    /// When a run cannot be made at all.
    pub fn run(&self, area: &Area, observer: &mut dyn Observer) -> Result<Proof, ProveError> {
        let mut samples = Samples { reference: self.reference.cloned(), ..Samples::default() };
        let conclusion = match self.sample(area, &mut samples, observer) {
            Ok(()) => None,
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Difference(Side::Before, difference)) => {
                Some(Conclusion::NotComparable(difference))
            }
            Err(Stop::Difference(Side::After, difference)) => {
                Some(self.judge_difference(area, &mut samples, difference)?)
            }
        };
        Ok(samples.proof(self.runs, conclusion))
    }

    fn sample(
        &self,
        area: &Area,
        samples: &mut Samples,
        observer: &mut dyn Observer,
    ) -> Result<(), Stop> {
        for round in 0..self.runs {
            for recording in [Recording::Plain, Recording::Tracked] {
                for side in order(round) {
                    observer.run_starts(samples.started, 4 * self.runs, side);
                    self.sample_one(area, samples, side, recording)?;
                    let is_first = samples.started == 1 && self.reference.is_none();
                    if is_first && !samples.effects.is_empty() {
                        observer.effects_seen(&samples.effects);
                    }
                }
            }
        }
        Ok(())
    }

    fn sample_one(
        &self,
        area: &Area,
        samples: &mut Samples,
        side: Side,
        recording: Recording,
    ) -> Result<(), Stop> {
        let mut trial = area.run(self.version(side), recording, samples.reference.as_ref())?;
        if samples.started == 0 {
            samples.effects.clone_from(&trial.effects);
        }
        samples.started += 1;
        if let Some(difference) = trial.difference.take() {
            return Err(Stop::Difference(side, difference));
        }
        if samples.reference.is_none() {
            samples.reference = Some(trial.behaviour.clone());
        }
        match recording {
            Recording::Tracked => {
                let peak = trial.profile.map(|profile| profile.peak().heap);
                samples.heap[side.index()].extend(peak);
            }
            Recording::Plain => samples.plain[side.index()].push(trial),
        }
        Ok(())
    }

    /// A version that does not even agree with itself is not comparable; twice is asked, since chance may agree once.
    fn judge_difference(
        &self,
        area: &Area,
        samples: &mut Samples,
        difference: Difference,
    ) -> Result<Conclusion, ProveError> {
        for _ in 0..2 {
            let trial = area.run(self.before, Recording::Plain, samples.reference.as_ref())?;
            if let Some(own) = trial.difference {
                return Ok(Conclusion::NotComparable(own));
            }
        }
        Ok(Conclusion::Different(difference))
    }

    fn version(&self, side: Side) -> &Version {
        match side {
            Side::Before => self.before,
            Side::After => self.after,
        }
    }
}

/// AB, BA, AB, ...: what changes with time, such as a warming cache, strikes both alike.
fn order(round: u32) -> [Side; 2] {
    if round.is_multiple_of(2) { [Side::Before, Side::After] } else { [Side::After, Side::Before] }
}

impl Side {
    fn index(self) -> usize {
        usize::from(self == Side::After)
    }
}

impl Samples {
    fn proof(self, runs: u32, conclusion: Option<Conclusion>) -> Proof {
        let before = self.figures(Side::Before);
        let saving = if conclusion.is_none() { self.saving() } else { None };
        let judged = || saving.map_or(Conclusion::NoSaving, |saving| saving.conclusion(&before));
        Proof {
            before,
            after: self.figures(Side::After),
            saving,
            runs,
            conclusion: conclusion.unwrap_or_else(judged),
            effects: self.effects,
        }
    }

    fn figures(&self, side: Side) -> Figures {
        let heap: Vec<f64> = self.heap[side.index()].iter().copied().map(bytes).collect();
        Figures {
            peak_heap: (!heap.is_empty()).then(|| whole(median(&heap))),
            peak_rss: whole(median(&self.rss(side))),
            time: Elapsed(std::time::Duration::from_secs_f64(median(&self.seconds(side)))),
        }
    }

    fn saving(&self) -> Option<Saving> {
        let [before, after] = [Side::Before, Side::After];
        let heap =
            |side: Side| self.heap[side.index()].iter().copied().map(bytes).collect::<Vec<_>>();
        Some(Saving {
            heap: paired(&heap(before), &heap(after)),
            rss: paired(&self.rss(before), &self.rss(after))?,
            time: paired(&self.seconds(before), &self.seconds(after))?,
        })
    }

    fn rss(&self, side: Side) -> Vec<f64> {
        self.plain[side.index()].iter().map(|trial| bytes(trial.peak_rss)).collect()
    }

    fn seconds(&self, side: Side) -> Vec<f64> {
        self.plain[side.index()].iter().map(|trial| trial.time.seconds()).collect()
    }
}

/// Of the differences between the runs of one round.
fn paired(before: &[f64], after: &[f64]) -> Option<Interval> {
    let differences: Vec<f64> =
        before.iter().zip(after).map(|(before, after)| before - after).collect();
    Interval::of_median(&differences)
}

#[expect(clippy::cast_precision_loss, reason = "a program with 2^52 bytes has other problems")]
fn bytes(count: Bytes) -> f64 {
    count.0 as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a median of byte counts is one"
)]
fn whole(bytes: f64) -> Bytes {
    Bytes(bytes.round() as u64)
}
