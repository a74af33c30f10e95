use crate::layout::{Node, node_kind};
use crate::{NativeAddress, Summary};

/// What keeps the nodes of a capture that is read. A large capture has hundreds of thousands of them, and most of their
/// words are zero: who has a use for a part of a node need not keep all of it.
pub trait NodeStore: Default {
    /// Takes the next node. Ids count from 0, and the parent's is lower than the node's, but for node 0.
    fn add(&mut self, node: &Node, summary: &Summary);

    /// How many there are.
    fn count(&self) -> usize;

    /// Where native frames stand; some of them twice, perhaps.
    fn native_addresses(&self) -> impl Iterator<Item = NativeAddress>;
}

impl NodeStore for Vec<Node> {
    fn add(&mut self, node: &Node, _summary: &Summary) {
        self.push(*node);
    }

    fn count(&self) -> usize {
        self.len()
    }

    fn native_addresses(&self) -> impl Iterator<Item = NativeAddress> {
        let frames = self.iter().filter(|node| node.kind == node_kind::NATIVE_FRAME);
        frames.map(|node| NativeAddress { module: node.code, address: node.instruction })
    }
}
