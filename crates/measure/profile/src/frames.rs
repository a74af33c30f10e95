use crate::Frame;
use lowtide_capture::{Capture, Code};
use lowtide_cpython::{LineTable, LineTableFormat};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Index of a frame in [`Frames`].
pub type FrameId = usize;

/// Every place that stands in a capture, each once.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    frames: Vec<Frame>,
}

impl Frames {
    pub fn get(&self, id: FrameId) -> &Frame {
        &self.frames[id]
    }

    pub fn iter(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter()
    }
}

/// Finds the place of an instruction, decoding each code object once.
pub struct FrameResolver<'a> {
    capture: &'a Capture,
    cwd: PathBuf,
    codes: HashMap<u32, ResolvedCode>,
    files: HashMap<Vec<u8>, Arc<PathBuf>>,
    ids: HashMap<Frame, FrameId>,
    /// By code and instruction: most nodes of a tree stand at places that others stand at too.
    places: HashMap<(u32, u32), FrameId>,
    frames: Frames,
}

struct ResolvedCode {
    file: Arc<PathBuf>,
    function: Arc<str>,
    lines: LineTable,
}

impl<'a> FrameResolver<'a> {
    pub fn new(capture: &'a Capture) -> Self {
        let cwd =
            capture.process.as_ref().map(|process| PathBuf::from(OsStr::from_bytes(&process.cwd)));
        Self {
            capture,
            cwd: cwd.unwrap_or_default(),
            codes: HashMap::new(),
            files: HashMap::new(),
            ids: HashMap::new(),
            places: HashMap::new(),
            frames: Frames::default(),
        }
    }

    /// The place that stands for memory without any Python frame.
    pub fn nowhere(&mut self) -> FrameId {
        self.intern(Frame { file: Arc::default(), line: 0, function: Arc::from("") })
    }

    /// The place of an instruction; a code object whose record is lost has a place of its own.
    pub fn place_of(&mut self, code: u32, instruction: u32) -> FrameId {
        if let Some(&place) = self.places.get(&(code, instruction)) {
            return place;
        }
        let place = self.find_place(code, instruction);
        self.places.insert((code, instruction), place);
        place
    }

    fn find_place(&mut self, code: u32, instruction: u32) -> FrameId {
        if !self.codes.contains_key(&code) {
            let resolved = self.resolve_code(code);
            self.codes.insert(code, resolved);
        }
        let resolved = &self.codes[&code];
        let frame = Frame {
            file: Arc::clone(&resolved.file),
            line: resolved.lines.nearest_line(instruction),
            function: Arc::clone(&resolved.function),
        };
        self.intern(frame)
    }

    pub fn finish(self) -> Frames {
        self.frames
    }

    fn resolve_code(&mut self, code: u32) -> ResolvedCode {
        let Some(code) = self.capture.codes.get(code as usize).and_then(Option::as_ref) else {
            let lines = LineTable::decode(LineTableFormat::Pep657, 0, &[]);
            return ResolvedCode {
                file: Arc::new("<lost>".into()),
                function: Arc::from("<lost>"),
                lines,
            };
        };
        ResolvedCode {
            file: self.file_of(code),
            function: Arc::from(String::from_utf8_lossy(&code.qualified_name)),
            lines: LineTable::decode(format_of(code), code.first_line, &code.line_table),
        }
    }

    fn file_of(&mut self, code: &Code) -> Arc<PathBuf> {
        let cwd = &self.cwd;
        let make = || Arc::new(absolute(Path::new(OsStr::from_bytes(&code.filename)), cwd));
        Arc::clone(self.files.entry(code.filename.clone()).or_insert_with(make))
    }

    fn intern(&mut self, frame: Frame) -> FrameId {
        let frames = &mut self.frames.frames;
        *self.ids.entry(frame).or_insert_with_key(|frame| {
            frames.push(frame.clone());
            frames.len() - 1
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
