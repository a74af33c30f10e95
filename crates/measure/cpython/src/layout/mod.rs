//! Where each CPython version keeps what the tracker reads, in bytes from the start of its structure.

mod debug_offsets;
pub(crate) mod objects;
mod v3_10;
mod v3_11;
mod v3_12;
mod v3_13;
mod v3_14;
mod v3_15;

pub use objects::{DictKeysLayout, IndexBytes};

use self::debug_offsets::WordNumbers;
use crate::UnsupportedPython;
use lowtide_units::PythonVersion;

/// The offsets of one running interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The feature version.
    pub version: PythonVersion,
    /// `_PyRuntime` to the pointer to the thread state that holds the GIL; `None` where it is a thread-local variable.
    pub runtime_current_thread: Option<usize>,
    /// `PyThreadState`.
    pub thread: ThreadLayout,
    /// `_PyInterpreterFrame`; on 3.10 `PyFrameObject`.
    pub frame: FrameLayout,
    /// What marks the runs of the evaluation loop on the C stack.
    pub evaluation: EvaluationLayout,
    /// `PyCodeObject`.
    pub code: CodeLayout,
    /// `PyASCIIObject` and its relatives.
    pub text: TextLayout,
}

/// `PyThreadState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadLayout {
    /// To the pointer to its interpreter.
    pub interpreter: usize,
    /// To the pointer to its innermost frame, or to a `_PyCFrame` that holds that pointer.
    pub frame: usize,
    /// `_PyCFrame` to that pointer, on 3.11 and 3.12.
    pub frame_in_cframe: Option<usize>,
}

/// `_PyInterpreterFrame`; on 3.10 `PyFrameObject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLayout {
    /// To the pointer to the caller's frame.
    pub previous: usize,
    /// To the pointer to the code object; from 3.14 on its lowest bits are a tag.
    pub code: usize,
    /// To what says how far the frame has come.
    pub progress: usize,
    /// What that is.
    pub progress_kind: Progress,
    /// To the byte that says who owns the frame; 3.10 has none.
    pub owner: Option<usize>,
    /// To the function object that the frame executes, which lives as long as the frame; from 3.14 on its lowest bits are
    /// a tag. 3.10 has none.
    pub function: Option<usize>,
}

/// How a run of the evaluation loop (`_PyEval_EvalFrameDefault`) tells which frames it executes, and where on the C stack
/// it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluationLayout {
    /// Each run keeps a `_PyCFrame` on the C stack; the thread state names the innermost.
    CFrames {
        /// `PyThreadState` to the pointer to the innermost.
        innermost: usize,
        /// `_PyCFrame` to the pointer to the next one outwards.
        previous: usize,
        /// Frame to the byte that is set in the outermost frame of a run; `None` where each frame has a run of its own.
        is_entry: Option<usize>,
    },
    /// The outermost frame of each run is a shim that lies on the C stack itself.
    Shims,
}

/// How a frame says which instruction it is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// An `int`, in code units of two bytes, -1 before the first.
    CodeUnits,
    /// A pointer to the instruction, inside the code object.
    Address,
}

/// `PyCodeObject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeLayout {
    /// To the `str` with the file's name.
    pub filename: usize,
    /// To the `str` with the qualified name; on 3.10 the plain name.
    pub qualified_name: usize,
    /// To the `int` with the first line.
    pub first_line: usize,
    /// To the `bytes` with the line table.
    pub line_table: usize,
    /// What is known of the instructions where they lie inside the code object.
    pub bytecode: Option<BytecodeLayout>,
}

/// Instructions inside the code object, from 3.11 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BytecodeLayout {
    /// To the first instruction.
    pub start: usize,
    /// To the `int` with the index of the first code unit that belongs to the function's body.
    pub first_traceable: usize,
}

/// `PyASCIIObject`, `PyCompactUnicodeObject`, `PyBytesObject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextLayout {
    /// To the number of characters.
    pub length: usize,
    /// To the bit field with kind, compact and ascii.
    pub state: usize,
    /// To the characters of an ASCII string.
    pub ascii_data: usize,
    /// To the characters of any other compact string.
    pub compact_data: usize,
    /// `bytes`: to the number of bytes.
    pub bytes_length: usize,
    /// `bytes`: to the first byte.
    pub bytes_data: usize,
}

impl Layout {
    /// The layout of a running CPython: `hexversion` is its `sys.hexversion`, `runtime` the words at its `_PyRuntime`,
    /// [`Self::runtime_words`] of them.
    ///
    /// # Errors
    /// When lowtide does not know that version, or it is a free-threaded build.
    pub fn of(hexversion: u32, runtime: &[u64]) -> Result<Self, UnsupportedPython> {
        let version = PythonVersion::from_hexversion(hexversion);
        match (version, published(version)) {
            (_, Some(words)) => debug_offsets::layout(version, &words, runtime),
            (PythonVersion { major: 3, minor: 10 }, _) => Ok(v3_10::LAYOUT),
            (PythonVersion { major: 3, minor: 11 }, _) => Ok(v3_11::LAYOUT),
            (PythonVersion { major: 3, minor: 12 }, _) => Ok(v3_12::LAYOUT),
            _ if version > PythonVersion::three(12) => Err(UnsupportedPython::TooNew { version }),
            _ => Err(UnsupportedPython::TooOld { version }),
        }
    }

    /// How many words at `_PyRuntime` [`Self::of`] looks at; there are as many.
    #[must_use]
    pub fn runtime_words(hexversion: u32) -> usize {
        published(PythonVersion::from_hexversion(hexversion)).map_or(0, |words| words.count())
    }
}

/// Where a version that publishes its layout has it.
const fn published(version: PythonVersion) -> Option<WordNumbers> {
    match version {
        PythonVersion { major: 3, minor: 13 } => Some(v3_13::WORDS),
        PythonVersion { major: 3, minor: 14 } => Some(v3_14::WORDS),
        PythonVersion { major: 3, minor: 15 } => Some(v3_15::WORDS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_nobody_has_looked_at_are_refused() {
        let refusal = |minor: u32| Layout::of(0x0300_00f0 | minor << 16, &[0; 200]).unwrap_err();
        assert_eq!(refusal(9), UnsupportedPython::TooOld { version: PythonVersion::three(9) });
        assert_eq!(refusal(16), UnsupportedPython::TooNew { version: PythonVersion::three(16) });
    }

    #[test]
    fn a_runtime_without_a_table_is_not_looked_at() {
        let words = [10, 11, 12].map(|minor: u32| Layout::runtime_words(minor << 16 | 0x0300_00f0));
        assert_eq!(words, [0; 3]);
    }
}
