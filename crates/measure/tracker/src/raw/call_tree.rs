use super::other_children::{Found, OtherChildren};
use super::own_memory::{self, OwnArray};
use super::shadow::LAST_NODE;
use lowtide_capture::layout::{Node, node_kind};
use lowtide_capture::{CaptureWriter, StopReason};

/// The children of each node of the call tree, whose nodes themselves lie in the capture.
pub(super) struct CallTree {
    /// By their parents, the children that were made first; 0: none was. Most nodes have no other, and a new stack is found
    /// to be one without a look at any place that is far from the last.
    first_children: OwnArray<u32>,
    other_children: OtherChildren,
    /// Children without code that were asked for last.
    leaves: [Leaf; LEAVES],
}

/// A child that is no frame. All zero: none, as that is the kind of frames.
#[derive(Clone, Copy)]
struct Leaf {
    parent: u32,
    kind: u32,
    node: u32,
}

const LEAVES: usize = 64;
/// So many parents have their first children on one page.
const PAGE: usize = own_memory::PAGE_BYTES / size_of::<u32>();

/// What tells a node from its siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) parent: u32,
    pub(super) code: u32,
    pub(super) instruction: u32,
    pub(super) kind: u32,
}

impl Edge {
    #[inline]
    pub(super) fn hash(self) -> u32 {
        let words = [self.parent, self.code, self.instruction, self.kind];
        let hash = words.into_iter().fold(0u64, |hash, word| {
            (hash.rotate_left(23) ^ u64::from(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        (hash >> 32) as u32
    }

    #[inline]
    pub(super) fn is_of(self, node: &Node) -> bool {
        self == Self {
            parent: node.parent,
            code: node.code,
            instruction: node.instruction,
            kind: node.kind,
        }
    }
}

impl CallTree {
    pub(super) const EMPTY: Self = Self {
        first_children: OwnArray::EMPTY,
        other_children: OtherChildren::EMPTY,
        leaves: [Leaf { parent: 0, kind: node_kind::FRAME, node: 0 }; LEAVES],
    };

    /// The child of `parent` that stands for all memory of a kind other than a frame's.
    #[inline]
    pub(super) fn leaf(
        &mut self,
        parent: u32,
        kind: u32,
        writer: &mut CaptureWriter,
    ) -> Result<u32, StopReason> {
        if let Some(node) = self.known_leaf(parent, kind) {
            return Ok(node);
        }
        let node = self.child(Edge { parent, code: 0, instruction: 0, kind }, writer)?;
        self.leaves[parent as usize % LEAVES] = Leaf { parent, kind, node };
        Ok(node)
    }

    /// As `leaf`, if it was asked for lately.
    #[inline]
    pub(super) fn known_leaf(&self, parent: u32, kind: u32) -> Option<u32> {
        let leaf = self.leaves[parent as usize % LEAVES];
        (leaf.parent == parent && leaf.kind == kind).then_some(leaf.node)
    }

    /// The node at the end of `edge`, made if it is new.
    #[inline]
    pub(super) fn child(
        &mut self,
        edge: Edge,
        writer: &mut CaptureWriter,
    ) -> Result<u32, StopReason> {
        let parent = edge.parent as usize;
        match self.first_children.as_slice().get(parent).copied().unwrap_or(0) {
            0 => self.add_first(edge, writer),
            // SAFETY: children are nodes that the writer handed out.
            first if edge.is_of(unsafe { writer.nodes().add(first as usize).as_ref() }) => {
                Ok(first)
            }
            _ => self.other_child(edge, writer),
        }
    }

    #[cold]
    fn add_first(&mut self, edge: Edge, writer: &mut CaptureWriter) -> Result<u32, StopReason> {
        let parent = edge.parent as usize;
        if parent >= self.first_children.capacity() {
            // A quarter more than is needed now, in whole pages.
            let capacity = (parent + parent / 4) / PAGE * PAGE + PAGE;
            if !self.first_children.grow_populated(capacity) {
                return Err(StopReason::OutOfMemory);
            }
        }
        let id = new_node(edge, writer)?;
        self.first_children.as_mut_slice()[parent] = id;
        Ok(id)
    }

    fn other_child(&mut self, edge: Edge, writer: &mut CaptureWriter) -> Result<u32, StopReason> {
        let hash = edge.hash();
        let nodes = writer.nodes();
        // SAFETY: every child there is a node that the writer handed out.
        let is_child = |id: u32| edge.is_of(unsafe { nodes.add(id as usize).as_ref() });
        match self.other_children.find(edge.parent, hash, is_child) {
            Found::Child(id) => Ok(id),
            Found::Place(place) => {
                let id = new_node(edge, writer)?;
                self.other_children.put(place, hash, id);
                Ok(id)
            }
            Found::NoRoom => Err(StopReason::OutOfMemory),
        }
    }
}

fn new_node(edge: Edge, writer: &mut CaptureWriter) -> Result<u32, StopReason> {
    let Edge { parent, code, instruction, kind } = edge;
    let id = writer.add_node(Node { parent, code, instruction, kind, ..Node::default() })?;
    if id > LAST_NODE { Err(StopReason::CaptureFull) } else { Ok(id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowtide_capture::Start;
    use std::collections::HashMap;
    use std::ffi::CString;

    fn writer() -> CaptureWriter {
        let name = format!("lowtide-call-tree-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let start = Start { hexversion: 0, pid: 1, parent_pid: 1, started_unix_ns: 0 };
        let text = CString::new(path.to_str().unwrap()).unwrap();
        let writer = CaptureWriter::create(&text, &start).unwrap();
        std::fs::remove_file(path).unwrap();
        writer
    }

    #[test]
    fn a_node_is_found_again_among_many_siblings_and_at_the_end_of_a_long_chain() {
        let (mut tree, mut writer) = (CallTree::EMPTY, writer());
        let mut known = HashMap::new();
        let mut latest = 0;
        for round in 0..3 {
            for step in 0..6000_u32 {
                // Ones with many children, ones with a few, and a chain.
                let parent = if step % 3 == 0 { step % 7 } else { latest };
                let key = (parent, step / 2, step % 2);
                let edge = Edge { parent, code: key.1, instruction: key.2, kind: node_kind::FRAME };
                let node = tree.child(edge, &mut writer).unwrap();
                assert_eq!(*known.entry(key).or_insert(node), node, "{round} {step}");
                latest = node;
            }
        }
        let mut nodes: Vec<u32> = known.into_values().collect();
        nodes.sort_unstable();
        nodes.dedup();
        assert_eq!(nodes.len(), 6000, "each edge has a node of its own");
        writer.abandon();
    }
}
