//! From a thread's frames to a node of the call tree: most of a stack is the same as when it was last seen.
//!
//! The frames of the last stack are kept with their addresses. When the innermost frame lies where one lay then, the
//! chain of callers is compared with what is kept, up to one that is known to have its callers still (`anchors`); each
//! frame is read at the address that the last stack had for it, so that the processor need not wait for one frame's link
//! to find the next.

mod anchors;
mod last_stack;
mod memo;
#[cfg(test)]
mod tests;

use self::last_stack::{LastStack, Place, UNKNOWN};
use self::memo::Memo;
use super::own_memory::OwnArray;
use super::thread;
use lowtide_cpython::{Frame, FrameAddress, FrameLayout, FunctionWord, Layout};
use std::mem;
use std::ops::Range;

/// Stacks deeper than this are charged to their innermost frames only.
const DEEPEST: usize = 1 << 22;
const FIRST_CAPACITY: usize = 256;
/// Threads share these by their thread pointer: a collision costs time, not truth.
const LAST_STACKS: usize = u64::BITS as usize;
/// Frames lie at least some words apart, and Python lays those of a thread side by side in chunks of 16 KiB: so those of
/// one chunk never share a hint.
const HINTS: usize = 1024;
/// So often what is left of a stack is taken for that of the last one: coroutines leave much, and where frames lie by
/// chance where others lay the search would be in vain.
const MOST_GUESSES: usize = 4;
/// The place in front of all frames.
const NOWHERE: usize = 0;
/// Finds the node of a frame under its caller's node.
pub(super) trait NodeOfFrame {
    type Error;
    fn node_of(&mut self, parent: u32, frame: Frame) -> Result<FrameNode, Self::Error>;
    /// Whether the function object lives and was made under this node; its end will be told then.
    fn watches(&mut self, function: FunctionWord, maker: u32) -> bool;
    fn out_of_memory() -> Self::Error;
}

/// The node of a frame.
#[derive(Clone, Copy)]
pub(super) struct FrameNode {
    pub(super) node: u32,
    /// Whether its code object was not seen before.
    pub(super) is_code_new: bool,
}

/// What is remembered of stacks. It is compared by what it holds, so it need not be true to be of use.
#[repr(C)]
pub(super) struct Stacks {
    /// Of the thread that was seen last, and its thread pointer.
    last: LastStack,
    thread: usize,
    memo: Memo,
    /// By their addresses, the places that frames were last put at.
    hints: [u16; HINTS],
    /// The frames as just walked, innermost first.
    walked: OwnArray<Option<FrameAddress>>,
    /// Of other threads.
    parked: [LastStack; LAST_STACKS],
    /// A bit for each of those that may hold anything.
    used: u64,
}

impl Stacks {
    pub(super) const fn none(is_sampling: bool) -> Self {
        Self {
            last: LastStack::EMPTY,
            thread: 0,
            memo: Memo::new(is_sampling),
            hints: [0; HINTS],
            walked: OwnArray::EMPTY,
            parked: [const { LastStack::EMPTY }; LAST_STACKS],
            used: 0,
        }
    }

    /// The node of `innermost`, the innermost frame of this thread; 0 for no frame.
    ///
    /// # Safety
    /// `innermost` is on the stack of the calling thread, in the interpreter of `layout`.
    pub(super) unsafe fn node<F: NodeOfFrame>(
        &mut self,
        layout: &Layout,
        innermost: Option<FrameAddress>,
        node_of_frame: &mut F,
    ) -> Result<u32, F::Error> {
        let Some(innermost) = innermost else { return Ok(0) };
        // SAFETY: the caller's promise, which is that of both.
        unsafe {
            match self.place_if_same(layout, innermost) {
                Some(top) => match self.recall(top) {
                    Some(node) => Ok(node),
                    None => self.look_up(top, layout, node_of_frame),
                },
                None => self.find_out(layout, innermost, node_of_frame),
            }
        }
    }

    /// The place of `innermost` if its callers are those of the last stack, which is found out without a call. Otherwise
    /// [`Self::find_out`] tells its node.
    ///
    /// # Safety
    /// As [`Self::node`].
    #[expect(clippy::inline_always, reason = "most events need nothing else")]
    #[inline(always)]
    pub(super) unsafe fn place_if_same(
        &mut self,
        layout: &Layout,
        innermost: FrameAddress,
    ) -> Option<usize> {
        if thread::pointer() != self.thread {
            return None;
        }
        let top = self.place_of(innermost)?;
        // SAFETY: the caller's promise, and `innermost` is what the place holds.
        (unsafe { self.last.compare(&layout.frame, top, &self.memo) } == NOWHERE).then_some(top)
    }

    /// The node of the frame at `top`, which [`Self::place_if_same`] has just told, if all that changed was seen before.
    /// Otherwise [`Self::look_up`] tells.
    #[expect(clippy::inline_always, reason = "most events need nothing else")]
    #[inline(always)]
    pub(super) fn recall(&mut self, top: usize) -> Option<u32> {
        self.last.recall(top, &self.memo)
    }

    /// The node of `innermost`, whatever its callers are.
    ///
    /// # Safety
    /// As [`Self::node`].
    #[inline(never)]
    pub(super) unsafe fn find_out<F: NodeOfFrame>(
        &mut self,
        layout: &Layout,
        innermost: FrameAddress,
        node_of_frame: &mut F,
    ) -> Result<u32, F::Error> {
        self.turn_to_this_thread();
        // SAFETY: the caller's promise; the frames of places that were walked were found on the stack.
        unsafe {
            let top = self.walk(layout, innermost).ok_or_else(F::out_of_memory)?;
            self.look_up(top, layout, node_of_frame)
        }
    }

    fn turn_to_this_thread(&mut self) {
        let thread = thread::pointer();
        if thread != self.thread {
            for place in [self.thread, thread].map(parking_place) {
                mem::swap(&mut self.last, &mut self.parked[place]);
                self.used |= 1 << place;
            }
            self.thread = thread;
        }
    }

    /// The node of the stack that was seen last, unless that is forgotten.
    pub(super) fn latest_node(&self) -> Option<u32> {
        (self.last.depth > 0).then(|| self.last.node_at(self.last.depth))
    }

    /// What was in this block is gone; whether that was a function object that [`NodeOfFrame::watches`] knows.
    pub(super) fn lose_function(&mut self, block: usize) -> bool {
        self.all().any(|last| last.anchors.lose(block))
    }

    /// The code object at these addresses was freed: positions in it may mean something else from now on.
    pub(super) fn forget(&mut self, code: &Range<usize>, layout: &FrameLayout) {
        self.memo.forget();
        self.all().for_each(|last| last.forget(code, layout));
    }

    fn all(&mut self) -> impl Iterator<Item = &mut LastStack> {
        let used = self.used;
        let parked = self.parked.iter_mut().enumerate();
        let parked = parked.filter(move |(place, _)| used >> place & 1 == 1).map(|(_, last)| last);
        std::iter::once(&mut self.last).chain(parked)
    }

    /// Goes outwards through frames that the last stack does not have where they would be, as those of a coroutine whose
    /// turn it is, and takes them over. The place of the innermost; `None` when the kernel refuses memory.
    ///
    /// # Safety
    /// As [`Self::node`].
    unsafe fn walk(&mut self, layout: &Layout, innermost: FrameAddress) -> Option<usize> {
        let (mut walked, mut next) = (0, Some(innermost));
        let (mut kept, mut guesses, mut guess_again_at) = (NOWHERE, 0, 0);
        while let Some(frame) = next.filter(|_| walked < DEEPEST) {
            if walked >= guess_again_at
                && guesses < MOST_GUESSES
                && let Some(place) = self.place_of(frame)
            {
                // SAFETY: the caller's promise: each frame was reached from the innermost one.
                let other = unsafe { self.last.compare(&layout.frame, place, &self.memo) };
                if other == NOWHERE {
                    kept = place;
                    break;
                }
                (guesses, guess_again_at) = (guesses + 1, walked + place - other + 1);
            }
            if walked == self.walked.capacity() && !self.walked.grow(grown(walked)) {
                return None;
            }
            self.walked.as_mut_slice()[walked] = next;
            // SAFETY: the caller's promise.
            next = unsafe { frame.previous(&layout.frame) };
            walked += 1;
        }
        // SAFETY: the caller's promise.
        unsafe { self.take_over(&layout.frame, kept, walked) }
    }

    /// Puts so many frames that were walked behind the place that is kept. The place of the innermost; `None` when the
    /// kernel refuses memory.
    ///
    /// # Safety
    /// The frames are on the stack of the calling thread, in the interpreter of `layout`.
    unsafe fn take_over(
        &mut self,
        layout: &FrameLayout,
        kept: usize,
        walked: usize,
    ) -> Option<usize> {
        let (last, depth) = (&mut self.last, kept + walked);
        if !last.has_room(depth) {
            return None;
        }
        last.settled = last.settled.min(kept);
        last.anchors.keep_up_to(kept);
        let frames = self.walked.as_slice()[..walked].iter().rev().flatten();
        let places = last.places.as_mut_slice().iter_mut().enumerate().skip(kept + 1);
        for ((index, place), &frame) in places.zip(frames) {
            // SAFETY: the caller's promise.
            let position = unsafe { frame.position(layout) };
            if index > last.known || place.position != position {
                (place.position, place.parent) = (position, UNKNOWN);
            }
            place.frame = Some(frame);
            self.hints[hint_index(frame)] = index as u16;
        }
        last.known = last.known.max(depth);
        Some(depth)
    }

    /// Looks up what changed up to `top`, the place of the innermost frame, from the outermost inwards.
    ///
    /// # Safety
    /// As [`Self::node`]; the places hold the frames that are on the stack, and their positions.
    #[inline(never)]
    pub(super) unsafe fn look_up<F: NodeOfFrame>(
        &mut self,
        top: usize,
        layout: &Layout,
        node_of_frame: &mut F,
    ) -> Result<u32, F::Error> {
        if !self.memo.has_room() {
            return Err(F::out_of_memory());
        }
        self.last.depth = top;
        let settled = self.last.settled.min(top);
        let mut node = self.last.node_at(settled);
        for index in settled + 1..=top {
            let parent = node;
            let Place { position, node: last_node, parent: last_parent, .. } =
                self.last.place(index);
            if last_parent == parent {
                node = last_node;
                continue;
            }
            node = if let Some(known) = self.memo.recall(position, parent) {
                known
            } else {
                // SAFETY: the caller's promise.
                let node = unsafe { self.resolve(index, parent, layout, node_of_frame) }?;
                self.memo.remember(position, parent, node);
                node
            };
            self.last.settle(index, parent, node);
        }
        self.last.settled = self.last.settled.max(top);
        Ok(node)
    }

    /// The node of the frame at a place whose caller has the node `parent`.
    ///
    /// # Safety
    /// As [`Self::look_up`]; places further out have their nodes.
    unsafe fn resolve<F: NodeOfFrame>(
        &mut self,
        index: usize,
        parent: u32,
        layout: &Layout,
        node_of_frame: &mut F,
    ) -> Result<u32, F::Error> {
        let Some(frame) = self.last.place(index).frame else { return Ok(parent) };
        // SAFETY: the caller's promise.
        let (executed, function) =
            unsafe { (frame.resolve(layout), frame.function(&layout.frame)) };
        let Some(executed) = executed else { return Ok(parent) };
        let found = node_of_frame.node_of(parent, executed)?;
        if found.is_code_new
            && let Some(function) = function
            && node_of_frame.watches(function, parent)
        {
            self.last.anchor(index, function);
        }
        Ok(found.node)
    }
}

impl Stacks {
    /// Where a frame at this address lay: most often the innermost of the last stack.
    #[expect(clippy::inline_always, reason = "most events need nothing else")]
    #[inline(always)]
    fn place_of(&self, frame: FrameAddress) -> Option<usize> {
        let last = &self.last;
        [last.depth, self.hints[hint_index(frame)].into()]
            .into_iter()
            .find(|&place| last.holds(frame, place))
    }
}

fn grown(capacity: usize) -> usize {
    (capacity * 2).clamp(FIRST_CAPACITY, DEEPEST)
}

#[inline]
fn hint_index(frame: FrameAddress) -> usize {
    frame.address() >> 4 & (HINTS - 1)
}

fn parking_place(thread: usize) -> usize {
    // Thread control blocks lie at least some kilobytes apart, and often exactly one stack size.
    (thread >> 12 ^ thread >> 20) & (LAST_STACKS - 1)
}
