//! The native stack of the calling thread, frame by frame, and which loaded object each frame's code is part of.
//!
//! In: the registers of the moment and the `.eh_frame` of loaded objects. Out: frames, from the innermost outwards, and
//! facts of objects. Never: allocation, a lock of the dynamic linker, a read outside the calling thread's stack and the
//! tables of objects that code on that stack belongs to. In doubt the stack ends.
//!
//! ```
//! use lowtide_unwind::{Caller, NoUnwinder, StackFrame, Unwinder, CachedRule};
//!
//! let mut cache = [CachedRule::EMPTY; 256];
//! let unwinder = Unwinder::find()?;
//! let mut frame = StackFrame::here();
//! let mut depth = 0;
//! let end = loop {
//!     match unwinder.caller(&frame, &mut cache) {
//!         Caller::Frame(caller) => frame = caller,
//!         end => break end,
//!     }
//!     depth += 1;
//! };
//! assert!(depth > 3);
//! assert_eq!(end, Caller::Outermost);
//! # Ok::<(), NoUnwinder>(())
//! ```

mod call_frames;
mod mapping;
mod raw;
mod rule;

pub use raw::{Caller, LoadedObject, NoUnwinder, StackFrame, Unwinder};
pub use rule::CachedRule;
