//! Native functions between Python lines.

use crate::call_tree::{CompactCapture, id_of};
use crate::frames::absolute;
use lowtide_capture::layout::UNKNOWN_MODULE;
use lowtide_capture::{NativeAddress, Symbol};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A native function being run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NativeFrame {
    /// The program or library that it is in; empty where the native stack could not be followed further out.
    pub module: Arc<PathBuf>,
    /// Its name; empty where that is not known.
    pub function: Arc<str>,
    /// Where in the module's file it was, if its name is not known; otherwise 0.
    pub address: u32,
    /// Its source file; empty where that is not known.
    pub file: Arc<PathBuf>,
    /// 1-based; 0 where that is not known.
    pub line: u32,
    /// Whether the compiler made it a part of the function outside it.
    pub is_inlined: bool,
}

impl NativeFrame {
    /// Whether it is CPython's own: the machinery that runs Python lines.
    #[must_use]
    pub fn is_interpreter(&self) -> bool {
        let name = self.module.file_name().unwrap_or_default().as_bytes();
        name.starts_with(b"libpython") || name.starts_with(b"python")
    }

    /// Whether it only says that frames further out are missing.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.module.as_os_str().is_empty()
    }
}

/// A program or library that native functions were seen in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeModule {
    /// Its file.
    pub path: PathBuf,
    /// What its linker called it, in hexadecimal digits; empty without one.
    pub build_id: String,
}

/// All of a capture, in the order in which they were seen first.
pub fn modules(capture: &CompactCapture) -> Vec<NativeModule> {
    let known = capture.modules.iter().flatten().map(|module| NativeModule {
        path: path_of(&module.path),
        build_id: in_digits(&module.build_id),
    });
    known.collect()
}

fn in_digits(build_id: &[u8]) -> String {
    build_id.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Index of a call in [`NativeCalls`].
pub type CallId = u32;

/// The functions at every native address of a capture, those of equal name and line taken together.
#[derive(Clone, Debug, Default)]
pub struct NativeCalls {
    /// Each outermost first: an address can be in several functions, inlined into each other.
    calls: Vec<Vec<NativeFrame>>,
}

impl NativeCalls {
    /// Outermost first.
    pub fn get(&self, id: CallId) -> &[NativeFrame] {
        &self.calls[id as usize]
    }
}

/// Finds the functions at native addresses.
pub struct NativeResolver<'a> {
    capture: &'a CompactCapture,
    cwd: PathBuf,
    by_content: HashMap<Vec<NativeFrame>, CallId>,
    files: HashMap<&'a str, Arc<PathBuf>>,
    modules: Vec<Arc<PathBuf>>,
    calls: NativeCalls,
}

impl<'a> NativeResolver<'a> {
    pub fn new(capture: &'a CompactCapture) -> Self {
        let cwd = capture.process.as_ref().map(|process| path_of(&process.cwd));
        let cwd = cwd.unwrap_or_default();
        let path = |module: &Option<lowtide_capture::Module>| {
            let lost = || PathBuf::from("<lost>");
            Arc::new(
                module.as_ref().map_or_else(lost, |module| absolute(&path_of(&module.path), &cwd)),
            )
        };
        let modules = capture.modules.iter().map(path).collect();
        Self {
            capture,
            modules,
            cwd,
            by_content: HashMap::new(),
            files: HashMap::new(),
            calls: NativeCalls::default(),
        }
    }

    pub fn call_at(&mut self, module: u32, address: u32) -> CallId {
        let frames = self.frames_at(NativeAddress { module, address });
        let calls = &mut self.calls.calls;
        *self.by_content.entry(frames).or_insert_with_key(|frames| {
            calls.push(frames.clone());
            id_of(calls.len() - 1)
        })
    }

    pub fn finish(self) -> NativeCalls {
        self.calls
    }

    fn frames_at(&mut self, at: NativeAddress) -> Vec<NativeFrame> {
        let capture = self.capture;
        let symbols = capture.symbols.get(&at).map_or(&[][..], Vec::as_slice);
        let module = self.modules.get(at.module as usize).cloned().unwrap_or_default();
        let known = symbols.iter().rev().filter(|symbol| !symbol.function.is_empty());
        let frames: Vec<NativeFrame> = known.map(|symbol| self.frame(&module, symbol)).collect();
        if !frames.is_empty() {
            return frames;
        }
        let address = if at.module == UNKNOWN_MODULE { 0 } else { at.address };
        vec![NativeFrame {
            module,
            function: Arc::from(""),
            address,
            file: Arc::default(),
            line: 0,
            is_inlined: false,
        }]
    }

    fn frame(&mut self, module: &Arc<PathBuf>, symbol: &'a Symbol) -> NativeFrame {
        let cwd = &self.cwd;
        let file = self.files.entry(symbol.file.as_str());
        let file = file.or_insert_with_key(|file| Arc::new(absolute(Path::new(file), cwd)));
        NativeFrame {
            module: Arc::clone(module),
            function: Arc::from(symbol.function.as_str()),
            address: 0,
            file: Arc::clone(file),
            line: symbol.line,
            is_inlined: symbol.is_inlined,
        }
    }
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}
