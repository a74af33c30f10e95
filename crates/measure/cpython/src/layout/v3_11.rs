//! CPython 3.11: Include/cpython/pystate.h, code.h, unicodeobject.h; `Include/internal/pycore_frame.h`, `pycore_runtime.h`.

use super::{
    BytecodeLayout, CodeLayout, EvaluationLayout, FrameLayout, Layout, Progress, TextLayout,
    ThreadLayout,
};
use lowtide_units::PythonVersion;

pub(super) const LAYOUT: Layout = Layout {
    version: PythonVersion::three(11),
    runtime_current_thread: Some(576),
    thread: ThreadLayout { interpreter: 16, frame: 56, frame_in_cframe: Some(8) },
    frame: FrameLayout {
        previous: 48,
        code: 32,
        progress: 56,
        progress_kind: Progress::Address,
        owner: Some(69),
        function: Some(0),
    },
    evaluation: EvaluationLayout::CFrames { innermost: 56, previous: 16, is_entry: Some(68) },
    code: CodeLayout {
        filename: 112,
        qualified_name: 128,
        first_line: 72,
        line_table: 136,
        bytecode: Some(BytecodeLayout { start: 184, first_traceable: 168 }),
    },
    text: TextLayout {
        length: 16,
        state: 32,
        ascii_data: 48,
        compact_data: 72,
        bytes_length: 16,
        bytes_data: 32,
    },
};
