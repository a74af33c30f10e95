//! A proof, for programs.

use lowtide_prove::{Conclusion, Difference, Figures, Interval, Proof, Saving};
use lowtide_units::Bytes;
use serde::Serialize;

/// A proof's fields, alone or in a longer record.
#[derive(Serialize)]
pub struct ProofRecord {
    verdict: &'static str,
    reason: String,
    same_behaviour: Option<bool>,
    difference: Option<DifferenceRecord>,
    runs: u32,
    before: Option<FiguresRecord>,
    after: Option<FiguresRecord>,
    saving: Option<SavingRecord>,
    slower: bool,
    effects: Vec<String>,
}

#[derive(Serialize)]
struct DifferenceRecord {
    place: String,
    before: String,
    after: String,
}

#[derive(Serialize)]
pub struct FiguresRecord {
    peak_heap_bytes: Option<u64>,
    peak_rss_bytes: u64,
    time_s: f64,
}

#[derive(Serialize)]
struct SavingRecord {
    heap_bytes: Option<IntervalRecord<i64>>,
    rss_bytes: IntervalRecord<i64>,
    time_s: IntervalRecord<f64>,
}

#[derive(Serialize)]
struct IntervalRecord<N> {
    median: N,
    low: N,
    high: N,
    confidence: f64,
}

/// All that was found by running both versions.
///
/// # Errors
/// Never in practice: all of it has a form in JSON.
pub fn proof_json(proof: &Proof) -> serde_json::Result<String> {
    crate::json::pretty(&ProofRecord::from(proof))
}

impl From<&Proof> for ProofRecord {
    fn from(proof: &Proof) -> Self {
        let effects =
            proof.effects.iter().map(|effect| format!("{} {}", effect.verb, effect.object));
        Self {
            verdict: verdict(&proof.conclusion),
            reason: proof.conclusion.to_string(),
            same_behaviour: proof.same_behaviour(),
            difference: difference(&proof.conclusion).map(DifferenceRecord::from),
            runs: proof.runs,
            before: measured(proof.before),
            after: measured(proof.after),
            saving: proof.saving.map(SavingRecord::from),
            slower: proof.is_slower(),
            effects: effects.collect(),
        }
    }
}

/// One word for what follows from the runs.
pub fn verdict(conclusion: &Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Proven => "proven",
        Conclusion::NoSaving | Conclusion::MoreMemory => "unprofitable",
        Conclusion::TooFewRuns => "plausible",
        Conclusion::Different(_) => "refuted",
        Conclusion::NotComparable(_) => "not comparable",
    }
}

fn difference(conclusion: &Conclusion) -> Option<&Difference> {
    match conclusion {
        Conclusion::Different(difference) | Conclusion::NotComparable(difference) => {
            Some(difference)
        }
        _ => None,
    }
}

impl From<&Difference> for DifferenceRecord {
    fn from(difference: &Difference) -> Self {
        Self {
            place: difference.place.to_string(),
            before: difference.before.clone(),
            after: difference.after.clone(),
        }
    }
}

/// A difference may have stopped the runs before this version had one without the tracker.
fn measured(figures: Figures) -> Option<FiguresRecord> {
    (figures.peak_rss > Bytes(0)).then(|| figures.into())
}

impl From<Figures> for FiguresRecord {
    fn from(figures: Figures) -> Self {
        Self {
            peak_heap_bytes: figures.peak_heap.map(|bytes| bytes.0),
            peak_rss_bytes: figures.peak_rss.0,
            time_s: figures.time.seconds(),
        }
    }
}

impl From<Saving> for SavingRecord {
    fn from(saving: Saving) -> Self {
        Self {
            heap_bytes: saving.heap.map(whole),
            rss_bytes: whole(saving.rss),
            time_s: exact(saving.time),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "differences of byte counts, which have fewer than 52 bits"
)]
fn whole(interval: Interval) -> IntervalRecord<i64> {
    let round = |bytes: f64| bytes.round() as i64;
    IntervalRecord {
        median: round(interval.median),
        low: round(interval.low),
        high: round(interval.high),
        confidence: interval.confidence,
    }
}

fn exact(interval: Interval) -> IntervalRecord<f64> {
    IntervalRecord {
        median: interval.median,
        low: interval.low,
        high: interval.high,
        confidence: interval.confidence,
    }
}
