use super::call_tree::{CallTree, Edge};
use super::code_table::CodeTable;
use super::module_table::NativeCode;
use super::shadow::Shadow;
use super::stack::{FrameNode, NodeOfFrame};
use lowtide_capture::layout::node_kind;
use lowtide_capture::{CaptureWriter, StopReason};
use lowtide_cpython::{Frame, FunctionWord, Layout};

/// Looks frames up in the call tree.
pub(super) struct Nodes<'a> {
    pub(super) tree: &'a mut CallTree,
    pub(super) codes: &'a mut CodeTable,
    pub(super) writer: &'a mut CaptureWriter,
    pub(super) layout: &'a Layout,
    pub(super) shadow: &'a mut Shadow,
}

impl Nodes<'_> {
    /// The node of a native function under its caller's node.
    pub(super) fn node_of_native(
        &mut self,
        parent: u32,
        code: NativeCode,
    ) -> Result<u32, StopReason> {
        let NativeCode { module, address } = code;
        let edge =
            Edge { parent, code: module, instruction: address, kind: node_kind::NATIVE_FRAME };
        self.tree.child(edge, self.writer)
    }
}

impl NodeOfFrame for Nodes<'_> {
    type Error = StopReason;

    #[inline]
    fn node_of(&mut self, parent: u32, frame: Frame) -> Result<FrameNode, StopReason> {
        let Frame { code, instruction } = frame;
        let known = self.codes.get(code);
        let code = match known {
            Some(id) => id,
            // SAFETY: a frame keeps its code object alive.
            None => unsafe { self.codes.add(code, self.layout, self.shadow, self.writer) }?,
        };
        let edge = Edge { parent, code, instruction, kind: node_kind::FRAME };
        Ok(FrameNode { node: self.tree.child(edge, self.writer)?, is_code_new: known.is_none() })
    }

    fn watches(&mut self, function: FunctionWord, maker: u32) -> bool {
        let block = function.block();
        let is_made_there = self.shadow.peek(block).is_some_and(|(block, _)| block.node == maker);
        is_made_there && self.shadow.watch(block).is_ok()
    }

    fn out_of_memory() -> StopReason {
        StopReason::OutOfMemory
    }
}
