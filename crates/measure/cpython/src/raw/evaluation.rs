use super::{FrameAddress, load};
use crate::layout::{EvaluationLayout, Layout};

/// The runs of the evaluation loop on one thread's C stack, from the innermost outwards.
#[derive(Clone, Copy, Debug)]
pub struct Evaluations {
    /// The `_PyCFrame` of the innermost run that was not passed yet; 0 where there is none.
    cframe: usize,
}

impl Evaluations {
    /// Those of a thread without Python.
    pub const NONE: Self = Self { cframe: 0 };

    /// All that are going on.
    ///
    /// # Safety
    /// As [`FrameAddress::innermost`].
    #[must_use]
    pub unsafe fn of_thread(layout: &Layout, thread_state: usize) -> Self {
        let cframe = match layout.evaluation {
            // SAFETY: the caller's promise.
            EvaluationLayout::CFrames { innermost, .. } => unsafe { load(thread_state, innermost) },
            EvaluationLayout::Shims => 0,
        };
        Self { cframe }
    }

    /// Where on the C stack the run lies that `frame` is the outermost of; `None` for any other frame. To be asked for
    /// each frame, from the innermost outwards.
    ///
    /// # Safety
    /// As [`FrameAddress::previous`], for the thread that this is of.
    pub unsafe fn ending_with(&mut self, layout: &Layout, frame: FrameAddress) -> Option<usize> {
        // SAFETY: the caller's promise; a `_PyCFrame` lives as long as its run.
        unsafe {
            match layout.evaluation {
                EvaluationLayout::Shims => frame.is_shim(&layout.frame).then(|| frame.address()),
                EvaluationLayout::CFrames { previous, is_entry, .. } => {
                    let is_outermost =
                        is_entry.is_none_or(|offset| load::<u8>(frame.address(), offset) != 0);
                    if !is_outermost || self.cframe == 0 {
                        return None;
                    }
                    let here = self.cframe;
                    self.cframe = load(here, previous);
                    Some(here)
                }
            }
        }
    }
}
