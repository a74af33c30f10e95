//! CPython 3.10: Include/cpython/pystate.h, frameobject.h, code.h, unicodeobject.h; `Include/internal/pycore_runtime.h`.

use super::{
    CodeLayout, EvaluationLayout, FrameLayout, Layout, Progress, TextLayout, ThreadLayout,
};
use lowtide_units::PythonVersion;

pub(super) const LAYOUT: Layout = Layout {
    version: PythonVersion::three(10),
    runtime_current_thread: Some(568),
    thread: ThreadLayout { interpreter: 16, frame: 24, frame_in_cframe: None },
    frame: FrameLayout {
        previous: 24,
        code: 32,
        progress: 96,
        progress_kind: Progress::CodeUnits,
        owner: None,
        function: None,
    },
    evaluation: EvaluationLayout::CFrames { innermost: 48, previous: 8, is_entry: None },
    code: CodeLayout {
        filename: 104,
        qualified_name: 112,
        first_line: 40,
        line_table: 120,
        bytecode: None,
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
