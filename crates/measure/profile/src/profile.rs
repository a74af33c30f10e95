use crate::{
    Exit, LineUsage, Peak, ProcessFacts, ProfileError, Recording, StackUsage, TimelinePoint,
    TypeUsage, Usage,
};
use lowtide_capture::Capture;
use lowtide_units::{Elapsed, LineSpan};
use std::path::{Path, PathBuf};

/// The figures of one process.
#[derive(Clone, Debug)]
pub struct Profile {
    process: ProcessFacts,
    recording: Recording,
    exit: Exit,
    peak: Peak,
    duration: Elapsed,
    lines: Vec<LineUsage>,
    types: Vec<TypeUsage>,
    timeline: Vec<TimelinePoint>,
}

impl Profile {
    /// Reads a capture file.
    ///
    /// # Errors
    /// When it cannot be read or is no capture.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        Ok(Self::from_capture(&lowtide_capture::read(path)?))
    }

    /// The figures of a capture in memory.
    #[must_use]
    pub fn from_capture(capture: &Capture) -> Self {
        let _ = capture;
        unimplemented!()
    }

    /// Captures of forked children next to `path`, in order of process id.
    #[must_use]
    pub fn children_of(path: &Path) -> Vec<PathBuf> {
        let _ = path;
        Vec::new()
    }

    /// Which process it was.
    #[must_use]
    pub fn process(&self) -> &ProcessFacts {
        &self.process
    }

    /// How far the figures reach.
    #[must_use]
    pub fn recording(&self) -> Recording {
        self.recording
    }

    /// How the process ended.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The moment with most live bytes.
    #[must_use]
    pub fn peak(&self) -> &Peak {
        &self.peak
    }

    /// Of the process where its launcher noted it, otherwise of the recording.
    #[must_use]
    pub fn duration(&self) -> Elapsed {
        self.duration
    }

    /// Each line that asked for memory, most bytes at the peak first, then by name. Their bytes at the peak add up to
    /// the peak's heap.
    #[must_use]
    pub fn lines(&self) -> &[LineUsage] {
        &self.lines
    }

    /// Live at the peak of what was asked for on these lines or beneath calls made from them, each block once.
    /// A relative file is taken from the process's working directory.
    #[must_use]
    pub fn under(&self, spans: &[LineSpan]) -> Usage {
        let _ = spans;
        Usage::default()
    }

    /// Each stack that asked for memory, most bytes at the peak first.
    #[must_use]
    pub fn stacks(&self) -> Vec<StackUsage> {
        Vec::new()
    }

    /// Object types near the peak, most bytes first, then by name.
    #[must_use]
    pub fn types(&self) -> &[TypeUsage] {
        &self.types
    }

    /// Instances of a class near the peak. The script's own classes are found by its module name as well as by
    /// `__main__`.
    #[must_use]
    pub fn instances(&self, module: &str, qualname: &str) -> Usage {
        let _ = (module, qualname);
        Usage::default()
    }

    /// How memory went, by time.
    #[must_use]
    pub fn timeline(&self) -> &[TimelinePoint] {
        &self.timeline
    }

    /// Every source file of which a function asked for memory, sorted; without names such as `<frozen ...>`.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}
