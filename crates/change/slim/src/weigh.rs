//! What each fix saves on its own: the peak without it, minus the peak with it.

use crate::slim::{Observer, Phase};
use crate::workbench::{Workbench, peak};
use crate::{Fix, SlimError};
use lowtide_findings::{Threshold, Verdict};
use lowtide_units::{Bytes, Share};
use std::cmp::Reverse;

/// Fixes that pay, and fixes that turned out not to.
pub(crate) struct Weighed {
    pub(crate) paying: Vec<Fix>,
    pub(crate) idle: Vec<Fix>,
}

/// Leaves out each fix in turn, the least promising first, and takes out what saves nothing measurable.
pub(crate) fn weigh(
    bench: &Workbench,
    fixes: Vec<Fix>,
    peak_with_all: Bytes,
    observer: &mut dyn Observer,
) -> Result<Weighed, SlimError> {
    let mut order: Vec<usize> = (0..fixes.len()).collect();
    order.sort_by_key(|&index| (fixes[index].finding.predicted_saving, Reverse(index)));
    let count = fixes.len();
    let mut slots: Vec<Option<Fix>> = fixes.into_iter().map(Some).collect();
    let mut idle = Vec::new();
    let mut lowest = peak_with_all;
    for (turn, index) in order.into_iter().enumerate() {
        if count > 1 {
            observer.phase(&Phase::Weighing { turn: turn + 1, count });
        }
        let Some(fix) = slots[index].take() else { continue };
        let without = peak_without(bench, &slots)?;
        let own_saving = without - lowest;
        let fix = Fix { own_saving: Some(own_saving), ..fix };
        match shortfall(own_saving, bench.peak) {
            Some(reason) => {
                idle.push(fix.judged(Verdict::Unprofitable, reason));
                lowest = without;
            }
            None => slots[index] = Some(fix),
        }
    }
    Ok(Weighed { paying: slots.into_iter().flatten().collect(), idle })
}

fn peak_without(bench: &Workbench, slots: &[Option<Fix>]) -> Result<Bytes, SlimError> {
    let others: Vec<Fix> = slots.iter().flatten().cloned().collect();
    if others.is_empty() {
        return Ok(bench.peak);
    }
    peak(&bench.try_out(&bench.rewritten(&others).files)?)
}

fn shortfall(saving: Bytes, peak: Bytes) -> Option<String> {
    Threshold::default().shortfall(saving, peak).map(|_| match saving {
        Bytes(0) => "the peak is no higher without it".to_owned(),
        _ => {
            format!("the peak is only {saving} higher without it, {}", Share(saving.share_of(peak)))
        }
    })
}
