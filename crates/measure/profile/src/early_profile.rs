use crate::Profile;
use crate::call_tree::CompactCapture;
use crate::tree::LineTree;
use crate::{TypeUsage, reading};
use lowtide_capture::{Ending, State, Summary};

/// All of a profile that takes time, of a capture that is complete but for how its process ended.
#[derive(Clone, Debug)]
pub struct EarlyProfile {
    pub(crate) capture: CompactCapture,
    pub(crate) tree: LineTree,
    pub(crate) types: Vec<TypeUsage>,
    pub(crate) has_temporary: bool,
}

impl EarlyProfile {
    /// The figures of a capture that was read for them.
    #[must_use]
    pub fn of(mut capture: CompactCapture) -> Self {
        let temporary = capture.temporary.take();
        let calls = std::mem::take(&mut capture.nodes)
            .with_temporary(temporary.as_deref().unwrap_or_default());
        let tree = LineTree::of(calls, &capture);
        let types = reading::types(&capture, &tree);
        Self { capture, tree, types, has_temporary: temporary.is_some() }
    }

    /// Whether a capture whose header says this now is the one that was read, with nothing recorded since.
    #[must_use]
    pub fn is_of(&self, now: &Summary) -> bool {
        let told = |summary: &Summary| {
            let Summary { pid, started_unix_ns, elapsed_ns, state, .. } = *summary;
            (pid, started_unix_ns, elapsed_ns, state == State::Ended)
        };
        now.state == State::Ended && told(now) == told(&self.capture.summary)
    }

    /// The profile of the process, of which this is the ending.
    #[must_use]
    pub fn ended(mut self, ending: Ending) -> Profile {
        self.capture.ending = Some(ending);
        Profile::from(self)
    }
}
