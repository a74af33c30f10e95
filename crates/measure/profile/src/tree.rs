use crate::frames::{FrameId, FrameResolver, Frames};
use crate::native::{CallId, NativeCalls, NativeResolver};
use crate::{
    Frame, LineUsage, MemoryKind, NativeUsage, StackFrame, StackUsage, Usage, UsageInTime,
};
use lowtide_capture::layout::{Node, node_kind};
use lowtide_capture::{Capture, Summary};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// The capture's call tree with instructions of one line taken together.
#[derive(Clone, Debug)]
pub struct LineTree {
    frames: Frames,
    native_calls: NativeCalls,
    /// Parents before children; the first is the root.
    nodes: Vec<LineNode>,
    /// By the capture's node ids.
    line_nodes: Vec<usize>,
}

/// One stack of lines and what it asked for itself.
#[derive(Clone, Debug)]
struct LineNode {
    /// Itself for the root.
    parent: usize,
    /// The innermost line of Python.
    frame: FrameId,
    /// The native function that this node stands for, if it is one.
    call: Option<CallId>,
    origin: Origin,
    own: UsageInTime,
}

/// Who asked whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Origin {
    kind: MemoryKind,
    by_workers: bool,
}

impl Origin {
    const FRAME: Self = Self { kind: MemoryKind::Python, by_workers: false };
}

fn usage_of(node: &Node, summary: &Summary) -> UsageInTime {
    let (bytes, blocks) = summary.at_peak(node);
    UsageInTime {
        at_peak: Usage::new(bytes, u64::from(blocks)),
        left_at_exit: Usage::new(node.live_bytes, u64::from(node.live_blocks)),
        churn: Usage::new(node.churn_bytes, node.churn_blocks),
    }
}

/// What one line asked for itself, and of that, what has to be told apart.
#[derive(Clone, Copy, Default)]
struct OwnOfLine {
    all: UsageInTime,
    native: UsageInTime,
    mappings: UsageInTime,
    workers: UsageInTime,
}

impl OwnOfLine {
    fn add(&mut self, node: &LineNode) {
        self.all += node.own;
        match node.origin.kind {
            MemoryKind::Python => {}
            MemoryKind::Native => self.native += node.own,
            MemoryKind::Mapping => self.mappings += node.own,
        }
        if node.origin.by_workers {
            self.workers += node.own;
        }
    }
}

impl LineTree {
    pub fn of(capture: &Capture) -> Self {
        let mut resolver = FrameResolver::new(capture);
        let mut native = NativeResolver::new(capture);
        let mut merged = MergedNodes::with_root(resolver.nowhere());
        let mut line_nodes: Vec<usize> = Vec::with_capacity(capture.nodes.len());
        for (id, node) in capture.nodes.iter().enumerate() {
            // The reader vouches that a parent stands before its children.
            let parent = line_nodes.get(node.parent as usize).copied().unwrap_or(0);
            let LineNode { frame, origin, .. } = merged.nodes[parent];
            let (frame, call, origin) = match node.kind {
                node_kind::NATIVE => (frame, None, Origin { kind: MemoryKind::Native, ..origin }),
                node_kind::MAPPING => (frame, None, Origin { kind: MemoryKind::Mapping, ..origin }),
                node_kind::NATIVE_FRAME => {
                    let call = native.call_at(node.code, node.instruction);
                    (frame, Some(call), Origin { kind: MemoryKind::Python, ..origin })
                }
                node_kind::WORKER => (frame, None, Origin { by_workers: true, ..origin }),
                _ if id == 0 => (frame, None, origin),
                _ => (resolver.place_of(node.code, node.instruction), None, Origin::FRAME),
            };
            let place = Place { frame, call, origin };
            let line_node = if id == 0 { 0 } else { merged.find_or_add(parent, place) };
            merged.nodes[line_node].own += usage_of(node, &capture.summary);
            line_nodes.push(line_node);
        }
        Self {
            frames: resolver.finish(),
            native_calls: native.finish(),
            nodes: merged.nodes,
            line_nodes,
        }
    }

    /// Every place in the tree, each once.
    pub fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter()
    }

    /// Where a node of the capture asks for memory.
    pub fn frame_of(&self, node: u32) -> Option<&Frame> {
        let line_node = *self.line_nodes.get(node as usize)?;
        Some(self.frames.get(self.nodes[line_node].frame))
    }

    /// The lines of Python that lead to a node of the capture, outermost first.
    pub fn frames_to(&self, node: u32) -> Vec<Frame> {
        let line_node = self.line_nodes.get(node as usize).copied().unwrap_or(0);
        let frames = self.stack(line_node).frames.into_iter();
        frames
            .filter_map(|frame| match frame {
                StackFrame::Python(frame) => Some(frame),
                StackFrame::Native(_) => None,
            })
            .collect()
    }

    /// Whether native functions were recorded.
    pub fn has_native_frames(&self) -> bool {
        self.nodes.iter().any(|node| node.call.is_some())
    }

    /// Live at the peak by kind.
    pub fn at_peak(&self, kind: MemoryKind) -> Usage {
        self.nodes.iter().filter(|node| node.origin.kind == kind).map(|node| node.own.at_peak).sum()
    }

    /// What each line asked for itself; most at the peak first, then by name.
    pub fn lines(&self) -> Vec<LineUsage> {
        let mut by_frame: Vec<Option<OwnOfLine>> = vec![None; self.frames.iter().count()];
        for node in self.nodes.iter().filter(|node| node.own.churn.count > 0) {
            by_frame[node.frame].get_or_insert_default().add(node);
        }
        let used = self.frames.iter().zip(by_frame).filter_map(|(frame, own)| Some((frame, own?)));
        let mut lines: Vec<LineUsage> = used
            .map(|(frame, own)| LineUsage {
                place: frame.clone(),
                at_peak: own.all.at_peak,
                left_at_exit: own.all.left_at_exit,
                churn: own.all.churn,
                native: own.native,
                mappings: own.mappings,
                workers: own.workers,
            })
            .collect();
        lines.sort_by(|a, b| {
            b.at_peak.bytes.cmp(&a.at_peak.bytes).then_with(|| a.place.cmp(&b.place))
        });
        lines
    }

    /// The `count` stacks with most live at the peak, in order; of equals the older first.
    pub fn heaviest_stacks(&self, count: usize) -> Vec<StackUsage> {
        let mut ids: Vec<usize> =
            (0..self.nodes.len()).filter(|&id| self.nodes[id].own.churn.count > 0).collect();
        ids.sort_by_key(|&id| Reverse(self.nodes[id].own.at_peak.bytes));
        ids.into_iter().take(count).map(|id| self.stack(id)).collect()
    }

    /// Live at the peak of every stack that passes through a place that `holds` names, each block once.
    pub fn under(&self, holds: impl Fn(&Frame) -> bool) -> Usage {
        let is_named: Vec<bool> = self.frames.iter().map(holds).collect();
        let mut is_under: Vec<bool> = Vec::with_capacity(self.nodes.len());
        let mut usage = Usage::default();
        for node in &self.nodes {
            let under =
                is_named[node.frame] || is_under.get(node.parent).is_some_and(|&under| under);
            is_under.push(under);
            if under {
                usage += node.own.at_peak;
            }
        }
        usage
    }

    /// What one line asked native code for; most live at the peak first, of equals the one seen first.
    pub fn native_usage(&self, place: &Frame) -> Vec<NativeUsage> {
        let is_meant: Vec<bool> = self.frames.iter().map(|frame| frame == place).collect();
        let mut by_calls = BTreeMap::<Vec<CallId>, Usage>::new();
        for (id, node) in self.nodes.iter().enumerate() {
            if is_meant[node.frame] && node.own.at_peak.count > 0 {
                *by_calls.entry(self.calls_to(id)).or_default() += node.own.at_peak;
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
    fn calls_to(&self, id: usize) -> Vec<CallId> {
        let mut calls = Vec::new();
        let mut at = id;
        while at != 0 && !self.nodes[at].is_line() {
            calls.extend(self.nodes[at].call);
            at = self.nodes[at].parent;
        }
        calls.reverse();
        calls
    }

    fn stack(&self, id: usize) -> StackUsage {
        let node = &self.nodes[id];
        let mut frames = Vec::new();
        let mut at = id;
        while at != 0 {
            let node = &self.nodes[at];
            if let Some(call) = node.call {
                let inlined = self.native_calls.get(call).iter().rev().cloned();
                frames.extend(inlined.map(StackFrame::Native));
            } else if node.is_line() {
                frames.push(StackFrame::Python(self.frames.get(node.frame).clone()));
            }
            at = node.parent;
        }
        frames.reverse();
        let UsageInTime { at_peak, left_at_exit, churn } = node.own;
        let Origin { kind, by_workers } = node.origin;
        StackUsage { frames, kind, by_workers, at_peak, left_at_exit, churn }
    }
}

/// What tells nodes of one parent apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    frame: FrameId,
    call: Option<CallId>,
    origin: Origin,
}

impl LineNode {
    fn new(parent: usize, Place { frame, call, origin }: Place) -> Self {
        Self { parent, frame, call, origin, own: UsageInTime::default() }
    }

    /// Whether it stands for a line of Python being run.
    fn is_line(&self) -> bool {
        self.call.is_none() && self.origin == Origin::FRAME
    }
}

/// Nodes of one parent and place taken together.
struct MergedNodes {
    nodes: Vec<LineNode>,
    ids: HashMap<(usize, Place), usize>,
}

impl MergedNodes {
    fn with_root(frame: FrameId) -> Self {
        let root = Place { frame, call: None, origin: Origin::FRAME };
        Self { nodes: vec![LineNode::new(0, root)], ids: HashMap::new() }
    }

    fn find_or_add(&mut self, parent: usize, place: Place) -> usize {
        let nodes = &mut self.nodes;
        *self.ids.entry((parent, place)).or_insert_with(|| {
            nodes.push(LineNode::new(parent, place));
            nodes.len() - 1
        })
    }
}
