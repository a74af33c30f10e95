//! Which types the live objects have, near the peak.

use super::shadow::{Block, Shadow};
use lowtide_capture::CaptureWriter;
use lowtide_capture::layout::{Node, node_kind};
use lowtide_cpython::Layout;
use std::ptr::NonNull;

/// A moment with the heap near its peak, the GIL held and no object half freed: what a census may look at.
pub(super) struct Moment<'a> {
    /// Where CPython keeps things.
    pub(super) layout: &'a Layout,
    /// Where the census goes.
    pub(super) writer: &'a mut CaptureWriter,
    /// Since the recording began.
    pub(super) elapsed_ns: u64,
    shadow: &'a Shadow,
}

impl<'a> Moment<'a> {
    pub(super) fn new(
        shadow: &'a Shadow,
        layout: &'a Layout,
        writer: &'a mut CaptureWriter,
        elapsed_ns: u64,
    ) -> Self {
        Self { layout, writer, elapsed_ns, shadow }
    }

    /// Calls `visit` with address and size of every live block of Python's own domains, in the order of addresses.
    pub(super) fn for_each_python_block(&self, mut visit: impl FnMut(usize, u64)) {
        let nodes = self.writer.nodes();
        self.shadow.for_each_block(|address, block| {
            if is_python(nodes, block) {
                visit(address, block.bytes);
            }
        });
    }

    /// The size of the live block of Python's own domains that begins at `address`, if there is one.
    pub(super) fn python_block_at(&self, address: usize) -> Option<u64> {
        let block = self.shadow.peek(address)?;
        is_python(self.writer.nodes(), block).then_some(block.bytes)
    }
}

fn is_python(nodes: NonNull<Node>, block: Block) -> bool {
    // SAFETY: the shadow holds ids of nodes that the writer handed out; they stay mapped as long as the writer lives.
    unsafe { nodes.add(block.node as usize).as_ref() }.kind == node_kind::FRAME
}

/// Takes a census and writes it into the capture.
pub(super) fn take(_moment: &mut Moment) {}
