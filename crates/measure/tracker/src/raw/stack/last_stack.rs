//! One thread's stack as it was last seen.

use super::anchors::{Anchor, Anchors};
use super::memo::Memo;
use super::{NOWHERE, grown};
use crate::raw::own_memory::OwnArray;
use lowtide_cpython::{FrameAddress, FrameLayout, FunctionWord};
use std::arch::asm;
use std::ops::Range;

/// No node has this id, so that what was found under it must be looked up again.
pub(super) const UNKNOWN: u32 = u32::MAX;

/// The stack that a thread was last seen with, outermost frame first. Behind it are frames of earlier, deeper ones.
pub(super) struct LastStack {
    /// The first holds no frame: its node is what the outermost frame hangs from.
    pub(super) places: OwnArray<Place>,
    /// Where the innermost frame is.
    pub(super) depth: usize,
    /// The last place that holds a frame.
    pub(super) known: usize,
    /// Up to this one, each place's node was found for its position and under the node of the place before.
    pub(super) settled: usize,
    pub(super) anchors: Anchors,
}

/// A frame of the last stack.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) frame: Option<FrameAddress>,
    /// What tells code object and instruction (`FrameAddress::position`).
    pub(super) position: u64,
    pub(super) node: u32,
    /// The caller's node that `node` was found under.
    pub(super) parent: u32,
}

impl LastStack {
    pub(super) const EMPTY: Self =
        Self { places: OwnArray::EMPTY, depth: 0, known: 0, settled: 0, anchors: Anchors::EMPTY };

    #[inline]
    pub(super) fn holds(&self, frame: FrameAddress, place: usize) -> bool {
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
    pub(super) unsafe fn compare(
        &mut self,
        layout: &FrameLayout,
        top: usize,
        memo: &Memo,
    ) -> usize {
        // A copy, so that the compiler need not expect it to change with every position that is written.
        let (frames, maker) = (*layout, self.anchors.maker_below(top));
        // SAFETY: places from the first with a frame to `top` hold frames, and so does that of an anchor. `top` holds one
        // of this stack by the caller's promise, any other the caller of the one before.
        unsafe {
            let mut callers = top - maker;
            let mut place = self.places.as_mut_ptr().add(top);
            let mut frame = (*place).frame;
            while callers > 0 {
                let called = frame.unwrap_unchecked();
                callers -= 1;
                self.move_on(place, maker + callers, called.position(&frames), memo);
                place = opaque(place.sub(1));
                frame = (*place).frame;
                if !is_called_by(called, &frames, frame) {
                    return maker + callers + 1;
                }
            }
            if maker == NOWHERE {
                return NOWHERE;
            }
            self.move_on(place, maker - 1, frame.unwrap_unchecked().position(layout), memo);
            if self.holds_innermost_call(layout) { NOWHERE } else { maker }
        }
    }

    /// Whether the frame at the innermost anchor's place is still the same call: its maker is where it was.
    ///
    /// # Safety
    /// That frame and its maker's are on the stack, and were compared.
    #[inline]
    unsafe fn holds_innermost_call(&self, layout: &FrameLayout) -> bool {
        let Anchor { place, function, maker, position } = self.anchors.innermost();
        // SAFETY: an anchor's place and its maker's are places that hold frames; else the caller's promise.
        let (named, made_at) = unsafe {
            let frame = self.places.get_unchecked(place).frame;
            let named = frame.and_then(|frame| frame.function(layout));
            (named, self.places.get_unchecked(maker).position)
        };
        named == Some(function) && made_at == position
    }

    /// Takes over how far the frame at a place has come, which is the one behind `caller`.
    ///
    /// # Safety
    /// The place is one of this stack's, and so is its caller's.
    #[expect(clippy::inline_always, reason = "once for each frame of a stack")]
    #[inline(always)]
    unsafe fn move_on(&mut self, place: *mut Place, caller: usize, position: u64, memo: &Memo) {
        // SAFETY: the caller's promise; nobody else refers to places meanwhile.
        unsafe {
            if position == (*place).position {
                return;
            }
            ((*place).position, (*place).parent) = (position, UNKNOWN);
            self.settled = self.settled.min(caller);
            // The rest of the stack is compared meanwhile.
            memo.prefetch(position, (*place.sub(1)).node);
        }
    }

    /// The node of the frame at `top`, if what is not settled up to there was seen before.
    #[expect(clippy::inline_always, reason = "most events need nothing else")]
    #[inline(always)]
    pub(super) fn recall(&mut self, top: usize, memo: &Memo) -> Option<u32> {
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

    /// Positions in the code object at these addresses may mean something else from now on.
    pub(super) fn forget(&mut self, code: &Range<usize>, layout: &FrameLayout) {
        let places = self.places.as_mut_slice().iter_mut().enumerate();
        for (index, place) in places.take(self.known + 1).skip(1) {
            if layout.is_in(place.position, code) {
                place.parent = UNKNOWN;
                self.settled = self.settled.min(index - 1);
            }
        }
    }

    #[inline]
    pub(super) fn place(&self, index: usize) -> Place {
        self.places.as_slice()[index]
    }

    #[inline]
    pub(super) fn node_at(&self, index: usize) -> u32 {
        self.places.as_slice()[index].node
    }

    #[inline]
    pub(super) fn settle(&mut self, index: usize, parent: u32, node: u32) {
        let place = &mut self.places.as_mut_slice()[index];
        (place.node, place.parent) = (node, parent);
    }

    /// The frame there executes a function that its caller has made for this call. Frames that Python does not show may
    /// lie in between: they have the nodes of their callers.
    pub(super) fn anchor(&mut self, place: usize, function: FunctionWord) {
        let shown = |&index: &usize| self.place(index).node != self.place(index).parent;
        if let Some(maker) = (NOWHERE + 1..place).rev().find(shown) {
            let position = self.place(maker).position;
            self.anchors.add(Anchor { place, function, maker, position });
        }
    }

    #[inline]
    pub(super) fn has_room(&mut self, depth: usize) -> bool {
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

/// The same. The compiler must not know that: it would count down several copies of it.
#[expect(clippy::inline_always, reason = "once for each frame of a stack")]
#[inline(always)]
fn opaque(place: *mut Place) -> *mut Place {
    let mut address = place.addr();
    // SAFETY: nothing is executed.
    unsafe {
        asm!("/* {} */", inout(reg) address, options(nomem, nostack, preserves_flags, pure));
    }
    place.with_addr(address)
}
