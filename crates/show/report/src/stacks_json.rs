//! The stacks of a run with native functions, for programs.

use lowtide_profile::{MemoryKind, NativeFrame, NativeModule, Profile, StackFrame, StackUsage};
use serde::Serialize;
use std::path::Path;

/// So many stacks are told, those with most at the peak: all of them can be far more than the capture.
const MOST_STACKS: usize = 1000;

#[derive(Serialize)]
pub struct StackRecord {
    allocator: &'static str,
    /// Whether threads without Python asked for it while the innermost line waited.
    by_workers: bool,
    at_peak_bytes: u64,
    at_peak_blocks: u64,
    left_at_exit_bytes: u64,
    left_at_exit_blocks: u64,
    churn_bytes: u64,
    churn_blocks: u64,
    temporary_bytes: u64,
    temporary_blocks: u64,
    /// Outermost first.
    frames: Vec<FrameRecord>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum FrameRecord {
    Python {
        file: String,
        line: u32,
        function: String,
    },
    Native {
        module: Option<String>,
        function: Option<String>,
        /// In the module's file, where the function is not known.
        address: Option<u32>,
        file: Option<String>,
        line: Option<u32>,
        inlined: bool,
    },
}

#[derive(Serialize)]
pub struct ModuleRecord<'a> {
    path: String,
    build_id: Option<&'a str>,
}

/// The programs and libraries that native functions were seen in.
pub fn module_records(profile: &Profile) -> Vec<ModuleRecord<'_>> {
    profile.modules().iter().map(ModuleRecord::from).collect()
}

impl<'a> From<&'a NativeModule> for ModuleRecord<'a> {
    fn from(module: &'a NativeModule) -> Self {
        let build_id = Some(module.build_id.as_str()).filter(|id| !id.is_empty());
        Self { path: module.path.display().to_string(), build_id }
    }
}

/// The heaviest stacks, if native functions were recorded: only then they tell more than the lines.
pub fn stack_records(profile: &Profile) -> Vec<StackRecord> {
    if !profile.has_native_frames() {
        return Vec::new();
    }
    profile.heaviest_stacks(MOST_STACKS).iter().map(StackRecord::from).collect()
}

impl From<&StackUsage> for StackRecord {
    fn from(stack: &StackUsage) -> Self {
        Self {
            allocator: match stack.kind {
                MemoryKind::Python => "python",
                MemoryKind::Native => "malloc",
                MemoryKind::Mapping => "mmap",
            },
            by_workers: stack.by_workers,
            at_peak_bytes: stack.at_peak.bytes.0,
            at_peak_blocks: stack.at_peak.count,
            left_at_exit_bytes: stack.left_at_exit.bytes.0,
            left_at_exit_blocks: stack.left_at_exit.count,
            churn_bytes: stack.churn.bytes.0,
            churn_blocks: stack.churn.count,
            temporary_bytes: stack.temporary.bytes.0,
            temporary_blocks: stack.temporary.count,
            frames: stack.frames.iter().map(FrameRecord::from).collect(),
        }
    }
}

impl From<&StackFrame> for FrameRecord {
    fn from(frame: &StackFrame) -> Self {
        match frame {
            StackFrame::Python(frame) => Self::Python {
                file: frame.file.display().to_string(),
                line: frame.line,
                function: frame.function.to_string(),
            },
            StackFrame::Native(frame) => frame.into(),
        }
    }
}

impl From<&NativeFrame> for FrameRecord {
    fn from(frame: &NativeFrame) -> Self {
        let path = |path: &Path| (!path.as_os_str().is_empty()).then(|| path.display().to_string());
        Self::Native {
            module: path(&frame.module),
            function: (!frame.function.is_empty()).then(|| frame.function.to_string()),
            address: (frame.address != 0).then_some(frame.address),
            file: path(&frame.file),
            line: (frame.line != 0).then_some(frame.line),
            inlined: frame.is_inlined,
        }
    }
}
