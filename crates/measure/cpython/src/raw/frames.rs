use super::load;
use crate::layout::{FrameLayout, Layout, Progress};
use crate::raw::CodeAddress;
use std::num::NonZero;
use std::ops::Range;

/// The address of an interpreter frame of a live thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameAddress(NonZero<usize>);

/// How a frame names a function object: a shim may name anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionWord(usize);

impl FunctionWord {
    /// No function.
    pub const NONE: Self = Self(0);

    /// That of a function object whose block begins there.
    #[must_use]
    pub const fn of_block(block: usize) -> Self {
        Self(block + GC_HEAD_BYTES)
    }

    /// Where the function object's block begins, if that is one: the collector's words (`PyGC_Head`) stand in front.
    #[inline]
    #[must_use]
    pub const fn block(self) -> usize {
        (self.0 & !TAG_BITS).wrapping_sub(GC_HEAD_BYTES)
    }
}

/// What a frame executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its code object.
    pub code: CodeAddress,
    /// `f_lasti` as Python shows it: bytes from the first instruction.
    pub instruction: u32,
}

/// Owners from this number on are shims of the interpreter, which Python does not show (`FRAME_OWNED_BY_CSTACK` in 3.12
/// and 3.13, `FRAME_OWNED_BY_INTERPRETER` from 3.14 on, `FRAME_OWNED_BY_CSTACK` as well in 3.14).
const FIRST_SHIM_OWNER: u8 = 3;
/// `FRAME_OWNED_BY_GENERATOR` in all versions.
const OWNED_BY_GENERATOR: u8 = 1;
const CODE_UNIT_BYTES: u32 = 2;
/// The lowest bits of a `_PyStackRef`, which holds the code object from 3.14 on, are no part of the address
/// (`Include/internal/pycore_stackref.h`). Those of a plain pointer are zero.
const TAG_BITS: usize = 0b11;
const GC_HEAD_BYTES: usize = 16;
/// Of a code object's address divided by 16.
const CODE_BITS: u32 = 43;

impl FrameLayout {
    /// Whether a frame's position is one in the code object that takes these addresses.
    #[must_use]
    pub fn is_in(&self, position: u64, code: &Range<usize>) -> bool {
        let address = match self.progress_kind {
            Progress::Address => position,
            Progress::CodeUnits => (position & ((1 << CODE_BITS) - 1)) << 4,
        };
        usize::try_from(address).is_ok_and(|address| code.contains(&address))
    }
}

impl FrameAddress {
    /// As a number.
    #[inline]
    #[must_use]
    pub const fn address(self) -> usize {
        self.0.get()
    }

    /// The innermost frame of a thread.
    ///
    /// # Safety
    /// `thread_state` is a live `PyThreadState` of the interpreter that `layout` describes, and is that of the calling
    /// thread or cannot run meanwhile.
    #[inline]
    #[must_use]
    pub unsafe fn innermost(layout: &Layout, thread_state: usize) -> Option<Self> {
        // SAFETY: the caller's promise; the `_PyCFrame` lives as long as its thread executes Python.
        let frame = unsafe {
            let word = load(thread_state, layout.thread.frame);
            match layout.thread.frame_in_cframe {
                Some(_) if word == 0 => 0,
                Some(offset) => load(word, offset),
                None => word,
            }
        };
        NonZero::new(frame).map(Self)
    }

    /// The caller's frame.
    ///
    /// # Safety
    /// This frame is still on the stack of its thread, which does not run meanwhile.
    #[inline]
    #[must_use]
    pub unsafe fn previous(self, layout: &FrameLayout) -> Option<Self> {
        // SAFETY: the caller's promise.
        let frame = unsafe { load(self.0.get(), layout.previous) };
        NonZero::new(frame).map(Self)
    }

    /// One word that tells code object and instruction, as long as no code object is freed.
    ///
    /// # Safety
    /// As [`Self::previous`].
    #[inline]
    #[must_use]
    pub unsafe fn position(self, layout: &FrameLayout) -> u64 {
        // SAFETY: the caller's promise.
        unsafe {
            match layout.progress_kind {
                Progress::Address => load(self.0.get(), layout.progress),
                Progress::CodeUnits => {
                    let code: u64 = load(self.0.get(), layout.code);
                    let unit: u32 = load(self.0.get(), layout.progress);
                    // Addresses have 47 bits, and the lowest 4 are zero: 21 bits are left for the instruction.
                    (code >> 4) ^ (u64::from(unit) << CODE_BITS)
                }
            }
        }
    }

    /// The function object that the frame executes; `None` where frames name none.
    ///
    /// # Safety
    /// As [`Self::previous`].
    #[inline]
    #[must_use]
    pub unsafe fn function(self, layout: &FrameLayout) -> Option<FunctionWord> {
        // SAFETY: the caller's promise.
        layout.function.map(|offset| FunctionWord(unsafe { load(self.0.get(), offset) }))
    }

    /// Whether Python does not show this frame: it stands for a call of the evaluation loop.
    ///
    /// # Safety
    /// As [`Self::previous`].
    pub(super) unsafe fn is_shim(self, layout: &FrameLayout) -> bool {
        // SAFETY: the caller's promise.
        layout
            .owner
            .is_some_and(|offset| unsafe { load::<u8>(self.0.get(), offset) } >= FIRST_SHIM_OWNER)
    }

    /// What the frame executes; `None` for one that Python does not show: a shim, or one still being set up.
    ///
    /// # Safety
    /// As [`Self::previous`].
    #[must_use]
    pub unsafe fn resolve(self, layout: &Layout) -> Option<Frame> {
        // SAFETY: the caller's promise; shims are sorted out first, so the code pointer is that of a code object.
        unsafe {
            if self.is_shim(&layout.frame) {
                return None;
            }
            let owner = layout.frame.owner.map_or(0, |offset| load::<u8>(self.0.get(), offset));
            let code = load::<usize>(self.0.get(), layout.frame.code) & !TAG_BITS;
            let instruction = match (layout.frame.progress_kind, layout.code.bytecode) {
                (Progress::Address, Some(bytecode)) => {
                    let position: usize = load(self.0.get(), layout.frame.progress);
                    let first_unit: u32 = load(code, bytecode.first_traceable);
                    // Before its first instruction the pointer is one unit in front of the code: wraps to a huge number.
                    let instruction =
                        u32::try_from(position.wrapping_sub(code + bytecode.start)).ok();
                    match instruction {
                        Some(bytes) if bytes >= first_unit * CODE_UNIT_BYTES => bytes,
                        _ if owner == OWNED_BY_GENERATOR => instruction.unwrap_or(0),
                        _ => return None,
                    }
                }
                _ => {
                    load::<u32>(self.0.get(), layout.frame.progress)
                        .wrapping_add(1)
                        .saturating_sub(1)
                        * CODE_UNIT_BYTES
                }
            };
            Some(Frame { code: CodeAddress(code), instruction })
        }
    }
}
