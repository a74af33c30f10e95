//! Blocks that come and go as most of them do: of small objects that is found out without a call, but for a stack that is
//! new, so that hardly a register is kept for one. Where anything is not as expected, nothing was changed that matters, and
//! the event goes the long way.

use super::{Family, LARGEST_IN_ARENA_BYTES, Recording};
use crate::ledger;
use crate::raw::census::{HeapLevel, Watch};
use crate::raw::clock::Clock;
use crate::raw::prefetch::prefetch;
use crate::raw::recent;
use crate::raw::shadow::Block;
use crate::weight::Amount;
use lowtide_capture::layout::{Header, node_kind};

/// Whether a block is certainly in no arena, and not so large that more than the ledger changes.
#[inline]
fn is_plain_outside(bytes: u64, kind: u32) -> bool {
    let is_outside = kind == node_kind::NATIVE || bytes > LARGEST_IN_ARENA_BYTES;
    is_outside && !Clock::is_large(bytes)
}

/// Whether a census may be due before this block is freed, for which somebody `watch`es where it can be taken. Otherwise
/// the block is kept in mind.
#[expect(clippy::inline_always, reason = "see the module's text")]
#[inline(always)]
fn begins_fall(watch: Option<&mut Watch>, address: usize, block: Block, header: &Header) -> bool {
    let is_due = |watch: &&mut Watch| watch.is_due_at(header.peak_bytes);
    let Some(watch) = watch.filter(is_due) else { return false };
    if watch.would_fall(block, HeapLevel::of(header)) {
        return true;
    }
    watch.keep_in_mind(address, block);
    false
}

impl Recording {
    /// Records a small block that `thread_state` has just allocated; whether that was done.
    ///
    /// # Safety
    /// As [`Recording::allocated`].
    #[expect(clippy::inline_always, reason = "see the module's text")]
    #[inline(always)]
    pub(in crate::raw) unsafe fn allocated_fast(
        &mut self,
        address: usize,
        bytes: usize,
        thread_state: usize,
    ) -> bool {
        // SAFETY: the caller's promise.
        let node = unsafe { self.recalled_node(thread_state) };
        let Some(block) = node.and_then(|node| self.put_fast(address, bytes, node)) else {
            return false;
        };
        self.count_allocated(address, block);
        self.clock.is_due(block.bytes);
        true
    }

    /// Records that `old`, a small block which was taken from its address, is now `bytes` at another; whether that was done.
    ///
    /// # Safety
    /// As [`Recording::allocated`].
    #[expect(clippy::inline_always, reason = "see the module's text")]
    #[inline(always)]
    pub(in crate::raw) unsafe fn moved_fast(
        &mut self,
        old: (usize, Block),
        address: usize,
        bytes: usize,
        thread_state: usize,
    ) -> bool {
        // SAFETY: the caller's promise.
        let node = unsafe { self.recalled_node_by_call(thread_state) };
        let Some(block) = node.and_then(|node| self.put_fast(address, bytes, node)) else {
            return false;
        };
        // SAFETY: as in `header`.
        ledger::write_down_peak(unsafe { self.writer.header().as_mut() });
        self.count_freed(old.0, old.1);
        self.count_allocated(address, block);
        self.clock.is_due(block.bytes);
        true
    }

    /// As `recalled_node`: what comes by here is not so frequent that the processor should have the code of it twice.
    ///
    /// # Safety
    /// As [`Recording::allocated`].
    #[inline(never)]
    unsafe fn recalled_node_by_call(&mut self, thread_state: usize) -> Option<u32> {
        // SAFETY: the caller's promise.
        unsafe { self.recalled_node(thread_state) }
    }

    /// Notes a small block where one of its size is expected; it is not counted yet. `None` also where the next event looks
    /// at the clock.
    #[expect(clippy::inline_always, reason = "see the module's text")]
    #[inline(always)]
    fn put_fast(&mut self, address: usize, bytes: usize, node: u32) -> Option<Block> {
        let block = Block { node, bytes: bytes as u64 };
        let is_put = !self.clock.is_due_next() && self.shadow.put_in_known_pool(address, block);
        is_put.then_some(block)
    }

    /// Records a block where one of its size is expected; whether that was so.
    #[expect(clippy::inline_always, reason = "see the module's text")]
    #[inline(always)]
    pub(super) fn put_in_known_pool(&mut self, address: usize, block: Block) -> bool {
        if !self.shadow.put_in_known_pool(address, block) {
            return false;
        }
        self.count_allocated(address, block);
        true
    }

    #[expect(clippy::inline_always, reason = "see the module's text")]
    #[inline(always)]
    fn count_allocated(&mut self, address: usize, block: Block) {
        recent::note(address);
        let (header, node) = self.counters(block.node);
        ledger::allocated(header, node, Amount::exact(block.bytes));
        // Where each block has a node of its own, no cache would have this when the block is freed soon.
        prefetch(self.temporary(block.node));
        self.census_watch.allocated();
    }

    /// After the peak was written down.
    #[expect(clippy::inline_always, reason = "see the module's text")]
    #[inline(always)]
    fn count_freed(&mut self, address: usize, block: Block) {
        let amount = Amount::exact(block.bytes);
        let (header, node) = self.counters(block.node);
        ledger::freed_below_peak(header, node, amount);
        if recent::take(address) {
            ledger::freed_soon(self.temporary(block.node), amount);
        }
    }

    /// Forgets a small block that is about to be moved, and still counts as live; `None` says nothing.
    #[expect(clippy::inline_always, reason = "see the module's text")]
    #[inline(always)]
    pub(in crate::raw) fn take_fast(&mut self, address: usize) -> Option<Block> {
        let found = self.shadow.find_in_pool(address)?;
        let block = found.block;
        found.take();
        Some(block)
    }

    /// Records a block outside of pools that was allocated for `thread_state`; whether that was done.
    ///
    /// # Safety
    /// As [`Recording::allocated`].
    #[inline]
    pub(in crate::raw) unsafe fn allocated_outside_fast(
        &mut self,
        address: usize,
        bytes: usize,
        thread_state: usize,
        family: Family,
    ) -> bool {
        let (bytes, kind) = (bytes as u64, family.node_kind());
        if self.clock.is_due_next() || !is_plain_outside(bytes, kind) {
            return false;
        }
        // SAFETY: the caller's promise.
        let Some(parent) = (unsafe { self.recalled_node_by_call(thread_state) }) else {
            return false;
        };
        let node = match kind {
            node_kind::FRAME => Some(parent),
            kind => self.tree.known_leaf(parent, kind),
        };
        let Some(block) = node.map(|node| Block { node, bytes }) else { return false };
        if !self.shadow.put_among_granules(address, block) {
            return false;
        }
        self.count_allocated(address, block);
        self.outside_arenas_bytes = self.outside_arenas_bytes.wrapping_add(bytes);
        self.clock.is_due(bytes);
        true
    }

    /// Forgets a block outside of pools that is about to be freed; `None` says nothing.
    #[inline]
    pub(in crate::raw) fn freed_outside_fast(
        &mut self,
        address: usize,
        holds_gil: bool,
    ) -> Option<Block> {
        // SAFETY: as in `header`; borrowed apart from the shadow, which they are no part of.
        let (header, nodes) = unsafe { (self.writer.header().as_mut(), self.writer.nodes()) };
        let found = self.shadow.find_among_granules(address)?;
        let block = found.block;
        // SAFETY: as in `counters`.
        let kind = unsafe { nodes.add(block.node as usize).as_ref() }.kind;
        ledger::write_down_peak(header);
        let watch = holds_gil.then_some(&mut self.census_watch);
        if !is_plain_outside(block.bytes, kind) || begins_fall(watch, address, block, header) {
            return None;
        }
        found.take();
        self.count_freed(address, block);
        self.outside_arenas_bytes = self.outside_arenas_bytes.wrapping_sub(block.bytes);
        Some(block)
    }

    /// The node of the thread's innermost frame, if that is easily told.
    ///
    /// # Safety
    /// As [`Recording::allocated`].
    #[expect(clippy::inline_always, reason = "see the module's text")]
    #[inline(always)]
    unsafe fn recalled_node(&mut self, thread_state: usize) -> Option<u32> {
        if self.native_stacks.is_some() {
            return None;
        }
        // SAFETY: the caller's promise.
        let top = unsafe {
            let innermost = self.innermost_frame(thread_state)?;
            self.stacks.place_if_same(&self.layout, innermost)?
        };
        let node = match self.stacks.recall(top) {
            Some(node) => node,
            // SAFETY: the caller's promise; the place is that of the innermost frame.
            None => unsafe { self.node_of_new_stack(top) }?,
        };
        (node != 0).then_some(node)
    }

    /// Forgets a small block that is about to be freed; whether that was done.
    #[expect(clippy::inline_always, reason = "see the module's text")]
    #[inline(always)]
    pub(in crate::raw) fn freed_fast(&mut self, address: usize) -> bool {
        // SAFETY: as in `header`; borrowed apart from the shadow, which it is no part of.
        let header = unsafe { self.writer.header().as_mut() };
        let Some(found) = self.shadow.find_in_pool(address) else { return false };
        let block = found.block;
        ledger::write_down_peak(header);
        if begins_fall(Some(&mut self.census_watch), address, block, header) {
            return false;
        }
        found.take();
        self.count_freed(address, block);
        true
    }
}
