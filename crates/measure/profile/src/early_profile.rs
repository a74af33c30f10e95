use crate::Profile;
use crate::call_tree::CompactCapture;
use lowtide_capture::{Ending, State, Summary};

/// The profile of a capture that is complete but for how its process ended.
#[derive(Clone, Debug)]
pub struct EarlyProfile {
    profile: Profile,
    summary: Summary,
}

impl EarlyProfile {
    /// The figures of a capture that was read for them.
    #[must_use]
    pub fn of(capture: CompactCapture) -> Self {
        let summary = capture.summary;
        Self { profile: Profile::of(capture), summary }
    }

    /// What is known already: all but the figures that an ending has.
    #[must_use]
    pub fn so_far(&self) -> &Profile {
        &self.profile
    }

    /// The same, when lines, stacks and files were asked for.
    #[must_use]
    pub fn without_lines(self) -> Self {
        Self { profile: self.profile.without_lines(), ..self }
    }

    /// Whether a capture whose header says this now is the one that was read, with nothing recorded since.
    #[must_use]
    pub fn is_of(&self, now: &Summary) -> bool {
        let told = |summary: &Summary| {
            let Summary { pid, started_unix_ns, elapsed_ns, state, .. } = *summary;
            (pid, started_unix_ns, elapsed_ns, state == State::Ended)
        };
        now.state == State::Ended && told(now) == told(&self.summary)
    }

    /// The profile of the process, of which this is the ending.
    #[must_use]
    pub fn ended(mut self, ending: Ending) -> Profile {
        self.profile.note_ending(ending);
        self.profile
    }
}
