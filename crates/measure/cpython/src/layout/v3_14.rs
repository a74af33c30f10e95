//! CPython 3.14: `_Py_DebugOffsets` in `Include/internal/pycore_debug_offsets.h`.

use super::debug_offsets::WordNumbers;

pub(super) const WORDS: WordNumbers = WordNumbers {
    thread_interpreter: 25,
    thread_current_frame: 26,
    frame_previous: 32,
    frame_executable: 33,
    frame_instruction: 34,
    frame_owner: 36,
    code_filename: 40,
    code_qualified_name: 42,
    code_line_table: 43,
    code_first_line: 44,
    code_start: 48,
    bytes_length: 75,
    bytes_data: 76,
    text_state: 78,
    text_length: 79,
    ascii_object_bytes: 80,
};
