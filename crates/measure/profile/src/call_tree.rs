use crate::Usage;
use crate::counters::Counters;
use lowtide_capture::layout::{Node, Temporary, node_kind};
use lowtide_capture::{Capture, NativeAddress, NodeStore, Summary};
use rustc_hash::FxHashMap;

/// A capture whose call tree takes little memory. To fill fresh memory takes most of the time of reading one.
pub type CompactCapture = Capture<CallTree>;

/// The call tree of a capture: of each node its parent and what it stands for, and those of its counters that are not 0.
#[derive(Clone, Debug, Default)]
pub struct CallTree {
    /// Parents before children; the first is the root.
    pub(crate) nodes: Vec<CallNode>,
    /// What nodes other than the root stand for, each once, in the order in which it was seen first.
    pub(crate) calls: Vec<Call>,
    call_ids: FxHashMap<Call, u32>,
    pub(crate) counters: Counters,
}

/// A node by what is the same for others.
#[derive(Clone, Copy, Debug)]
pub struct CallNode {
    /// Itself for the root.
    pub parent: u32,
    /// A place in a list of what nodes stand for; nothing for the root.
    pub place: u32,
}

/// What a node stands for, in the words of the capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    pub kind: u32,
    pub code: u32,
    pub instruction: u32,
}

impl Call {
    /// Whether it stands for a line of Python.
    pub fn is_line(&self) -> bool {
        use node_kind::{MAPPING, NATIVE, NATIVE_FRAME, WORKER};
        !matches!(self.kind, NATIVE | MAPPING | NATIVE_FRAME | WORKER)
    }
}

impl CallTree {
    /// That of a capture in memory.
    #[must_use]
    pub fn of(capture: &Capture) -> Self {
        let mut tree = Self::default();
        capture.nodes.iter().for_each(|node| tree.add(node, &capture.summary));
        tree
    }

    /// Takes over what was temporary of its nodes, which a capture has apart from them.
    pub(crate) fn with_temporary(mut self, temporary: &[(u32, Temporary)]) -> Self {
        for &(id, Temporary { bytes, blocks }) in temporary {
            self.counters.temporary.add(id, Usage::new(bytes, blocks));
        }
        self
    }

    fn call_id(&mut self, node: &Node) -> u32 {
        let Node { kind, code, instruction, .. } = *node;
        let call = match kind {
            node_kind::NATIVE | node_kind::MAPPING | node_kind::WORKER => {
                Call { kind, code: 0, instruction: 0 }
            }
            _ => Call { kind, code, instruction },
        };
        let calls = &mut self.calls;
        *self.call_ids.entry(call).or_insert_with(|| {
            calls.push(call);
            id_of(calls.len() - 1)
        })
    }
}

impl NodeStore for CallTree {
    fn add(&mut self, node: &Node, summary: &Summary) {
        let id = id_of(self.nodes.len());
        let place = if id == 0 { 0 } else { self.call_id(node) };
        self.nodes.push(CallNode { parent: if node.parent < id { node.parent } else { 0 }, place });
        self.counters.add(id, node, summary);
    }

    fn count(&self) -> usize {
        self.nodes.len()
    }

    fn native_addresses(&self) -> impl Iterator<Item = NativeAddress> {
        let frames = self.calls.iter().filter(|call| call.kind == node_kind::NATIVE_FRAME);
        frames.map(|call| NativeAddress { module: call.code, address: call.instruction })
    }
}

/// A capture's ids have 32 bits.
pub fn id_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
