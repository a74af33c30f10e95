use crate::Frame;
use crate::call_tree::{Call, CompactCapture, id_of};
use lowtide_capture::Code;
use lowtide_cpython::{LineTable, LineTableFormat};
use lowtide_units::LineSpan;
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Index of a frame in [`Frames`].
pub type FrameId = u32;
type FileId = u32;
type FunctionId = u32;

/// Every place that stands in a capture, each once.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    files: Vec<Arc<PathBuf>>,
    /// Where each file stands among all in their order.
    ranks: Vec<usize>,
    functions: Vec<(FileId, Arc<str>)>,
    lines: Vec<(FunctionId, u32)>,
}

impl Frames {
    /// So many ids there are.
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    pub fn get(&self, id: FrameId) -> Frame {
        let (function, line) = self.lines[id as usize];
        let (file, name) = &self.functions[function as usize];
        let file = Arc::clone(&self.files[*file as usize]);
        Frame { file, line, function: Arc::clone(name) }
    }

    pub fn id_of(&self, frame: &Frame) -> Option<FrameId> {
        let is_meant = |(function, line): &(FunctionId, u32)| {
            let (file, name) = &self.functions[*function as usize];
            *line == frame.line
                && *name == frame.function
                && self.files[*file as usize] == frame.file
        };
        self.lines.iter().position(is_meant).map(id_of)
    }

    /// As [`Frame`]s are ordered, without looking at paths.
    pub fn compare(&self, a: FrameId, b: FrameId) -> Ordering {
        let [a, b] = [a, b].map(|id| {
            let (function, line) = self.lines[id as usize];
            let (file, name) = &self.functions[function as usize];
            (self.ranks[*file as usize], line, name)
        });
        a.cmp(&b)
    }

    /// All source files, sorted.
    pub fn files(&self) -> Vec<&Path> {
        let mut files: Vec<&Path> = vec![Path::new(""); self.files.len()];
        for (file, &rank) in self.files.iter().zip(&self.ranks) {
            files[rank] = file;
        }
        files
    }

    /// For each frame, whether it is on one of these lines.
    pub fn are_on(&self, spans: &[LineSpan]) -> Vec<bool> {
        let spans_of = |file: &Arc<PathBuf>| {
            spans.iter().filter(|span| span.file == **file).collect::<Vec<_>>()
        };
        let by_file: Vec<Vec<&LineSpan>> = self.files.iter().map(spans_of).collect();
        let is_on = |&(function, line): &(FunctionId, u32)| {
            let (file, _) = self.functions[function as usize];
            by_file[file as usize].iter().any(|span| span.holds_line(line))
        };
        self.lines.iter().map(is_on).collect()
    }
}

/// Finds the places of instructions.
pub struct FrameResolver<'a> {
    capture: &'a CompactCapture,
    cwd: PathBuf,
    files: FxHashMap<&'a [u8], FileId>,
    /// Files can have several names.
    file_ids: FxHashMap<Arc<PathBuf>, FileId>,
    function_ids: FxHashMap<(FileId, Arc<str>), FunctionId>,
    ids: FxHashMap<(FunctionId, u32), FrameId>,
    frames: Frames,
}

impl<'a> FrameResolver<'a> {
    pub fn new(capture: &'a CompactCapture) -> Self {
        let cwd =
            capture.process.as_ref().map(|process| PathBuf::from(OsStr::from_bytes(&process.cwd)));
        Self {
            capture,
            cwd: cwd.unwrap_or_default(),
            files: FxHashMap::default(),
            file_ids: FxHashMap::default(),
            function_ids: FxHashMap::default(),
            ids: FxHashMap::default(),
            frames: Frames::default(),
        }
    }

    /// The place that stands for memory without any Python frame.
    pub fn nowhere(&mut self) -> FrameId {
        let file = self.file(PathBuf::new());
        let function = self.function(file, Arc::from(""));
        self.frame(function, 0)
    }

    /// The place of each call; nowhere where it is none of a line. Each code object is decoded once, and none is kept.
    pub fn frames_of(&mut self, calls: &[Call]) -> Vec<FrameId> {
        let mut frames = vec![self.nowhere(); calls.len()];
        let mut by_code: Vec<usize> =
            (0..calls.len()).filter(|&call| calls[call].is_line()).collect();
        by_code.sort_unstable_by_key(|&call| calls[call].code);
        self.ids.reserve(by_code.len());
        for of_code in by_code.chunk_by(|&a, &b| calls[a].code == calls[b].code) {
            let (function, lines) = self.resolve(calls[of_code[0]].code);
            for &call in of_code {
                frames[call] = self.frame(function, lines.nearest_line(calls[call].instruction));
            }
        }
        frames
    }

    pub fn finish(mut self) -> Frames {
        let files = &self.frames.files;
        let mut in_order: Vec<usize> = (0..files.len()).collect();
        in_order.sort_unstable_by(|&a, &b| files[a].cmp(&files[b]));
        let mut ranks = vec![0; files.len()];
        for (rank, file) in in_order.into_iter().enumerate() {
            ranks[file] = rank;
        }
        self.frames.ranks = ranks;
        self.frames
    }

    /// A code object whose record is lost has a place of its own.
    fn resolve(&mut self, code: u32) -> (FunctionId, LineTable) {
        let capture = self.capture;
        let Some(Some(code)) = capture.codes.get(code as usize) else {
            let file = self.file("<lost>".into());
            let lines = LineTable::decode(LineTableFormat::Pep657, 0, &[]);
            return (self.function(file, Arc::from("<lost>")), lines);
        };
        let file = self.file_of(code);
        let name = Arc::from(String::from_utf8_lossy(&code.qualified_name));
        let lines = LineTable::decode(format_of(code), code.first_line, &code.line_table);
        (self.function(file, name), lines)
    }

    fn file_of(&mut self, code: &'a Code) -> FileId {
        if let Some(&file) = self.files.get(&*code.filename) {
            return file;
        }
        let file = self.file(absolute(Path::new(OsStr::from_bytes(&code.filename)), &self.cwd));
        self.files.insert(&code.filename, file);
        file
    }

    fn file(&mut self, path: PathBuf) -> FileId {
        let files = &mut self.frames.files;
        *self.file_ids.entry(Arc::new(path)).or_insert_with_key(|path| {
            files.push(Arc::clone(path));
            id_of(files.len() - 1)
        })
    }

    fn function(&mut self, file: FileId, name: Arc<str>) -> FunctionId {
        let functions = &mut self.frames.functions;
        *self.function_ids.entry((file, name)).or_insert_with_key(|(file, name)| {
            functions.push((*file, Arc::clone(name)));
            id_of(functions.len() - 1)
        })
    }

    fn frame(&mut self, function: FunctionId, line: u32) -> FrameId {
        let lines = &mut self.frames.lines;
        *self.ids.entry((function, line)).or_insert_with(|| {
            lines.push((function, line));
            id_of(lines.len() - 1)
        })
    }
}

fn format_of(code: &Code) -> LineTableFormat {
    if code.is_line_table_of_3_10 { LineTableFormat::Pep626 } else { LineTableFormat::Pep657 }
}

/// `path` seen from `cwd`, without `.` and `..`. Names such as `<string>` are no paths and stay.
pub fn absolute(path: &Path, cwd: &Path) -> PathBuf {
    let is_name = path.as_os_str().as_bytes().starts_with(b"<");
    if is_name || path.as_os_str().is_empty() {
        return path.to_owned();
    }
    let mut clean = PathBuf::new();
    for component in cwd.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(clean.pop()),
            _ => clean.push(component),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_from_the_working_directory() {
        let seen = |path| absolute(Path::new(path), Path::new("/home/me"));
        assert_eq!(seen("./src/../app.py"), Path::new("/home/me/app.py"));
        assert_eq!(seen("../app.py"), Path::new("/home/app.py"));
        assert_eq!(seen("/srv//app.py"), Path::new("/srv/app.py"));
        assert_eq!(
            seen("<frozen importlib._bootstrap>"),
            Path::new("<frozen importlib._bootstrap>")
        );
        assert_eq!(seen(""), Path::new(""));
    }
}
