//! From a thread's frames to a node of the call tree: most of a stack is the same as when it was last seen.
//!
//! The frames of the last stack are kept with their addresses. When the innermost frame lies where one lay then, the
//! chain of callers is compared with what is kept; each frame is read at the address that the last stack had for it, so
//! that the processor need not wait for one frame's link to find the next.

use super::own_memory::OwnArray;
use super::thread;
use lowtide_cpython::{Frame, FrameAddress, FrameLayout, Layout};
use std::arch::asm;
use std::ops::RangeInclusive;

/// Stacks deeper than this are charged to their innermost frames only.
const DEEPEST: usize = 1 << 22;
const FIRST_CAPACITY: usize = 256;
/// Threads share these by their thread pointer: a collision costs time, not truth.
const LAST_STACKS: usize = 64;
const MEMO_BITS: u32 = 12;
/// 2^64 divided by the golden ratio, see `AddressMap`.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// No node has this id, so that what was found under it must be looked up again.
const UNKNOWN: u32 = u32::MAX;

/// Finds the node of a frame under its caller's node.
pub(super) trait NodeOfFrame {
    type Error;
    fn node_of(&mut self, parent: u32, frame: Frame) -> Result<u32, Self::Error>;
    fn out_of_memory() -> Self::Error;
}

/// What is remembered of stacks. It is compared by what it holds, so it need not be true to be of use.
pub(super) struct Stacks {
    last: [LastStack; LAST_STACKS],
    /// Which of them was seen last.
    latest: usize,
    /// The frames as just walked, innermost first.
    walked: OwnArray<Option<FrameAddress>>,
    memo: OwnArray<Memo>,
    /// Moved on when a code object is freed, so that what the memo holds fits no position any more.
    salt: u64,
}

/// The stack that a thread was last seen with, outermost frame first. Behind it are frames of earlier, deeper ones.
struct LastStack {
    places: OwnArray<Place>,
    depth: usize,
    /// How many places hold something.
    known: usize,
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

/// A frame's node under its caller's node.
#[derive(Clone, Copy)]
struct Memo {
    salted_position: u64,
    parent: u32,
    node: u32,
}

impl Stacks {
    pub(super) const EMPTY: Self = Self {
        last: [const { LastStack { places: OwnArray::EMPTY, depth: 0, known: 0 } }; LAST_STACKS],
        latest: 0,
        walked: OwnArray::EMPTY,
        memo: OwnArray::EMPTY,
        salt: 0,
    };

    /// The node of `innermost`, the innermost frame of this thread; 0 for no frame.
    ///
    /// # Safety
    /// `innermost` is on the stack of the calling thread, in the interpreter of `layout`.
    #[inline]
    pub(super) unsafe fn node<F: NodeOfFrame>(
        &mut self,
        layout: &Layout,
        innermost: Option<FrameAddress>,
        node_of_frame: &mut F,
    ) -> Result<u32, F::Error> {
        let Some(innermost) = innermost else { return Ok(0) };
        self.latest = stack_index();
        let last = &mut self.last[self.latest];
        let Some(top) = last.place_of(innermost) else {
            // SAFETY: the caller's promise.
            return unsafe { self.walk(layout, innermost, node_of_frame) };
        };
        // SAFETY: the caller's promise, and `innermost` is what the place holds.
        match unsafe { last.compare(&layout.frame, top) } {
            Compared::Same => {
                last.depth = top + 1;
                Ok(last.node_at(top))
            }
            Compared::ChangedFrom(first) => match self.recall(first, top) {
                Some(node) => Ok(node),
                // SAFETY: the caller's promise; the frames up to `top` were just found on the stack.
                None => unsafe { self.look_up(first..=top, layout, node_of_frame) },
            },
            // SAFETY: the caller's promise.
            Compared::Diverged => unsafe { self.walk(layout, innermost, node_of_frame) },
        }
    }

    /// The node of the frame at `top`, if that alone changed and was seen so under the same caller.
    #[inline]
    fn recall(&mut self, first: usize, top: usize) -> Option<u32> {
        let last = &mut self.last[self.latest];
        let (callers, [place, ..]) = last.places.as_mut_slice().split_at_mut_checked(top)? else {
            return None;
        };
        let parent = callers.last().map_or(0, |caller| caller.node);
        let salted_position = place.position ^ self.salt;
        let memo = self.memo.as_slice().get(memo_index(salted_position, parent))?;
        let is_known = memo.salted_position == salted_position && memo.parent == parent;
        if first != top || !is_known {
            return None;
        }
        (place.node, place.parent) = (memo.node, parent);
        last.depth = top + 1;
        Some(memo.node)
    }

    /// The node of the stack that was seen last, unless that is forgotten.
    pub(super) fn latest_node(&self) -> Option<u32> {
        let last = &self.last[self.latest];
        last.depth.checked_sub(1).map(|place| last.node_at(place))
    }

    /// A code object was freed: positions in it may mean something else from now on.
    pub(super) fn forget(&mut self) {
        self.salt = self.salt.wrapping_add(SPREAD);
        for last in &mut self.last {
            (last.depth, last.known) = (0, 0);
        }
    }

    /// Goes through all frames, and takes them for the last stack.
    ///
    /// # Safety
    /// As [`Self::node`].
    #[inline(never)]
    unsafe fn walk<F: NodeOfFrame>(
        &mut self,
        layout: &Layout,
        innermost: FrameAddress,
        node_of_frame: &mut F,
    ) -> Result<u32, F::Error> {
        let mut depth = 0;
        let mut next = Some(innermost);
        while let Some(frame) = next.filter(|_| depth < DEEPEST) {
            if depth == self.walked.capacity() && !self.walked.grow(grown(depth)) {
                return Err(F::out_of_memory());
            }
            self.walked.as_mut_slice()[depth] = next;
            // SAFETY: the caller's promise.
            next = unsafe { frame.previous(&layout.frame) };
            depth += 1;
        }
        let last = &mut self.last[self.latest];
        if !last.has_room(depth) {
            return Err(F::out_of_memory());
        }
        let frames = self.walked.as_slice()[..depth].iter().rev().flatten();
        for (index, (place, &frame)) in
            last.places.as_mut_slice().iter_mut().zip(frames).enumerate()
        {
            // SAFETY: the caller's promise.
            let position = unsafe { frame.position(&layout.frame) };
            if index >= last.known || place.position != position {
                (place.position, place.parent) = (position, UNKNOWN);
            }
            place.frame = Some(frame);
        }
        last.known = last.known.max(depth);
        // SAFETY: as above; all frames were just found on the stack.
        unsafe { self.look_up(0..=depth - 1, layout, node_of_frame) }
    }

    /// Looks up what changed in these places, from the outermost inwards; the last one is that of the innermost frame.
    ///
    /// # Safety
    /// As [`Self::node`]; the places hold the frames that are on the stack, and their positions.
    unsafe fn look_up<F: NodeOfFrame>(
        &mut self,
        changed: RangeInclusive<usize>,
        layout: &Layout,
        node_of_frame: &mut F,
    ) -> Result<u32, F::Error> {
        if !has_memo(&mut self.memo) {
            return Err(F::out_of_memory());
        }
        let last = &mut self.last[self.latest];
        last.depth = changed.end() + 1;
        let mut node = changed.start().checked_sub(1).map_or(0, |caller| last.node_at(caller));
        for place in &mut last.places.as_mut_slice()[changed] {
            let parent = node;
            if place.parent == parent {
                node = place.node;
                continue;
            }
            let salted_position = place.position ^ self.salt;
            let memo = &mut self.memo.as_mut_slice()[memo_index(salted_position, parent)];
            if memo.salted_position == salted_position && memo.parent == parent {
                node = memo.node;
            } else {
                // SAFETY: the caller's promise.
                if let Some(frame) = place.frame.and_then(|frame| unsafe { frame.resolve(layout) })
                {
                    node = node_of_frame.node_of(parent, frame)?;
                }
                *memo = Memo { salted_position, parent, node };
            }
            (place.node, place.parent) = (node, parent);
        }
        Ok(node)
    }
}

enum Compared {
    Same,
    /// The outermost place that has to be looked up again.
    ChangedFrom(usize),
    /// The chain of callers is another one.
    Diverged,
}

impl LastStack {
    /// Where a frame at this address lay: mostly the innermost of the last stack, its caller, what it may call, or the
    /// innermost of the deepest stack known.
    #[inline]
    fn place_of(&self, frame: FrameAddress) -> Option<usize> {
        let likely = [
            self.depth.wrapping_sub(1),
            self.depth.wrapping_sub(2),
            self.depth,
            self.known.wrapping_sub(1),
        ];
        let lies_at = |&place: &usize| {
            // SAFETY: no more places are known than there are.
            place < self.known && unsafe { self.places.get_unchecked(place) }.frame == Some(frame)
        };
        likely.into_iter().find(lies_at)
    }

    /// Compares the stack whose innermost frame `top` holds, and takes over positions that differ.
    ///
    /// # Safety
    /// That frame is on the stack of the calling thread, in the interpreter of `layout`.
    #[inline]
    unsafe fn compare(&mut self, layout: &FrameLayout, top: usize) -> Compared {
        // A copy, so that the compiler need not expect it to change with every position that is written.
        let layout = *layout;
        let places = &mut self.places.as_mut_slice()[..=top];
        let (mut first, mut index) = (usize::MAX, top);
        loop {
            // SAFETY: `index` counts down from `top`.
            let place = unsafe { places.get_unchecked_mut(index) };
            let Some(frame) = place.frame else { return Compared::Diverged };
            // SAFETY: `top` holds a frame of this stack by the caller's promise, any other the caller of the one before.
            let (position, caller) = unsafe { (frame.position(&layout), frame.previous(&layout)) };
            if position != place.position {
                (place.position, place.parent) = (position, UNKNOWN);
            }
            let parent = place.parent;
            if index == 0 {
                return match (caller, if parent == 0 { first } else { 0 }) {
                    (Some(_), _) => Compared::Diverged,
                    (None, usize::MAX) => Compared::Same,
                    (None, first) => Compared::ChangedFrom(first),
                };
            }
            // SAFETY: as above.
            let below = unsafe { places.get_unchecked(index - 1) };
            if caller.map_or(0, FrameAddress::address) != predicted(below.frame) {
                return Compared::Diverged;
            }
            if parent != below.node {
                first = index;
            }
            index -= 1;
        }
    }

    #[inline]
    fn node_at(&self, place: usize) -> u32 {
        self.places.as_slice()[place].node
    }

    #[inline]
    fn has_room(&mut self, depth: usize) -> bool {
        depth <= self.places.capacity() || self.places.grow(grown(depth))
    }
}

/// The address of this frame, where 0 is none. The compiler must not find out that what was compared with it is equal:
/// it would read the next frame through the link just loaded, and so wait for it.
#[inline]
fn predicted(frame: Option<FrameAddress>) -> usize {
    let mut address = frame.map_or(0, FrameAddress::address);
    // SAFETY: an empty instruction.
    unsafe {
        asm!("/* {0} */", inout(reg) address, options(pure, nomem, nostack, preserves_flags));
    }
    address
}

#[inline]
fn has_memo(memo: &mut OwnArray<Memo>) -> bool {
    memo.capacity() > 0 || make_memo(memo)
}

#[cold]
#[inline(never)]
fn make_memo(memo: &mut OwnArray<Memo>) -> bool {
    memo.grow(1 << MEMO_BITS)
}

#[inline]
fn memo_index(salted_position: u64, parent: u32) -> usize {
    ((salted_position ^ u64::from(parent) << 20).wrapping_mul(SPREAD) >> (u64::BITS - MEMO_BITS))
        as usize
}

fn grown(capacity: usize) -> usize {
    (capacity * 2).clamp(FIRST_CAPACITY, DEEPEST)
}

#[inline]
fn stack_index() -> usize {
    // Thread control blocks lie at least some kilobytes apart, and often exactly one stack size.
    let pointer = thread::pointer();
    (pointer >> 12 ^ pointer >> 20) & (LAST_STACKS - 1)
}
