//! What each line asked for itself.

use crate::call_tree::id_of;
use crate::counters::Time;
use crate::frames::FrameId;
use crate::tree::{LineTree, Place};
use crate::{Frame, LineUsage, MemoryKind, Usage, UsageInTime};
use lowtide_units::Bytes;
use std::cmp::Ordering;

/// What one line asked for itself, and of that, what has to be told apart.
#[derive(Clone, Copy, Default)]
struct OwnOfLine {
    all: UsageInTime,
    native: UsageInTime,
    mappings: UsageInTime,
    workers: UsageInTime,
}

impl OwnOfLine {
    fn add(&mut self, place: Place, usage: Usage, time: Time) {
        *time(&mut self.all) += usage;
        match place.origin.kind {
            MemoryKind::Python => {}
            MemoryKind::Native => *time(&mut self.native) += usage,
            MemoryKind::Mapping => *time(&mut self.mappings) += usage,
        }
        if place.origin.by_workers {
            *time(&mut self.workers) += usage;
        }
    }

    fn at(self, place: Frame) -> LineUsage {
        let Self { all, native, mappings, workers } = self;
        let UsageInTime { at_peak, left_at_exit, churn, temporary } = all;
        LineUsage { place, at_peak, left_at_exit, churn, temporary, native, mappings, workers }
    }
}

impl LineTree {
    /// How many lines hold some of the peak.
    pub fn lines_at_peak(&self) -> usize {
        self.at_peak_by_frame().into_iter().filter(|&bytes| bytes > Bytes(0)).count()
    }

    /// The `count` lines with most at the peak, in order; of equals by name.
    pub fn heaviest_lines(&self, count: usize) -> Vec<LineUsage> {
        let frames = self.heaviest_frames(count);
        let own = self.own_of(&frames);
        frames.iter().zip(own).map(|(&frame, own)| own.at(self.frames.get(frame))).collect()
    }

    fn heaviest_frames(&self, count: usize) -> Vec<FrameId> {
        let at_peak = self.at_peak_by_frame();
        let is_holding = |frame: &FrameId| at_peak[*frame as usize] > Bytes(0);
        let mut frames: Vec<FrameId> = (0..id_of(self.frames.count())).filter(is_holding).collect();
        if frames.len() < count {
            frames.extend(self.asking_frames().filter(|frame| !is_holding(frame)));
        }
        let compare = |&a: &FrameId, &b: &FrameId| {
            let [more, less] = [b, a].map(|frame| at_peak[frame as usize]);
            more.cmp(&less).then_with(|| self.frames.compare(a, b))
        };
        keep_first(&mut frames, count, compare);
        frames
    }

    /// Those that asked for memory themselves.
    fn asking_frames(&self) -> impl Iterator<Item = FrameId> {
        let mut has_asked = vec![false; self.frames.count()];
        for (node, usage) in self.counters.churn.iter() {
            has_asked[self.place(node).frame as usize] |= usage.count > 0;
        }
        (0..).zip(has_asked).filter_map(|(frame, has_asked)| has_asked.then_some(frame))
    }

    fn at_peak_by_frame(&self) -> Vec<Bytes> {
        let mut at_peak = vec![Bytes(0); self.frames.count()];
        for (node, usage) in self.counters.at_peak.iter() {
            at_peak[self.place(node).frame as usize] += usage.bytes;
        }
        at_peak
    }

    /// In the order of `frames`.
    fn own_of(&self, frames: &[FrameId]) -> Vec<OwnOfLine> {
        let mut wanted = vec![None; self.frames.count()];
        for (index, &frame) in frames.iter().enumerate() {
            wanted[frame as usize] = Some(index);
        }
        let mut own = vec![OwnOfLine::default(); frames.len()];
        for (counter, time) in self.counters.by_time() {
            for (node, usage) in counter.iter() {
                let place = self.place(node);
                if let Some(index) = wanted[place.frame as usize] {
                    own[index].add(place, usage, time);
                }
            }
        }
        own
    }
}

/// The first `count` in order, without sorting the others.
fn keep_first<T>(items: &mut Vec<T>, count: usize, compare: impl Fn(&T, &T) -> Ordering) {
    if count < items.len() {
        items.select_nth_unstable_by(count, &compare);
        items.truncate(count);
    }
    items.sort_unstable_by(compare);
}
