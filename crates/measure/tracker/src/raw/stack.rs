//! From a thread's frames to a node of the call tree: most of a stack is the same as when it was last seen.
//!
//! The frames of the last stack are kept with their addresses. When the innermost frame lies where one lay then, the
//! chain of callers is compared with what is kept; each frame is read at the address that the last stack had for it, so
//! that the processor need not wait for one frame's link to find the next.

mod memo;

use self::memo::Memo;
use super::own_memory::OwnArray;
use super::thread;
use lowtide_cpython::{Frame, FrameAddress, FrameLayout, Layout};
use std::arch::asm;
use std::mem;
use std::ops::Range;

/// Stacks deeper than this are charged to their innermost frames only.
const DEEPEST: usize = 1 << 22;
const FIRST_CAPACITY: usize = 256;
/// Threads share these by their thread pointer: a collision costs time, not truth.
const LAST_STACKS: usize = 64;
/// Frames lie at least some words apart, and Python lays those of a thread side by side in chunks of 16 KiB: so those of
/// one chunk never share a hint.
const HINTS: usize = 1024;
/// So often what is left of a stack is taken for that of the last one: coroutines leave much, and where frames lie by
/// chance where others lay the search would be in vain.
const MOST_GUESSES: usize = 4;
/// The place in front of all frames.
const NOWHERE: usize = 0;
/// No node has this id, so that what was found under it must be looked up again.
const UNKNOWN: u32 = u32::MAX;

/// Finds the node of a frame under its caller's node.
pub(super) trait NodeOfFrame {
    type Error;
    fn node_of(&mut self, parent: u32, frame: Frame) -> Result<u32, Self::Error>;
    fn out_of_memory() -> Self::Error;
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
}

/// The stack that a thread was last seen with, outermost frame first. Behind it are frames of earlier, deeper ones.
struct LastStack {
    /// The first holds no frame: its node is what the outermost frame hangs from.
    places: OwnArray<Place>,
    /// Where the innermost frame is.
    depth: usize,
    /// The last place that holds a frame.
    known: usize,
    /// Up to this one, each place's node was found for its position and under the node of the place before.
    settled: usize,
}

/// A frame of the last stack.
#[derive(Clone, Copy)]
struct Place {
    frame: Option<FrameAddress>,
    /// What tells code object and instruction (`FrameAddress::position`).
    position: u64,
    node: u32,
    /// The caller's node that `node` was found under.
    parent: u32,
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
            mem::swap(&mut self.last, &mut self.parked[parking_place(self.thread)]);
            mem::swap(&mut self.last, &mut self.parked[parking_place(thread)]);
            self.thread = thread;
        }
    }

    /// The node of the stack that was seen last, unless that is forgotten.
    pub(super) fn latest_node(&self) -> Option<u32> {
        (self.last.depth > 0).then(|| self.last.node_at(self.last.depth))
    }

    /// The code object at these addresses was freed: positions in it may mean something else from now on.
    pub(super) fn forget(&mut self, code: &Range<usize>, layout: &FrameLayout) {
        self.memo.forget();
        for last in self.parked.iter_mut().chain([&mut self.last]) {
            last.forget(code, layout);
        }
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
        let last = &mut self.last;
        last.depth = top;
        let settled = last.settled.min(top);
        let mut node = last.node_at(settled);
        for place in &mut last.places.as_mut_slice()[settled + 1..=top] {
            let parent = node;
            if place.parent == parent {
                node = place.node;
                continue;
            }
            let entry = self.memo.entry(place.position, parent);
            if let Some(known) = entry.node() {
                node = known;
            } else {
                // SAFETY: the caller's promise.
                if let Some(frame) = place.frame.and_then(|frame| unsafe { frame.resolve(layout) })
                {
                    node = node_of_frame.node_of(parent, frame)?;
                }
                entry.remember(node);
            }
            (place.node, place.parent) = (node, parent);
        }
        last.settled = last.settled.max(top);
        Ok(node)
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

impl LastStack {
    const EMPTY: Self = Self { places: OwnArray::EMPTY, depth: 0, known: 0, settled: 0 };

    #[inline]
    fn holds(&self, frame: FrameAddress, place: usize) -> bool {
        // SAFETY: places up to the last known one hold frames, but for the first.
        place.wrapping_sub(1) < self.known
            && unsafe { self.places.get_unchecked(place) }.frame == Some(frame)
    }

    /// Compares the frame that `top` holds and its callers with the last stack: `NOWHERE`, or the place whose frame was
    /// called by another one. Places that they moved on from hold their new positions then, and are no longer settled.
    ///
    /// # Safety
    /// That frame is on the stack of the calling thread, in the interpreter of `layout`.
    #[expect(clippy::inline_always, reason = "most events need little else")]
    #[inline(always)]
    unsafe fn compare(&mut self, layout: &FrameLayout, top: usize, memo: &Memo) -> usize {
        // A copy, so that the compiler need not expect it to change with every position that is written.
        let layout = *layout;
        let places = self.places.as_mut_ptr();
        let mut index = top;
        // SAFETY: `top` is a place.
        let mut next = unsafe { (*places.add(top)).frame };
        while let Some(frame) = next {
            // SAFETY: `index` counts down from `top` to the first place with a frame.
            let (place, caller) =
                unsafe { (&mut *places.add(index), (*places.add(index - 1)).frame) };
            // SAFETY: `top` holds a frame of this stack by the caller's promise, any other the caller of the one before.
            unsafe {
                let position = frame.position(&layout);
                if position != place.position {
                    (place.position, place.parent) = (position, UNKNOWN);
                    self.settled = self.settled.min(index - 1);
                    // The rest of the stack is compared meanwhile.
                    memo.prefetch(position, (*places.add(index - 1)).node);
                }
                if !is_called_by(frame, &layout, caller) {
                    return index;
                }
            }
            next = caller;
            index -= 1;
        }
        NOWHERE
    }

    /// The node of the frame at `top`, if what is not settled up to there was seen before.
    #[expect(clippy::inline_always, reason = "most events need nothing else")]
    #[inline(always)]
    fn recall(&mut self, top: usize, memo: &Memo) -> Option<u32> {
        let places = self.places.as_mut_ptr();
        let settled = self.settled.min(top);
        // SAFETY: places up to `top` hold frames, but for the first.
        let mut node = unsafe { (*places.add(settled)).node };
        for index in settled + 1..=top {
            // SAFETY: as above.
            let place = unsafe { &mut *places.add(index) };
            let parent = node;
            if place.parent != parent {
                (place.node, place.parent) = (memo.recall(place.position, parent)?, parent);
            }
            node = place.node;
        }
        self.settled = self.settled.max(top);
        self.depth = top;
        Some(node)
    }

    fn forget(&mut self, code: &Range<usize>, layout: &FrameLayout) {
        let places = self.places.as_mut_slice().iter_mut().enumerate();
        for (index, place) in places.take(self.known + 1).skip(1) {
            if layout.is_in(place.position, code) {
                place.parent = UNKNOWN;
                self.settled = self.settled.min(index - 1);
            }
        }
    }

    #[inline]
    fn node_at(&self, place: usize) -> u32 {
        self.places.as_slice()[place].node
    }

    #[inline]
    fn has_room(&mut self, depth: usize) -> bool {
        depth < self.places.capacity() || self.places.grow(grown(depth).max(depth + 1))
    }
}

/// Whether `caller` is the frame that called `frame`. The compiler must not find out that the two are equal: it would read
/// the next frame through the link just loaded, and so wait for it.
///
/// # Safety
/// As [`FrameAddress::previous`].
#[expect(clippy::inline_always, reason = "once for each frame of a stack")]
#[inline(always)]
unsafe fn is_called_by(
    frame: FrameAddress,
    layout: &FrameLayout,
    caller: Option<FrameAddress>,
) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "cmp qword ptr [{frame} + {previous}], {caller}",
            "jne {other}",
            frame = in(reg) frame.address(),
            previous = in(reg) layout.previous,
            caller = in(reg) caller.map_or(0, FrameAddress::address),
            other = label { return false },
            options(nostack, readonly),
        );
    }
    true
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
