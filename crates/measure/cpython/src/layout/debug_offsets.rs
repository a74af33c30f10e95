//! CPython 3.13: `_Py_DebugOffsets` at the start of `_PyRuntime`, `Include/internal/pycore_runtime.h`.

use super::{
    BytecodeLayout, CodeLayout, FrameLayout, Layout, Progress, RUNTIME_WORDS, TextLayout,
    ThreadLayout,
};
use crate::UnsupportedPython;
use lowtide_units::PythonVersion;

const COOKIE: u64 = u64::from_le_bytes(*b"xdebugpy");
/// Offsets within a structure fit in this; a larger one means that the table is not what it should be.
const LARGEST_OFFSET: u64 = 1 << 20;

/// Word numbers in the table of 3.13.
mod word {
    pub(super) const COOKIE: usize = 0;
    pub(super) const VERSION: usize = 1;
    pub(super) const FREE_THREADED: usize = 2;
    pub(super) const THREAD_INTERPRETER: usize = 22;
    pub(super) const THREAD_CURRENT_FRAME: usize = 23;
    pub(super) const FRAME_PREVIOUS: usize = 29;
    pub(super) const FRAME_EXECUTABLE: usize = 30;
    pub(super) const FRAME_INSTRUCTION: usize = 31;
    pub(super) const FRAME_OWNER: usize = 33;
    pub(super) const CODE_FILENAME: usize = 35;
    pub(super) const CODE_QUALIFIED_NAME: usize = 37;
    pub(super) const CODE_LINE_TABLE: usize = 38;
    pub(super) const CODE_FIRST_LINE: usize = 39;
    pub(super) const CODE_START: usize = 43;
    pub(super) const BYTES_LENGTH: usize = 65;
    pub(super) const BYTES_DATA: usize = 66;
    pub(super) const TEXT_STATE: usize = 68;
    pub(super) const TEXT_LENGTH: usize = 69;
    pub(super) const ASCII_OBJECT_BYTES: usize = 70;
}

/// `PyCompactUnicodeObject` adds two words to `PyASCIIObject`: the length and the address of the UTF-8 form.
const COMPACT_OBJECT_EXTRA_BYTES: usize = 16;
/// `_co_firsttraceable` and the pointer `co_extra` stand before the instructions, and are not in the table.
const FIRST_TRACEABLE_BEFORE_CODE_BYTES: usize = 16;

pub(super) fn layout(
    version: PythonVersion,
    runtime: &[u64; RUNTIME_WORDS],
) -> Result<Layout, UnsupportedPython> {
    if runtime[word::COOKIE] != COOKIE
        || runtime[word::VERSION] >> 16 != hexversion_of(version) >> 16
    {
        return Err(UnsupportedPython::NoDebugOffsets { version });
    }
    if runtime[word::FREE_THREADED] != 0 {
        return Err(UnsupportedPython::FreeThreaded { version });
    }
    let offset = |word: usize| match usize::try_from(runtime[word]) {
        Ok(offset) if runtime[word] < LARGEST_OFFSET => Ok(offset),
        _ => Err(UnsupportedPython::NoDebugOffsets { version }),
    };
    let ascii_data = offset(word::ASCII_OBJECT_BYTES)?;
    let code_start = offset(word::CODE_START)?;
    Ok(Layout {
        version,
        runtime_current_thread: None,
        thread: ThreadLayout {
            interpreter: offset(word::THREAD_INTERPRETER)?,
            frame: offset(word::THREAD_CURRENT_FRAME)?,
            frame_in_cframe: None,
        },
        frame: FrameLayout {
            previous: offset(word::FRAME_PREVIOUS)?,
            code: offset(word::FRAME_EXECUTABLE)?,
            progress: offset(word::FRAME_INSTRUCTION)?,
            progress_kind: Progress::Address,
            owner: Some(offset(word::FRAME_OWNER)?),
        },
        code: CodeLayout {
            filename: offset(word::CODE_FILENAME)?,
            qualified_name: offset(word::CODE_QUALIFIED_NAME)?,
            first_line: offset(word::CODE_FIRST_LINE)?,
            line_table: offset(word::CODE_LINE_TABLE)?,
            bytecode: Some(BytecodeLayout {
                start: code_start,
                first_traceable: code_start.saturating_sub(FIRST_TRACEABLE_BEFORE_CODE_BYTES),
            }),
        },
        text: TextLayout {
            length: offset(word::TEXT_LENGTH)?,
            state: offset(word::TEXT_STATE)?,
            ascii_data,
            compact_data: ascii_data + COMPACT_OBJECT_EXTRA_BYTES,
            bytes_length: offset(word::BYTES_LENGTH)?,
            bytes_data: offset(word::BYTES_DATA)?,
        },
    })
}

fn hexversion_of(version: PythonVersion) -> u64 {
    u64::from(version.major) << 24 | u64::from(version.minor) << 16
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE_THIRTEEN: PythonVersion = PythonVersion::three(13);

    fn table() -> [u64; RUNTIME_WORDS] {
        let mut table: [u64; RUNTIME_WORDS] = std::array::from_fn(|word| 1000 + word as u64);
        table[word::COOKIE] = COOKIE;
        table[word::VERSION] = 0x030d_00f0;
        table[word::FREE_THREADED] = 0;
        table
    }

    #[test]
    fn every_offset_comes_from_its_word() {
        let layout = layout(THREE_THIRTEEN, &table()).unwrap();
        assert_eq!(
            layout.thread,
            ThreadLayout { interpreter: 1022, frame: 1023, frame_in_cframe: None }
        );
        assert_eq!(layout.text.compact_data, 1070 + 16);
        assert_eq!(layout.code.bytecode.unwrap().first_traceable, 1043 - 16);
    }

    #[test]
    fn a_free_threaded_build_is_refused() {
        let mut table = table();
        table[word::FREE_THREADED] = 1;
        assert_eq!(
            layout(THREE_THIRTEEN, &table),
            Err(UnsupportedPython::FreeThreaded { version: THREE_THIRTEEN })
        );
    }

    #[test]
    fn a_table_without_its_cookie_or_with_wild_offsets_is_refused() {
        for (word, value) in
            [(word::COOKIE, 0), (word::VERSION, 0x030e_00f0), (word::FRAME_OWNER, u64::MAX)]
        {
            let mut table = table();
            table[word] = value;
            let refusal = Err(UnsupportedPython::NoDebugOffsets { version: THREE_THIRTEEN });
            assert_eq!(layout(THREE_THIRTEEN, &table), refusal, "word {word}");
        }
    }
}
