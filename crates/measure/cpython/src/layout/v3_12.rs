//! CPython 3.12: Include/cpython/pystate.h, code.h, unicodeobject.h; `Include/internal/pycore_frame.h`.

use super::{
    BytecodeLayout, CodeLayout, EvaluationLayout, FrameLayout, Layout, Progress, TextLayout,
    ThreadLayout,
};
use lowtide_units::PythonVersion;

pub(super) const LAYOUT: Layout = Layout {
    version: PythonVersion::three(12),
    runtime_current_thread: None,
    thread: ThreadLayout { interpreter: 16, frame: 56, frame_in_cframe: Some(0) },
    frame: FrameLayout {
        previous: 8,
        code: 0,
        progress: 56,
        progress_kind: Progress::Address,
        owner: Some(70),
        function: Some(16),
    },
    evaluation: EvaluationLayout::Shims,
    code: CodeLayout {
        filename: 112,
        qualified_name: 128,
        first_line: 68,
        line_table: 136,
        bytecode: Some(BytecodeLayout { start: 192, first_traceable: 176 }),
    },
    text: TextLayout {
        length: 16,
        state: 32,
        ascii_data: 40,
        compact_data: 56,
        bytes_length: 16,
        bytes_data: 32,
    },
};
