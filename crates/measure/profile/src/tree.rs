use crate::call_tree::{Call, CallNode, CallTree, CompactCapture, id_of};
use crate::counters::Counters;
use crate::frames::{FrameId, FrameResolver, Frames};
use crate::native::{CallId, NativeCalls, NativeResolver};
use crate::{MemoryKind, Usage};
use lowtide_capture::layout::node_kind;
use lowtide_units::LineSpan;
use rustc_hash::FxHashMap;

/// The capture's call tree, its nodes standing for lines of Python and what these called.
#[derive(Clone, Debug, Default)]
pub struct LineTree {
    pub frames: Frames,
    pub native_calls: NativeCalls,
    /// By the capture's node ids: parents before children, the first is the root.
    pub nodes: Vec<CallNode>,
    pub places: Places,
    pub counters: Counters,
}

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The innermost line of Python.
    pub frame: FrameId,
    /// The native function that the node stands for, if it is one.
    pub call: Option<CallId>,
    pub origin: Origin,
}

/// Who asked whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    pub kind: MemoryKind,
    pub by_workers: bool,
}

impl Place {
    /// A line of Python being run.
    const fn line(frame: FrameId) -> Self {
        Self { frame, call: None, origin: Origin { kind: MemoryKind::Python, by_workers: false } }
    }

    pub fn is_line(&self) -> bool {
        *self == Self::line(self.frame)
    }
}

/// Index of a place in [`Places`]; a line of Python has the id of its frame.
pub type PlaceId = u32;

/// What nodes stand for, each once.
#[derive(Clone, Debug, Default)]
pub struct Places {
    line_count: u32,
    others: Vec<Place>,
    ids: FxHashMap<Place, PlaceId>,
}

/// From a caller to what it called.
#[derive(Clone, Copy)]
enum Step {
    Line(FrameId),
    Native(CallId),
    Memory(MemoryKind),
    Workers,
}

impl Places {
    fn of(frames: &Frames) -> Self {
        Self { line_count: id_of(frames.count()), others: Vec::new(), ids: FxHashMap::default() }
    }

    pub fn has_native_frames(&self) -> bool {
        self.others.iter().any(|place| place.call.is_some())
    }

    pub fn get(&self, id: PlaceId) -> Place {
        match id.checked_sub(self.line_count) {
            Some(other) => self.others[other as usize],
            None => Place::line(id),
        }
    }

    fn beneath(&mut self, caller: PlaceId, step: Step) -> PlaceId {
        let Place { frame, origin, .. } = self.get(caller);
        let (call, origin) = match step {
            Step::Line(frame) => return frame,
            Step::Native(call) => (Some(call), Origin { kind: MemoryKind::Python, ..origin }),
            Step::Memory(kind) => (None, Origin { kind, ..origin }),
            Step::Workers => (None, Origin { by_workers: true, ..origin }),
        };
        let place = Place { frame, call, origin };
        *self.ids.entry(place).or_insert_with(|| {
            self.others.push(place);
            self.line_count + id_of(self.others.len() - 1)
        })
    }
}

impl LineTree {
    pub fn of(calls: CallTree, capture: &CompactCapture) -> Self {
        let mut resolver = FrameResolver::new(capture);
        let mut native = NativeResolver::new(capture);
        let root = resolver.nowhere();
        let lines = resolver.frames_of(&calls.calls);
        let step = |(call, line): (&Call, FrameId)| match call.kind {
            node_kind::NATIVE => Step::Memory(MemoryKind::Native),
            node_kind::MAPPING => Step::Memory(MemoryKind::Mapping),
            node_kind::NATIVE_FRAME => Step::Native(native.call_at(call.code, call.instruction)),
            node_kind::WORKER => Step::Workers,
            _ => Step::Line(line),
        };
        let steps: Vec<Step> = calls.calls.iter().zip(lines).map(step).collect();
        let frames = resolver.finish();
        let mut places = Places::of(&frames);
        let mut nodes = calls.nodes;
        for id in 0..nodes.len() {
            let CallNode { parent, place } = nodes[id];
            nodes[id].place = match id {
                0 => root,
                _ => places.beneath(nodes[parent as usize].place, steps[place as usize]),
            };
        }
        let native_calls = native.finish();
        Self { frames, native_calls, nodes, places, counters: calls.counters }
    }

    /// What a node stands for, by its id in the capture.
    pub fn place(&self, node: u32) -> Place {
        self.places.get(self.nodes[node as usize].place)
    }

    /// Live at the peak by kind.
    pub fn at_peak(&self, kind: MemoryKind) -> Usage {
        let of_kind = |(node, _): &(u32, Usage)| self.place(*node).origin.kind == kind;
        self.counters.at_peak.iter().filter(of_kind).map(|(_, usage)| usage).sum()
    }

    /// Live at the peak of every stack that passes through one of these lines, each block once.
    pub fn under(&self, spans: &[LineSpan]) -> Usage {
        let is_named = self.frames.are_on(spans);
        let mut is_under: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let is_beneath = is_under.get(node.parent as usize).is_some_and(|&is_under| is_under);
            is_under.push(is_beneath || is_named[self.places.get(node.place).frame as usize]);
        }
        let under = self.counters.at_peak.iter().filter(|(node, _)| is_under[*node as usize]);
        under.map(|(_, usage)| usage).sum()
    }
}
