//! CPython 3.15: `_Py_DebugOffsets` in `Include/internal/pycore_debug_offsets.h`.

use super::debug_offsets::WordNumbers;

pub(super) const WORDS: WordNumbers = WordNumbers {
    thread_interpreter: 25,
    thread_current_frame: 26,
    frame_previous: 40,
    frame_executable: 41,
    frame_instruction: 42,
    frame_owner: 44,
    code_filename: 48,
    code_qualified_name: 50,
    code_line_table: 51,
    code_first_line: 52,
    code_start: 56,
    bytes_length: 87,
    bytes_data: 88,
    text_state: 90,
    text_length: 91,
    ascii_object_bytes: 92,
};
