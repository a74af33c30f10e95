use crate::call_tree::{CallTree, CompactCapture};
use crate::facts::ProcessLife;
use crate::frames::absolute;
use crate::main_module::{MainModule, ends_with_module};
use crate::tree::LineTree;
use crate::{
    Exit, Fall, FileMapped, Frame, LineUsage, NativeModule, NativeUsage, Peak, ProcessFacts,
    ProfileError, Recording, Sampling, StackUsage, TimelinePoint, TypeUsage, Usage, native,
    reading,
};
use lowtide_capture::{Capture, Ending, Way};
use lowtide_units::{Bytes, Elapsed, LineSpan};
use std::path::{Path, PathBuf};

/// The figures of one process.
#[derive(Clone, Debug)]
pub struct Profile {
    process: ProcessFacts,
    recording: Recording,
    pub(crate) exit: Exit,
    pub(crate) life: ProcessLife,
    peak: Peak,
    duration: Elapsed,
    churn: Usage,
    temporary: Option<Usage>,
    tree: LineTree,
    types: Vec<TypeUsage>,
    heap_at_census: Option<Bytes>,
    timeline: Vec<TimelinePoint>,
    most_resident: Option<TimelinePoint>,
    file_mapped: FileMapped,
    modules: Vec<NativeModule>,
    sampling: Option<Sampling>,
}

impl Profile {
    /// Reads a capture file.
    ///
    /// # Errors
    /// When it cannot be read or is no capture.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        Ok(Self::of(lowtide_capture::read_into(path)?))
    }

    /// The figures of a capture in memory.
    #[must_use]
    pub fn from_capture(capture: &Capture) -> Self {
        Self::of(capture.clone().with_nodes(CallTree::of(capture)))
    }

    /// The figures of a capture that was read for them.
    #[must_use]
    pub fn of(mut capture: CompactCapture) -> Self {
        let temporary = capture.temporary.take();
        let calls = std::mem::take(&mut capture.nodes)
            .with_temporary(temporary.as_deref().unwrap_or_default());
        let tree = LineTree::of(calls, &capture);
        let capture = &capture;
        let mut profile = Self {
            process: reading::process_facts(capture),
            recording: reading::recording(capture),
            exit: reading::exit(capture),
            life: reading::life(capture, &tree),
            peak: reading::peak(capture, &tree),
            duration: Elapsed::from_nanos(capture.summary.elapsed_ns),
            churn: tree.counters.churn.total(),
            temporary: temporary.map(|_| tree.counters.temporary.total()),
            types: reading::types(capture, &tree),
            heap_at_census: capture.census.as_ref().map(|census| Bytes(census.live_bytes)),
            timeline: reading::timeline(capture),
            most_resident: reading::most_resident(capture),
            file_mapped: reading::file_mapped(capture),
            modules: native::modules(capture),
            sampling: reading::sampling(capture),
            tree,
        };
        capture.ending.into_iter().for_each(|ending| profile.note_ending(ending));
        profile
    }

    /// What the launcher saw of the end of the process.
    pub(crate) fn note_ending(&mut self, ending: Ending) {
        self.exit = match ending.signal {
            0 => Exit::Status(ending.exit_code),
            signal => Exit::Signal(signal),
        };
        self.peak.rss = self.peak.rss.max(Bytes(ending.peak_rss_bytes));
        self.duration = Elapsed::from_nanos(ending.duration_ns);
    }

    /// Forgets lines, stacks and files, which take most of the memory: from now on there are none.
    #[must_use]
    pub fn without_lines(self) -> Self {
        Self { tree: LineTree::default(), ..self }
    }

    /// Captures of the other processes of a run next to `path`, in order of process id.
    #[must_use]
    pub fn children_of(path: &Path) -> Vec<PathBuf> {
        lowtide_capture::children_of(path)
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

    /// Whether the process ended by executing another program in its place.
    #[must_use]
    pub fn became_another(&self) -> bool {
        self.recording == Recording::Complete && self.life.way == Some(Way::Exec)
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

    /// Allocated in total.
    #[must_use]
    pub fn churn(&self) -> Usage {
        self.churn
    }

    /// Of [`Self::churn`], freed before the fourth next allocation of its thread, by that thread; `None` where that was not
    /// recorded.
    #[must_use]
    pub fn temporary(&self) -> Option<Usage> {
        self.temporary
    }

    /// Each line that asked for memory, most bytes at the peak first, then by name. Their bytes at the peak add up to
    /// the peak's heap.
    #[must_use]
    pub fn lines(&self) -> Vec<LineUsage> {
        self.heaviest_lines(usize::MAX)
    }

    /// The first `count` of [`Self::lines`].
    #[must_use]
    pub fn heaviest_lines(&self, count: usize) -> Vec<LineUsage> {
        self.tree.heaviest_lines(count)
    }

    /// How many lines hold some of the peak.
    #[must_use]
    pub fn lines_at_peak(&self) -> usize {
        self.tree.lines_at_peak()
    }

    /// Live at the peak of what was asked for on these lines or beneath calls made from them, each block once.
    /// A relative file is taken from the process's working directory.
    #[must_use]
    pub fn under(&self, spans: &[LineSpan]) -> Usage {
        let spans: Vec<LineSpan> = spans
            .iter()
            .map(|span| LineSpan { file: absolute(&span.file, &self.process.cwd), ..span.clone() })
            .collect();
        self.tree.under(&spans)
    }

    /// The `count` stacks with most live at the peak, most first. A deep recursion has as many stacks as levels, so
    /// that all of them together can be far larger than the capture.
    #[must_use]
    pub fn heaviest_stacks(&self, count: usize) -> Vec<StackUsage> {
        self.tree.heaviest_stacks(count)
    }

    /// What a line asked native code for, by the native functions on the way; most live at the peak first. Empty unless
    /// native functions were recorded.
    #[must_use]
    pub fn native_usage(&self, place: &Frame) -> Vec<NativeUsage> {
        self.tree.native_usage(place)
    }

    /// The programs and libraries that native functions were seen in.
    #[must_use]
    pub fn modules(&self) -> &[NativeModule] {
        &self.modules
    }

    /// Whether native functions were recorded.
    #[must_use]
    pub fn has_native_frames(&self) -> bool {
        self.tree.places.has_native_frames()
    }

    /// Object types near the peak and the lines that made the objects, most bytes first, then by name.
    #[must_use]
    pub fn types(&self) -> &[TypeUsage] {
        &self.types
    }

    /// Live bytes of the whole heap when [`Self::types`] were counted: at the peak or a little before; `None` without
    /// a count.
    #[must_use]
    pub fn heap_at_census(&self) -> Option<Bytes> {
        self.heap_at_census
    }

    /// Instances of a class near the peak. `module` is the dotted path of its file: it may begin further up than the
    /// module's own name (`src.app` finds `app`), and a script's own name finds the classes of `__main__`.
    #[must_use]
    pub fn instances(&self, module: &str, qualname: &str) -> Usage {
        let module = module.strip_suffix(".__init__").unwrap_or(module);
        let main = MainModule::of(&self.process.argv);
        let is_meant = |name: &str| {
            let Some(found) = name.strip_suffix(qualname).and_then(|rest| rest.strip_suffix('.'))
            else {
                return false;
            };
            ends_with_module(module, found) || found == "__main__" && main.is_called(module)
        };
        self.types.iter().filter(|usage| is_meant(&usage.name)).map(|usage| usage.live).sum()
    }

    /// How memory went, by time.
    #[must_use]
    pub fn timeline(&self) -> &[TimelinePoint] {
        &self.timeline
    }

    /// The moment with most resident bytes that the tracker saw; `None` when the run was too short.
    #[must_use]
    pub fn most_resident(&self) -> Option<TimelinePoint> {
        self.most_resident
    }

    /// The timeline's point nearest the peak.
    #[must_use]
    pub fn near_peak(&self) -> Option<TimelinePoint> {
        self.timeline.iter().copied().max_by_key(|point| point.heap)
    }

    /// From the timeline's highest heap to its lowest after that, if that is a fall by a tenth at least and RSS did not
    /// follow: a tenth of it and 1 MB at least stayed resident.
    #[must_use]
    pub fn fall(&self) -> Option<Fall> {
        reading::fall(&self.timeline)
    }

    /// Files that the program mapped.
    #[must_use]
    pub fn file_mapped(&self) -> FileMapped {
        self.file_mapped
    }

    /// How blocks were sampled; `None` if each was recorded.
    #[must_use]
    pub fn sampling(&self) -> Option<Sampling> {
        self.sampling
    }

    /// Every source file of which a function asked for memory, sorted; without names such as `<frozen ...>`.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let files = self.tree.frames.files().into_iter();
        files.filter(|file| file.is_absolute()).map(Path::to_owned).collect()
    }
}
