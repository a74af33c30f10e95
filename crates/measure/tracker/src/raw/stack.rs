//! From a thread's frames to a node of the call tree: most of a stack is the same as when it was last seen.

use super::own_memory::OwnArray;
use super::thread;
use lowtide_cpython::{Frame, FrameAddress, Layout};

/// Stacks deeper than this are charged to their innermost frames only.
const DEEPEST: usize = 1 << 22;
const FIRST_CAPACITY: usize = 256;
/// Threads share these by their thread pointer: a collision costs time, not truth.
const LAST_STACKS: usize = 64;
const MEMO_BITS: u32 = 12;
/// 2^64 divided by the golden ratio, see `AddressMap`.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

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
    /// The frames as just walked, innermost first: what tells frame and instruction (`FrameAddress::position`).
    walked: OwnArray<u64>,
    frames: OwnArray<Option<FrameAddress>>,
    memo: OwnArray<Memo>,
    /// Moved on when a code object is freed, so that what the memo holds fits no position any more.
    salt: u64,
}

/// The stack that a thread was last seen with, outermost frame first.
struct LastStack {
    positions: OwnArray<u64>,
    nodes: OwnArray<u32>,
    depth: usize,
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
        last: [const { LastStack { positions: OwnArray::EMPTY, nodes: OwnArray::EMPTY, depth: 0 } };
            LAST_STACKS],
        latest: 0,
        walked: OwnArray::EMPTY,
        frames: OwnArray::EMPTY,
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
        // SAFETY: the caller's promise.
        let Some(depth) = (unsafe { self.walk(layout, innermost) }) else {
            return Err(F::out_of_memory());
        };
        self.latest = stack_index();
        let last = &mut self.last[self.latest];
        let same = last.same_outermost(&self.walked.as_slice()[..depth]);
        if same == depth {
            last.depth = depth;
            return Ok(last.node_at(depth));
        }
        // SAFETY: the caller's promise.
        unsafe { self.look_up(same..depth, layout, innermost, node_of_frame) }
    }

    /// The node of the stack that was seen last, unless that is forgotten.
    pub(super) fn latest_node(&self) -> Option<u32> {
        let last = &self.last[self.latest];
        Some(last.node_at(last.depth)).filter(|&node| node != 0)
    }

    /// A code object was freed: positions in it may mean something else from now on.
    pub(super) fn forget(&mut self) {
        self.salt = self.salt.wrapping_add(SPREAD);
        for last in &mut self.last {
            last.depth = 0;
        }
    }

    /// Fills `walked`, and says how many frames there are; `None` when the kernel refuses memory.
    ///
    /// # Safety
    /// As [`Self::node`].
    #[inline]
    unsafe fn walk(&mut self, layout: &Layout, innermost: Option<FrameAddress>) -> Option<usize> {
        // A copy, so that the compiler need not expect it to change with every position that is written.
        let layout = layout.frame;
        let (mut walked, mut capacity) = (self.walked.as_mut_ptr(), self.walked.capacity());
        let (mut depth, mut next) = (0, innermost);
        while let Some(frame) = next {
            if depth == capacity {
                if depth == DEEPEST {
                    break;
                }
                if !self.grow_walked() {
                    return None;
                }
                (walked, capacity) = (self.walked.as_mut_ptr(), self.walked.capacity());
            }
            // SAFETY: the caller's promise; there is room for `depth + 1` positions.
            unsafe {
                walked.add(depth).write(frame.position(&layout));
                next = frame.previous(&layout);
            }
            depth += 1;
        }
        Some(depth)
    }

    #[cold]
    #[inline(never)]
    fn grow_walked(&mut self) -> bool {
        self.walked.grow(grown(self.walked.capacity()))
    }

    /// Looks up the frames from the outermost that differs inwards; `differing` counts from the outermost of all.
    ///
    /// # Safety
    /// As [`Self::node`], after `walk`.
    unsafe fn look_up<F: NodeOfFrame>(
        &mut self,
        differing: std::ops::Range<usize>,
        layout: &Layout,
        innermost: Option<FrameAddress>,
        node_of_frame: &mut F,
    ) -> Result<u32, F::Error> {
        let depth = differing.end;
        let last = &mut self.last[stack_index()];
        if !last.has_room(depth) || !has_memo(&mut self.memo) {
            return Err(F::out_of_memory());
        }
        let mut frames_known = false;
        let mut node = last.node_at(differing.start);
        for index in differing.clone() {
            let position = self.walked.as_slice()[depth - 1 - index];
            let salted_position = position ^ self.salt;
            let memo = &mut self.memo.as_mut_slice()[memo_index(salted_position, node)];
            if memo.salted_position == salted_position && memo.parent == node {
                node = memo.node;
            } else {
                if !frames_known {
                    // SAFETY: the caller's promise.
                    if !unsafe {
                        collect_frames(&mut self.frames, layout, innermost, differing.len())
                    } {
                        return Err(F::out_of_memory());
                    }
                    frames_known = true;
                }
                // SAFETY: the caller's promise.
                let frame = self.frames.as_slice()[depth - 1 - index]
                    .and_then(|frame| unsafe { frame.resolve(layout) });
                let parent = node;
                if let Some(frame) = frame {
                    last.depth = 0;
                    node = node_of_frame.node_of(parent, frame)?;
                }
                *memo = Memo { salted_position, parent, node };
            }
            last.positions.as_mut_slice()[index] = position;
            last.nodes.as_mut_slice()[index] = node;
        }
        last.depth = depth;
        Ok(node)
    }
}

impl LastStack {
    /// How many frames are the same as those walked (innermost first), counted from the outermost.
    #[inline]
    fn same_outermost(&self, walked: &[u64]) -> usize {
        // SAFETY: `depth` never exceeds the capacity.
        let positions = unsafe { self.positions.as_slice().get_unchecked(..self.depth) };
        positions
            .iter()
            .zip(walked.iter().rev())
            .take_while(|(last, walked)| last == walked)
            .count()
    }

    /// The node of the frame with `depth - 1` frames outside it.
    #[inline]
    fn node_at(&self, depth: usize) -> u32 {
        depth
            .checked_sub(1)
            .and_then(|index| self.nodes.as_slice().get(index))
            .copied()
            .unwrap_or(0)
    }

    #[inline]
    fn has_room(&mut self, depth: usize) -> bool {
        depth <= self.positions.capacity() || self.make_room(depth)
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, depth: usize) -> bool {
        self.positions.grow(grown(depth)) && self.nodes.grow(grown(depth))
    }
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

/// Fills `frames` with the `count` innermost frames, innermost first; `false` when the kernel refuses memory.
///
/// # Safety
/// As [`Stacks::node`].
#[cold]
unsafe fn collect_frames(
    frames: &mut OwnArray<Option<FrameAddress>>,
    layout: &Layout,
    innermost: Option<FrameAddress>,
    count: usize,
) -> bool {
    if frames.capacity() < count && !frames.grow(grown(count)) {
        return false;
    }
    let mut next = innermost;
    for place in &mut frames.as_mut_slice()[..count] {
        *place = next;
        // SAFETY: the caller's promise.
        next = next.and_then(|frame| unsafe { frame.previous(&layout.frame) });
    }
    true
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
