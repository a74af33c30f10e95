use crate::frames::{FrameId, FrameResolver, Frames};
use crate::{Frame, LineUsage, MemoryKind, StackUsage, Usage, UsageInTime};
use lowtide_capture::layout::{Node, node_kind};
use lowtide_capture::{Capture, Summary};
use std::cmp::Reverse;
use std::collections::HashMap;

/// The capture's call tree with instructions of one line taken together.
#[derive(Clone, Debug)]
pub struct LineTree {
    frames: Frames,
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
    frame: FrameId,
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
        let mut merged = MergedNodes::with_root(resolver.nowhere());
        let mut line_nodes: Vec<usize> = Vec::with_capacity(capture.nodes.len());
        for (id, node) in capture.nodes.iter().enumerate() {
            // The reader vouches that a parent stands before its children.
            let parent = line_nodes.get(node.parent as usize).copied().unwrap_or(0);
            let LineNode { frame, origin, .. } = merged.nodes[parent];
            let (frame, origin) = match node.kind {
                node_kind::NATIVE => (frame, Origin { kind: MemoryKind::Native, ..origin }),
                node_kind::MAPPING => (frame, Origin { kind: MemoryKind::Mapping, ..origin }),
                node_kind::WORKER => (frame, Origin { by_workers: true, ..origin }),
                _ if id == 0 => (frame, origin),
                _ => (resolver.place_of(node.code, node.instruction), Origin::FRAME),
            };
            let line_node = if id == 0 { 0 } else { merged.find_or_add(parent, frame, origin) };
            merged.nodes[line_node].own += usage_of(node, &capture.summary);
            line_nodes.push(line_node);
        }
        Self { frames: resolver.finish(), nodes: merged.nodes, line_nodes }
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

    fn stack(&self, id: usize) -> StackUsage {
        let node = &self.nodes[id];
        let mut frames = Vec::new();
        let mut at = id;
        while at != 0 {
            if self.nodes[at].origin == Origin::FRAME {
                frames.push(self.frames.get(self.nodes[at].frame).clone());
            }
            at = self.nodes[at].parent;
        }
        frames.reverse();
        let UsageInTime { at_peak, left_at_exit, churn } = node.own;
        let Origin { kind, by_workers } = node.origin;
        StackUsage { frames, kind, by_workers, at_peak, left_at_exit, churn }
    }
}

/// Nodes of one parent, line and origin taken together.
struct MergedNodes {
    nodes: Vec<LineNode>,
    ids: HashMap<(usize, FrameId, Origin), usize>,
}

impl MergedNodes {
    fn with_root(frame: FrameId) -> Self {
        let root =
            LineNode { parent: 0, frame, origin: Origin::FRAME, own: UsageInTime::default() };
        Self { nodes: vec![root], ids: HashMap::new() }
    }

    fn find_or_add(&mut self, parent: usize, frame: FrameId, origin: Origin) -> usize {
        let nodes = &mut self.nodes;
        *self.ids.entry((parent, frame, origin)).or_insert_with(|| {
            nodes.push(LineNode { parent, frame, origin, own: UsageInTime::default() });
            nodes.len() - 1
        })
    }
}
