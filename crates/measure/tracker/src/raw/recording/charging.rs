//! Which node of the call tree an allocation is charged to: the innermost line of its thread, or for a thread that runs no
//! Python, the line that waits for it.

use super::Recording;
use crate::raw::fork_place;
use crate::raw::native_stack::{Asking, NativeStacks};
use crate::raw::nodes::Nodes;
use crate::raw::origin::Origin;
use crate::raw::stack::{NodeOfFrame, Stacks};
use crate::raw::thread;
use crate::raw::waiting::Waiter;
use lowtide_capture::StopReason;
use lowtide_capture::layout::node_kind;
use lowtide_cpython::FrameAddress;

impl Recording {
    /// # Safety
    /// As [`Recording::allocated`].
    pub(super) unsafe fn node(
        &mut self,
        thread_state: usize,
        kind: u32,
    ) -> Result<u32, StopReason> {
        let parent = if self.native_stacks.is_some() {
            // SAFETY: the caller's promise.
            unsafe { self.native_node(thread_state) }?
        } else {
            // SAFETY: the caller's promise.
            match unsafe { self.frame_node(thread_state) }? {
                0 => self.nameless_node(thread_state)?,
                parent => parent,
            }
        };
        if kind == node_kind::FRAME {
            return Ok(parent);
        }
        self.tree.leaf(parent, kind, &mut self.writer)
    }

    /// # Safety
    /// As [`Recording::allocated`].
    #[inline]
    pub(super) unsafe fn innermost_frame(&self, thread_state: usize) -> Option<FrameAddress> {
        if thread_state == 0 {
            return None;
        }
        // SAFETY: the caller's promise.
        unsafe { FrameAddress::innermost(&self.layout, thread_state) }
    }

    /// The node of the thread's innermost frame; 0 if it runs no Python.
    ///
    /// # Safety
    /// As [`Recording::allocated`].
    unsafe fn frame_node(&mut self, thread_state: usize) -> Result<u32, StopReason> {
        // SAFETY: the caller's promise.
        unsafe {
            let Some(innermost) = self.innermost_frame(thread_state) else { return Ok(0) };
            let (stacks, _, mut nodes) = self.stacks_and_nodes();
            stacks.find_out(nodes.layout, innermost, &mut nodes)
        }
    }

    /// The node of the thread's innermost frame, whose place was just found in the last stack. `None` says nothing.
    ///
    /// # Safety
    /// As [`Recording::allocated`].
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn node_of_new_stack(&mut self, top: usize) -> Option<u32> {
        let (stacks, _, mut nodes) = self.stacks_and_nodes();
        // SAFETY: the caller's promise.
        unsafe { stacks.look_up(top, nodes.layout, &mut nodes) }.ok()
    }

    fn stacks_and_nodes(&mut self) -> (&mut Stacks, Option<&mut NativeStacks>, Nodes<'_>) {
        let nodes = Nodes {
            tree: &mut self.tree,
            codes: &mut self.codes,
            writer: &mut self.writer,
            layout: &self.layout,
            shadow: &mut self.shadow,
        };
        (&mut self.stacks, self.native_stacks.as_mut(), nodes)
    }

    /// The node of the line that forked this process; 0 if that is not known.
    ///
    /// # Safety
    /// As [`Recording::allocated`].
    #[cold]
    pub(super) unsafe fn fork_node(&mut self, thread_state: usize) -> Result<u32, StopReason> {
        // SAFETY: the caller's promise; callers do not move on while what they called is on the stack.
        unsafe {
            let innermost = self.innermost_frame(thread_state);
            let place = innermost.and_then(|frame| fork_place::find(&self.layout, frame));
            let Some((address, frame)) = place else { return Ok(0) };
            let (stacks, _, mut nodes) = self.stacks_and_nodes();
            let caller = address.previous(&nodes.layout.frame);
            let caller = stacks.node(nodes.layout, caller, &mut nodes)?;
            nodes.node_of(caller, frame).map(|found| found.node)
        }
    }

    /// The node of the thread's innermost function, native or not.
    ///
    /// # Safety
    /// As [`Recording::allocated`].
    #[cold]
    unsafe fn native_node(&mut self, thread_state: usize) -> Result<u32, StopReason> {
        // SAFETY: the caller's promise.
        let innermost = unsafe { self.innermost_frame(thread_state) };
        let root = if innermost.is_none() { self.nameless_node(thread_state)? } else { 0 };
        let (_, stacks, mut nodes) = self.stacks_and_nodes();
        let Some(stacks) = stacks else { return Ok(root) };
        let asking = Asking { layout: nodes.layout, thread_state, innermost, root };
        // SAFETY: the caller's promise.
        unsafe { stacks.node(asking, &mut nodes) }
    }

    /// The node for a thread that runs no Python: under the line that waits for it.
    #[cold]
    fn nameless_node(&mut self, thread_state: usize) -> Result<u32, StopReason> {
        let origin = Origin::of_this_thread();
        let birth = origin.node_in(self.number);
        // Nobody waits for a thread that Python made, or for the interpreter itself.
        let is_worker = origin.creator != 0 || thread_state == 0 && birth.is_none();
        let served = if is_worker { self.node_served(origin.creator) } else { None };
        let Some(parent) = served.or(birth).or(is_worker.then_some(0)) else { return Ok(0) };
        self.tree.leaf(parent, node_kind::WORKER, &mut self.writer)
    }

    /// Where somebody waits for a worker, or else the line that was last seen running: it may keep the GIL meanwhile.
    fn node_served(&self, creator: u32) -> Option<u32> {
        let latest = || match &self.native_stacks {
            Some(stacks) => stacks.latest_node(),
            None => self.stacks.latest_node(),
        };
        self.waiting.node_for_thread_of(creator).or_else(latest)
    }

    /// The calling thread is about to let go of the GIL; `stack` is an address on its stack.
    ///
    /// # Safety
    /// As [`Recording::allocated`].
    pub(in crate::raw) unsafe fn about_to_wait(&mut self, stack: usize, thread_state: usize) {
        // SAFETY: the caller's promise.
        match unsafe { self.frame_node(thread_state) } {
            Ok(node) => {
                let waiter = Waiter { thread: thread::number(), node, stack };
                thread::remember_wait(self.waiting.began(waiter, thread::wait()));
            }
            Err(reason) => self.doubt(reason),
        }
    }

    /// The calling thread has the GIL again.
    pub(in crate::raw) fn waited(&mut self) {
        thread::remember_wait(self.waiting.ended(thread::wait(), thread::number()));
    }

    /// What a thread is to know that the calling thread creates. One that Python makes serves nobody.
    ///
    /// # Safety
    /// As [`Recording::allocated`].
    pub(in crate::raw) unsafe fn origin_of_new_thread(
        &mut self,
        is_of_python: bool,
        thread_state: usize,
    ) -> Origin {
        let own = Origin::of_this_thread();
        // SAFETY: the caller's promise.
        let (creator, node, recording) = match unsafe { self.frame_node(thread_state) } {
            Ok(0) => (own.creator, own.node, own.recording),
            Ok(node) => (thread::number(), node, self.number),
            Err(reason) => {
                self.doubt(reason);
                return Origin::default();
            }
        };
        Origin { creator: if is_of_python { 0 } else { creator }, node, recording }
    }
}
