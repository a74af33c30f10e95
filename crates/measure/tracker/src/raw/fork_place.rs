//! Where a process was forked: noted at the fork, and found again on the stack when the child begins to record, which may
//! be some lines later.

use lowtide_cpython::{Frame, FrameAddress, Layout};
use std::cell::UnsafeCell;

/// So many functions may return in the child before it asks for memory the first time.
const MOST_FRAMES: usize = 64;

/// A frame that Python shows, and what it was executing.
type Place = Option<(FrameAddress, Frame)>;

/// The innermost frames of the thread that forked this process, innermost first.
struct ForkingStack(UnsafeCell<[Place; MOST_FRAMES]>);

// SAFETY: written by a forked child that has one thread as yet, read by the thread of it that holds the GIL; what forks
// meanwhile writes to the memory of its own child.
unsafe impl Sync for ForkingStack {}

static FORKING_STACK: ForkingStack = ForkingStack(UnsafeCell::new([None; MOST_FRAMES]));

/// Notes the stack of the thread that forked this process: none if it runs no Python.
///
/// # Safety
/// This is that thread, in a handler of the fork, so that the child has no other; the thread state is its own, of the
/// interpreter that the layout describes.
pub(super) unsafe fn note(thread: Option<(&Layout, usize)>) {
    let mut rest = thread.map(|(layout, thread_state)| {
        // SAFETY: the caller's promise.
        Shown { layout, next: unsafe { FrameAddress::innermost(layout, thread_state) } }
    });
    // SAFETY: the caller's promise: nobody else can use it.
    let noted = unsafe { &mut *FORKING_STACK.0.get() };
    noted.fill_with(|| rest.as_mut().and_then(Iterator::next));
}

/// The innermost frame of the stack noted that is still on this one, and what it was executing at the fork. Others have
/// returned, and their code objects may be gone.
///
/// # Safety
/// This thread holds the GIL, and `innermost` is on its stack, in the interpreter of `layout`.
pub(super) unsafe fn find(layout: &Layout, innermost: FrameAddress) -> Place {
    // SAFETY: the caller holds the GIL.
    let noted = unsafe { &*FORKING_STACK.0.get() };
    let mut rest = Shown { layout, next: Some(innermost) };
    while let Some((address, frame)) = rest.next() {
        let is_same =
            |(noted, then): (FrameAddress, Frame)| noted == address && then.code == frame.code;
        // The memory of a frame that has returned serves others: its callers must be what they were as well.
        let mut callers = Shown { layout, next: rest.next };
        if let Some(depth) = noted.iter().position(|place| place.is_some_and(is_same))
            && noted[depth + 1..].iter().all(|&caller| caller == callers.next())
        {
            return noted[depth];
        }
    }
    None
}

/// The frames of a stack that Python shows, from `next` outwards. Who makes it promises that they stay on that stack, and
/// that `layout` is that of their interpreter.
struct Shown<'a> {
    layout: &'a Layout,
    next: Option<FrameAddress>,
}

impl Iterator for Shown<'_> {
    type Item = (FrameAddress, Frame);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(address) = self.next {
            // SAFETY: the promise of who made this.
            unsafe {
                self.next = address.previous(&self.layout.frame);
                if let Some(frame) = address.resolve(self.layout) {
                    return Some((address, frame));
                }
            }
        }
        None
    }
}
