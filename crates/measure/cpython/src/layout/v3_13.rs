//! CPython 3.13: `_Py_DebugOffsets` in `Include/internal/pycore_runtime.h`.

use super::debug_offsets::WordNumbers;

pub(super) const WORDS: WordNumbers = WordNumbers {
    thread_interpreter: 22,
    thread_current_frame: 23,
    frame_previous: 29,
    frame_executable: 30,
    frame_instruction: 31,
    frame_owner: 33,
    code_filename: 35,
    code_qualified_name: 37,
    code_line_table: 38,
    code_first_line: 39,
    code_start: 43,
    bytes_length: 65,
    bytes_data: 66,
    text_state: 68,
    text_length: 69,
    ascii_object_bytes: 70,
};
