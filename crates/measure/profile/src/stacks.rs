//! What whole stacks asked for.

use crate::call_tree::id_of;
use crate::native::CallId;
use crate::tree::{LineTree, Place};
use crate::{Frame, NativeUsage, StackFrame, StackUsage, Usage, UsageInTime};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The nodes of one stack of lines: its instructions taken together.
struct Stack {
    /// The first of them.
    node: u32,
    own: UsageInTime,
}

impl LineTree {
    /// The lines of Python that lead to a node of the capture, outermost first.
    pub fn frames_to(&self, node: u32) -> Vec<Frame> {
        let frames = self.stack_frames(node).into_iter();
        frames
            .filter_map(|frame| match frame {
                StackFrame::Python(frame) => Some(frame),
                StackFrame::Native(_) => None,
            })
            .collect()
    }

    /// The `count` stacks with most live at the peak, in order; of equals the older first.
    pub fn heaviest_stacks(&self, count: usize) -> Vec<StackUsage> {
        let mut stacks = self.stacks();
        stacks.retain(|stack| stack.own.churn.count > 0);
        stacks.sort_by_key(|stack| Reverse(stack.own.at_peak.bytes));
        stacks.into_iter().take(count).map(|stack| self.stack_usage(&stack)).collect()
    }

    /// Of equal stacks the one seen first comes first.
    fn stacks(&self) -> Vec<Stack> {
        let mut stacks = Vec::new();
        let mut ids = FxHashMap::default();
        let mut stack_of: Vec<usize> = Vec::with_capacity(self.nodes.len());
        for (id, node) in self.nodes.iter().enumerate() {
            let caller = (id > 0).then(|| stack_of[node.parent as usize]);
            let stack = *ids.entry((caller, node.place)).or_insert_with(|| {
                stacks.push(Stack { node: id_of(id), own: UsageInTime::default() });
                stacks.len() - 1
            });
            stack_of.push(stack);
        }
        for (counter, time) in self.counters.by_time() {
            for (node, usage) in counter.iter() {
                *time(&mut stacks[stack_of[node as usize]].own) += usage;
            }
        }
        stacks
    }

    fn stack_usage(&self, stack: &Stack) -> StackUsage {
        let UsageInTime { at_peak, left_at_exit, churn, temporary } = stack.own;
        let origin = self.place(stack.node).origin;
        StackUsage {
            frames: self.stack_frames(stack.node),
            kind: origin.kind,
            by_workers: origin.by_workers,
            at_peak,
            left_at_exit,
            churn,
            temporary,
        }
    }

    /// Outermost first.
    fn stack_frames(&self, node: u32) -> Vec<StackFrame> {
        let mut frames = Vec::new();
        for place in self.up_from(node) {
            if let Some(call) = place.call {
                let inlined = self.native_calls.get(call).iter().rev().cloned();
                frames.extend(inlined.map(StackFrame::Native));
            } else if place.is_line() {
                frames.push(StackFrame::Python(self.frames.get(place.frame)));
            }
        }
        frames.reverse();
        frames
    }

    /// What one line asked native code for; most live at the peak first, of equals the one seen first.
    pub fn native_usage(&self, place: &Frame) -> Vec<NativeUsage> {
        let Some(frame) = self.frames.id_of(place) else { return Vec::new() };
        let mut by_calls = BTreeMap::<Vec<CallId>, Usage>::new();
        for (node, at_peak) in self.counters.at_peak.iter() {
            if self.place(node).frame == frame && at_peak.count > 0 {
                *by_calls.entry(self.calls_to(node)).or_default() += at_peak;
            }
        }
        let mut by_calls: Vec<_> =
            by_calls.into_iter().filter(|(calls, _)| !calls.is_empty()).collect();
        by_calls.sort_by_key(|(_, at_peak)| Reverse(at_peak.bytes));
        let frames = |calls: Vec<CallId>| {
            calls.into_iter().flat_map(|call| self.native_calls.get(call)).cloned().collect()
        };
        by_calls
            .into_iter()
            .map(|(calls, at_peak)| NativeUsage { calls: frames(calls), at_peak })
            .collect()
    }

    /// The native calls from the line of a node to what it stands for.
    fn calls_to(&self, node: u32) -> Vec<CallId> {
        let to_line = self.up_from(node).take_while(|place| !place.is_line());
        let mut calls: Vec<CallId> = to_line.filter_map(|place| place.call).collect();
        calls.reverse();
        calls
    }

    /// What a node stands for, then its caller, and so on to the root, which is left out.
    fn up_from(&self, node: u32) -> impl Iterator<Item = Place> {
        let mut at = node as usize;
        std::iter::from_fn(move || {
            let node = self.nodes.get(at).filter(|_| at != 0)?;
            at = node.parent as usize;
            Some(self.places.get(node.place))
        })
    }
}
