use super::own_memory::OwnArray;
use lowtide_cpython::layout::Layout;
use lowtide_cpython::{Frame, FrameAddress};

/// Stacks deeper than this are charged to their innermost frames only.
const DEEPEST: usize = 1 << 22;
const FIRST_CAPACITY: usize = 512;

/// The stack that a thread was last seen with, outermost frame first: most of the next one is the same.
///
/// It is compared by what it holds, so it need not be the thread's own to give the right answer, only a fast one.
pub(super) struct LastStack {
    /// What tells frame and instruction, see [`FrameAddress::position`].
    positions: OwnArray<u64>,
    /// The node of each frame.
    nodes: OwnArray<u32>,
    depth: usize,
}

/// The frames of a thread as just walked, innermost first.
pub(super) struct Walk {
    positions: OwnArray<u64>,
    frames: OwnArray<Option<FrameAddress>>,
    depth: usize,
}

/// Finds the node of a frame: its caller's node is given. `None` for a frame that Python does not show.
pub(super) trait NodeOfFrame {
    type Error;
    fn node_of(&mut self, parent: u32, frame: Option<Frame>) -> Result<u32, Self::Error>;
}

impl Walk {
    pub(super) const EMPTY: Self =
        Self { positions: OwnArray::EMPTY, frames: OwnArray::EMPTY, depth: 0 };

    /// Walks from `innermost` outwards; `false` when the kernel refuses memory for it.
    ///
    /// # Safety
    /// `innermost` is the innermost frame of a thread that does not run meanwhile, in the interpreter of `layout`.
    #[inline]
    #[must_use]
    pub(super) unsafe fn take(&mut self, layout: &Layout, innermost: Option<FrameAddress>) -> bool {
        self.depth = 0;
        let mut next = innermost;
        while let Some(frame) = next {
            if self.depth == self.positions.capacity() && (self.depth >= DEEPEST || !self.grow()) {
                return self.depth >= DEEPEST;
            }
            // SAFETY: the caller's promise; both arrays have room for `depth` elements.
            unsafe {
                *self.positions.as_mut_ptr().add(self.depth) = frame.position(layout);
                *self.frames.as_mut_ptr().add(self.depth) = Some(frame);
                next = frame.previous(layout);
            }
            self.depth += 1;
        }
        true
    }

    #[cold]
    fn grow(&mut self) -> bool {
        let capacity = (self.positions.capacity() * 2).max(FIRST_CAPACITY);
        self.frames.grow(capacity) && self.positions.grow(capacity)
    }
}

impl LastStack {
    pub(super) const EMPTY: Self =
        Self { positions: OwnArray::EMPTY, nodes: OwnArray::EMPTY, depth: 0 };

    /// The next stack is looked up in full: a position may mean something else now.
    pub(super) fn forget(&mut self) {
        self.depth = 0;
    }

    /// The node of the innermost frame of `walk`; 0 for no frames. `None` when the kernel refuses memory.
    ///
    /// # Safety
    /// The frames of `walk` are still those of a thread that does not run meanwhile.
    #[inline]
    pub(super) unsafe fn node<F: NodeOfFrame>(
        &mut self,
        walk: &Walk,
        layout: &Layout,
        node_of_frame: &mut F,
    ) -> Option<Result<u32, F::Error>> {
        let walked = walk.positions.as_slice();
        let depth = walk.depth;
        let common = self.depth.min(depth);
        let mut same = 0;
        // SAFETY: `same < common`, which is at most the depth of both.
        unsafe {
            let last = self.positions.as_slice();
            while same < common
                && *last.get_unchecked(same) == *walked.get_unchecked(depth - 1 - same)
            {
                same += 1;
            }
            if same == depth {
                self.depth = depth;
                let nodes = self.nodes.as_slice();
                return Some(Ok(if depth == 0 { 0 } else { *nodes.get_unchecked(depth - 1) }));
            }
        }
        if depth > self.positions.capacity() {
            let capacity = walk.positions.capacity();
            if !self.positions.grow(capacity) || !self.nodes.grow(capacity) {
                return None;
            }
        }
        // SAFETY: the caller's promise.
        Some(unsafe { self.look_up(same, walk, layout, node_of_frame) })
    }

    /// Looks up the frames from the outermost that differs inwards.
    ///
    /// # Safety
    /// As [`Self::node`], and there is room for the whole walk.
    unsafe fn look_up<F: NodeOfFrame>(
        &mut self,
        same: usize,
        walk: &Walk,
        layout: &Layout,
        node_of_frame: &mut F,
    ) -> Result<u32, F::Error> {
        self.depth = same;
        let mut node = if same == 0 { 0 } else { self.nodes.as_slice()[same - 1] };
        let differing = walk.depth - same;
        for (walked, frame) in walk.frames.as_slice()[..differing].iter().enumerate().rev() {
            // SAFETY: the caller's promise.
            let frame = frame.and_then(|frame| unsafe { frame.resolve(layout) });
            node = node_of_frame.node_of(node, frame)?;
            self.positions.as_mut_slice()[self.depth] = walk.positions.as_slice()[walked];
            self.nodes.as_mut_slice()[self.depth] = node;
            self.depth += 1;
        }
        Ok(node)
    }
}
