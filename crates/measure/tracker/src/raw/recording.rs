//! All that is recorded, and the one place through which threads get at it.

use super::call_tree::{CallTree, Edge};
use super::census::{self, HeapLevel, Moment, Watch};
use super::clock::Clock;
use super::code_table::CodeTable;
use super::gate::{Gate, Pass, Shut};
use super::mapped_ranges::MappedRanges;
use super::shadow::{Block, Shadow, Unrecordable};
use super::stack::{NodeOfFrame, Stacks};
use crate::address_ranges::{AddressRange, Cut};
use crate::ledger;
use lowtide_capture::layout::{Header, Node, node_kind};
use lowtide_capture::{CaptureWriter, StopReason};
use lowtide_cpython::{CodeAddress, Frame, FrameAddress, Layout};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

/// What a recording is made of. Reached through [`enter_with_gil`] and [`enter_without_gil`] only.
pub(super) struct Recording {
    pub(super) writer: CaptureWriter,
    pub(super) layout: Layout,
    pub(super) clock: Clock,
    codes: CodeTable,
    tree: CallTree,
    stacks: Stacks,
    mapped: MappedRanges,
    /// Anonymous addresses that may not be used yet.
    reserved: MappedRanges,
    census_watch: Watch,
    /// Set in doubt; whoever holds the pass stops the recording when it leaves.
    stop_reason: Option<StopReason>,
}

/// The shadow is too large to be built on a stack, so it lives on when a recording ends, empty.
struct Shared {
    gate: Gate,
    recording: UnsafeCell<MaybeUninit<Recording>>,
    shadow: UnsafeCell<Shadow>,
}

// SAFETY: the cells are touched by the thread that the gate let in only.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared {
    gate: Gate::closed(),
    recording: UnsafeCell::new(MaybeUninit::uninit()),
    shadow: UnsafeCell::new(Shadow::EMPTY),
};

/// The right to record: from entering to being dropped.
pub(super) struct Entered {
    pass: Pass,
}

/// For a thread that holds the GIL and keeps it until the result is dropped.
#[inline]
pub(super) fn enter_with_gil() -> Result<Entered, Shut> {
    SHARED.gate.enter_with_gil().map(|pass| Entered { pass })
}

/// For any other thread.
pub(super) fn enter_without_gil() -> Result<Entered, Shut> {
    SHARED.gate.enter_without_gil().map(|pass| Entered { pass })
}

pub(super) fn gate() -> &'static Gate {
    &SHARED.gate
}

/// Begins a recording with the gate shut: nobody else is inside.
///
/// # Safety
/// The gate is closed, or this is a forked child whose thread holds the GIL; no recording is going on.
pub(super) unsafe fn begin(mut writer: CaptureWriter, layout: Layout, has_barrier: bool) {
    writer.start_recording();
    let recording = Recording {
        writer,
        layout,
        clock: Clock::start(),
        codes: CodeTable::EMPTY,
        tree: CallTree::EMPTY,
        stacks: Stacks::EMPTY,
        mapped: MappedRanges::EMPTY,
        reserved: MappedRanges::EMPTY,
        census_watch: Watch::NEW,
        stop_reason: None,
    };
    // SAFETY: nobody can be inside, by the caller's promise.
    unsafe { (*SHARED.recording.get()).write(recording) };
    SHARED.gate.open(has_barrier);
}

impl Entered {
    /// What is recorded, and the shadow.
    #[inline]
    fn parts(&mut self) -> (&mut Recording, &mut Shadow) {
        // SAFETY: a pass is handed out to one thread at a time, and only between `begin` and `end`.
        unsafe { ((*SHARED.recording.get()).assume_init_mut(), &mut *SHARED.shadow.get()) }
    }

    #[inline]
    fn recording(&mut self) -> &mut Recording {
        self.parts().0
    }

    /// Records a block that `thread_state` has just allocated.
    ///
    /// # Safety
    /// `thread_state` is 0 or the live thread state of the calling thread.
    #[inline]
    pub(super) unsafe fn allocated(
        &mut self,
        address: usize,
        bytes: usize,
        thread_state: usize,
        kind: u32,
    ) {
        let (recording, shadow) = self.parts();
        // SAFETY: the caller's promise.
        match unsafe { recording.node(shadow, thread_state, kind) } {
            Ok(node) => self.put(address, Block { node, bytes: bytes as u64 }),
            Err(reason) => self.doubt(reason),
        }
    }

    /// Forgets the block at `address`: it is about to be freed or moved. It still counts as live.
    #[inline]
    pub(super) fn take(&mut self, address: usize) -> Option<Block> {
        let taken = self.parts().1.take(address)?;
        if taken.held_code {
            self.recording().forget_code(CodeAddress(address));
        }
        taken.block
    }

    /// Takes a census if freeing `block`, which was just taken from `address`, begins a fall from the peak. The GIL is
    /// held.
    #[inline]
    pub(super) fn census_before_fall(&mut self, address: usize, block: Block) {
        if self.recording().begins_fall(address, block.bytes) {
            let (recording, shadow) = self.parts();
            recording.take_census(shadow);
        }
    }

    /// Takes a census if the heap is near a peak that the last one did not see. The GIL is held.
    pub(super) fn census_at_end(&mut self) {
        let (recording, shadow) = self.parts();
        recording.take_census(shadow);
    }

    /// The block taken before is gone.
    #[inline]
    pub(super) fn freed(&mut self, block: Block) {
        let (header, node) = self.recording().counters(block.node);
        ledger::freed(header, node, block.bytes);
    }

    /// The block taken before is there after all, and still counted.
    pub(super) fn put_back(&mut self, address: usize, block: Block) {
        // Its slot was mapped when it was taken, so nothing can fail.
        let _ = self.parts().1.put(address, block);
    }

    #[inline]
    fn put(&mut self, address: usize, block: Block) {
        match self.parts().1.put(address, block) {
            Ok(None) => {}
            Ok(Some(stale)) => {
                if let Some(stale) = stale.block {
                    self.freed(stale);
                }
                if stale.held_code {
                    self.recording().forget_code(CodeAddress(address));
                }
            }
            Err(Unrecordable::Address) => {
                self.recording().header().unrecorded_blocks += 1;
                return;
            }
            Err(Unrecordable::OutOfMemory) => return self.doubt(StopReason::OutOfMemory),
        }
        let (header, node) = self.recording().counters(block.node);
        ledger::allocated(header, node, block.bytes);
        self.recording().census_watch.allocated();
        self.recording().tick(block.bytes);
    }

    /// `start..end` holds anonymous memory; nothing is recorded there.
    ///
    /// # Safety
    /// As [`Self::allocated`].
    pub(super) unsafe fn mapped(&mut self, start: usize, end: usize, thread_state: usize) {
        let (recording, shadow) = self.parts();
        // SAFETY: the caller's promise.
        let node = match unsafe { recording.node(shadow, thread_state, node_kind::MAPPING) } {
            Ok(node) => node,
            Err(reason) => return self.doubt(reason),
        };
        let range = AddressRange { start, end, id: node };
        if !self.recording().mapped.insert(range) {
            return self.doubt(StopReason::OutOfMemory);
        }
        let (header, node) = self.recording().counters(node);
        ledger::allocated(header, node, range.bytes());
        self.recording().tick(range.bytes());
    }

    /// `start..end` holds no mapping any more. Whether it held memory of the heap.
    pub(super) fn unmapped(&mut self, start: usize, end: usize) -> bool {
        let mut was_heap = false;
        while let Some(Cut { taken, pieces }) = self.recording().mapped.cut_first(start, end) {
            let (header, node) = self.recording().counters(taken.id);
            ledger::cut(header, node, taken.bytes(), pieces);
            was_heap = true;
        }
        while self.recording().reserved.cut_first(start, end).is_some() {}
        was_heap
    }

    /// `start..end` is reserved; nothing is recorded there.
    pub(super) fn reserved(&mut self, start: usize, end: usize) {
        if !self.recording().reserved.insert(AddressRange { start, end, id: 0 }) {
            self.doubt(StopReason::OutOfMemory);
        }
    }

    /// What is reserved within `start..end` is memory from now on.
    ///
    /// # Safety
    /// As [`Self::allocated`].
    pub(super) unsafe fn made_usable(&mut self, start: usize, end: usize, thread_state: usize) {
        while let Some(Cut { taken, .. }) = self.recording().reserved.cut_first(start, end) {
            // SAFETY: the caller's promise.
            unsafe { self.mapped(taken.start, taken.end, thread_state) };
        }
    }

    #[cold]
    pub(super) fn doubt(&mut self, reason: StopReason) {
        self.recording().stop_reason.get_or_insert(reason);
    }

    /// Ends the recording for good.
    #[cold]
    pub(super) fn end(self) {
        let this = std::mem::ManuallyDrop::new(self);
        SHARED.gate.close();
        // SAFETY: the gate lets nobody in any more, and `this` is not used after the recording was moved out.
        unsafe {
            let recording = (*SHARED.recording.get()).assume_init_read();
            (*SHARED.shadow.get()).clear();
            recording.finish();
        }
        SHARED.gate.leave(this.pass);
    }

    /// Lets go of the recording of the parent process.
    ///
    /// # Safety
    /// This is a forked child, and no thread of it has a pass.
    pub(super) unsafe fn abandon() {
        // SAFETY: the caller's promise; the gate is shut until the next `begin`.
        unsafe {
            let recording = (*SHARED.recording.get()).assume_init_read();
            (*SHARED.shadow.get()).clear();
            recording.writer.abandon();
        }
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        if self.recording().stop_reason.is_some() {
            stop_in_doubt(self.pass);
        } else {
            SHARED.gate.leave(self.pass);
        }
    }
}

#[cold]
fn stop_in_doubt(pass: Pass) {
    Entered { pass }.end();
}

impl Recording {
    #[inline]
    fn header(&mut self) -> &mut Header {
        // SAFETY: the writer keeps the header mapped as long as it lives; this thread has the pass.
        unsafe { self.writer.header().as_mut() }
    }

    #[inline]
    fn counters(&mut self, node: u32) -> (&mut Header, &mut Node) {
        // SAFETY: as in `header`; node ids in the shadow were handed out by the writer, whose nodes do not move.
        unsafe { (self.writer.header().as_mut(), self.writer.nodes().add(node as usize).as_mut()) }
    }

    /// # Safety
    /// As [`Entered::allocated`].
    #[inline]
    unsafe fn node(
        &mut self,
        shadow: &mut Shadow,
        thread_state: usize,
        kind: u32,
    ) -> Result<u32, StopReason> {
        // SAFETY: the caller's promise.
        unsafe {
            let innermost = if thread_state == 0 {
                None
            } else {
                FrameAddress::innermost(&self.layout, thread_state)
            };
            let mut nodes = Nodes {
                tree: &mut self.tree,
                codes: &mut self.codes,
                writer: &mut self.writer,
                layout: &self.layout,
                shadow,
            };
            let frame_node = self.stacks.node(&self.layout, innermost, &mut nodes)?;
            if kind == node_kind::FRAME {
                return Ok(frame_node);
            }
            self.tree
                .child(Edge { parent: frame_node, code: 0, instruction: 0, kind }, &mut self.writer)
        }
    }

    #[inline]
    fn begins_fall(&mut self, address: usize, bytes: u64) -> bool {
        let level = HeapLevel::of(self.header());
        self.census_watch.is_falling(address, bytes, level)
    }

    #[cold]
    fn take_census(&mut self, shadow: &Shadow) {
        let level = HeapLevel::of(self.header());
        let elapsed_ns = self.clock.elapsed_ns();
        if !self.census_watch.is_worth_it(level, elapsed_ns) {
            return;
        }
        let mut moment = Moment::new(shadow, &self.layout, &mut self.writer, elapsed_ns);
        if let Err(reason) = census::take(&mut moment, self.census_watch.just_freed()) {
            self.stop_reason.get_or_insert(reason);
        }
        self.census_watch.took(level, self.clock.elapsed_ns() - elapsed_ns);
    }

    #[cold]
    fn forget_code(&mut self, code: CodeAddress) {
        self.codes.forget(code);
        self.stacks.forget();
    }

    #[inline]
    fn tick(&mut self, bytes: u64) {
        if self.clock.is_due(bytes) {
            self.clock.tick(&mut self.writer);
        }
    }

    fn finish(mut self) {
        self.clock.last_point(&mut self.writer);
        let elapsed_ns = self.clock.elapsed_ns();
        self.writer.finish(elapsed_ns, self.stop_reason);
    }
}

/// Looks frames up in the call tree.
struct Nodes<'a> {
    tree: &'a mut CallTree,
    codes: &'a mut CodeTable,
    writer: &'a mut CaptureWriter,
    layout: &'a Layout,
    shadow: &'a mut Shadow,
}

impl NodeOfFrame for Nodes<'_> {
    type Error = StopReason;

    #[inline]
    fn node_of(&mut self, parent: u32, frame: Frame) -> Result<u32, StopReason> {
        let Frame { code, instruction } = frame;
        let code = match self.codes.get(code) {
            Some(id) => id,
            // SAFETY: a frame keeps its code object alive.
            None => unsafe { self.codes.add(code, self.layout, self.shadow, self.writer) }?,
        };
        self.tree.child(Edge { parent, code, instruction, kind: node_kind::FRAME }, self.writer)
    }

    fn out_of_memory() -> StopReason {
        StopReason::OutOfMemory
    }
}
