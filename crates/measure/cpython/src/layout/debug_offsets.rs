//! CPython 3.13 and later: `_Py_DebugOffsets` at the start of `_PyRuntime`. Which word of it holds what differs by version.

use super::{
    BytecodeLayout, CodeLayout, EvaluationLayout, FrameLayout, Layout, Progress, TextLayout,
    ThreadLayout,
};
use crate::UnsupportedPython;
use lowtide_units::PythonVersion;

const COOKIE: u64 = u64::from_le_bytes(*b"xdebugpy");
/// Offsets within a structure fit in this; a larger one means that the table is not what it should be.
const LARGEST_OFFSET: u64 = 1 << 20;
/// In `PY_VERSION_HEX` (Include/patchlevel.h).
const RELEASE_LEVEL_FINAL: u64 = 0xf;

/// What every version has in its first words.
mod word {
    pub(super) const COOKIE: usize = 0;
    pub(super) const VERSION: usize = 1;
    pub(super) const FREE_THREADED: usize = 2;
}

/// The words of one version's table that are of use here.
#[derive(Clone, Copy, Debug)]
pub(super) struct WordNumbers {
    pub(super) thread_interpreter: usize,
    pub(super) thread_current_frame: usize,
    pub(super) frame_previous: usize,
    pub(super) frame_executable: usize,
    pub(super) frame_instruction: usize,
    pub(super) frame_owner: usize,
    pub(super) code_filename: usize,
    pub(super) code_qualified_name: usize,
    pub(super) code_line_table: usize,
    pub(super) code_first_line: usize,
    pub(super) code_start: usize,
    pub(super) bytes_length: usize,
    pub(super) bytes_data: usize,
    pub(super) text_state: usize,
    pub(super) text_length: usize,
    /// The last of them.
    pub(super) ascii_object_bytes: usize,
}

impl WordNumbers {
    /// How many words of the table are looked at.
    pub(super) const fn count(&self) -> usize {
        self.ascii_object_bytes + 1
    }
}

/// `PyCompactUnicodeObject` adds two words to `PyASCIIObject`: the length and the address of the UTF-8 form.
const COMPACT_OBJECT_EXTRA_BYTES: usize = 16;
/// `_co_firsttraceable` and the pointer `co_extra` stand before the instructions, and are not in the table.
const FIRST_TRACEABLE_BEFORE_CODE_BYTES: usize = 16;
/// `f_funcobj` is not in the table either.
const FUNCTION_BEHIND_PREVIOUS_BYTES: usize = 8;

/// The layout that the words at `_PyRuntime` tell.
pub(super) fn layout(
    version: PythonVersion,
    words: &WordNumbers,
    runtime: &[u64],
) -> Result<Layout, UnsupportedPython> {
    let no_offsets = UnsupportedPython::NoDebugOffsets { version };
    let runtime = runtime.get(..words.count()).ok_or(no_offsets)?;
    if runtime[word::COOKIE] != COOKIE
        || runtime[word::VERSION] >> 16 != hexversion_of(version) >> 16
    {
        return Err(no_offsets);
    }
    // The table is what it will be for all of 3.X only from 3.X.0 on: until then, words come and go.
    if runtime[word::VERSION] >> 4 & 0xf != RELEASE_LEVEL_FINAL {
        return Err(UnsupportedPython::PreRelease { version });
    }
    if runtime[word::FREE_THREADED] != 0 {
        return Err(UnsupportedPython::FreeThreaded { version });
    }
    let offset = |word: usize| match usize::try_from(runtime[word]) {
        Ok(offset) if runtime[word] < LARGEST_OFFSET => Ok(offset),
        _ => Err(no_offsets),
    };
    let ascii_data = offset(words.ascii_object_bytes)?;
    let code_start = offset(words.code_start)?;
    Ok(Layout {
        version,
        runtime_current_thread: None,
        thread: ThreadLayout {
            interpreter: offset(words.thread_interpreter)?,
            frame: offset(words.thread_current_frame)?,
            frame_in_cframe: None,
        },
        frame: FrameLayout {
            previous: offset(words.frame_previous)?,
            code: offset(words.frame_executable)?,
            progress: offset(words.frame_instruction)?,
            progress_kind: Progress::Address,
            owner: Some(offset(words.frame_owner)?),
            function: Some(offset(words.frame_previous)? + FUNCTION_BEHIND_PREVIOUS_BYTES),
        },
        evaluation: EvaluationLayout::Shims,
        code: CodeLayout {
            filename: offset(words.code_filename)?,
            qualified_name: offset(words.code_qualified_name)?,
            first_line: offset(words.code_first_line)?,
            line_table: offset(words.code_line_table)?,
            bytecode: Some(BytecodeLayout {
                start: code_start,
                first_traceable: code_start.saturating_sub(FIRST_TRACEABLE_BEFORE_CODE_BYTES),
            }),
        },
        text: TextLayout {
            length: offset(words.text_length)?,
            state: offset(words.text_state)?,
            ascii_data,
            compact_data: ascii_data + COMPACT_OBJECT_EXTRA_BYTES,
            bytes_length: offset(words.bytes_length)?,
            bytes_data: offset(words.bytes_data)?,
        },
    })
}

fn hexversion_of(version: PythonVersion) -> u64 {
    u64::from(version.major) << 24 | u64::from(version.minor) << 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{v3_13, v3_14, v3_15};

    const VERSIONS: [(u8, WordNumbers); 3] =
        [(13, v3_13::WORDS), (14, v3_14::WORDS), (15, v3_15::WORDS)];

    /// A table whose words tell their own numbers.
    fn table(minor: u8) -> Vec<u64> {
        let mut table: Vec<u64> = (1000..1100).collect();
        table[word::COOKIE] = COOKIE;
        table[word::VERSION] = 0x0300_00f0 | u64::from(minor) << 16;
        table[word::FREE_THREADED] = 0;
        table
    }

    #[test]
    fn every_offset_comes_from_its_word() {
        for (minor, words) in VERSIONS {
            let layout = layout(PythonVersion::three(minor), &words, &table(minor)).unwrap();
            assert_eq!(layout.thread.frame, 1000 + words.thread_current_frame);
            assert_eq!(layout.frame.owner, Some(1000 + words.frame_owner));
            assert_eq!(layout.frame.function, Some(1000 + words.frame_previous + 8));
            assert_eq!(layout.text.compact_data, 1000 + words.ascii_object_bytes + 16);
            let first_traceable = layout.code.bytecode.unwrap().first_traceable;
            assert_eq!(first_traceable, 1000 + words.code_start - 16);
        }
    }

    #[test]
    fn a_free_threaded_build_is_refused() {
        for (minor, words) in VERSIONS {
            let version = PythonVersion::three(minor);
            let mut table = table(minor);
            table[word::FREE_THREADED] = 1;
            let refusal = Err(UnsupportedPython::FreeThreaded { version });
            assert_eq!(layout(version, &words, &table), refusal);
        }
    }

    #[test]
    fn a_release_candidate_is_refused() {
        for (minor, words) in VERSIONS {
            let version = PythonVersion::three(minor);
            let mut table = table(minor);
            table[word::VERSION] = 0x0300_00c1 | u64::from(minor) << 16;
            let refusal = Err(UnsupportedPython::PreRelease { version });
            assert_eq!(layout(version, &words, &table), refusal);
        }
    }

    #[test]
    fn a_table_that_is_short_or_of_another_version_or_wild_is_refused() {
        for (minor, words) in VERSIONS {
            let version = PythonVersion::three(minor);
            let refusal = Err(UnsupportedPython::NoDebugOffsets { version });
            let short = &table(minor)[..words.count() - 1];
            assert_eq!(layout(version, &words, short), refusal);
            assert_eq!(layout(version, &words, &table(minor + 1)), refusal);
            for (word, value) in [(word::COOKIE, 0), (words.frame_owner, u64::MAX)] {
                let mut table = table(minor);
                table[word] = value;
                assert_eq!(layout(version, &words, &table), refusal, "word {word}");
            }
        }
    }
}
