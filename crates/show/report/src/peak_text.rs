use crate::Page;
use crate::peak_lines::peak_lines;
use crate::peak_native::peak_native;
use crate::peak_types::peak_types;
use crate::processes::most_at;
use crate::resident::{not_fallen, resident};
use lowtide_profile::Profile;

/// What a report on a run says of where its memory was: it takes nearly all of the time, and is known as soon as recording
/// has ended, before the process has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeakText {
    pub(crate) sections: [Vec<String>; 5],
    /// Where most was asked for, for the table of processes.
    pub(crate) most_at: String,
}

impl PeakText {
    /// What to say of this profile.
    #[must_use]
    pub fn of(profile: &Profile, page: &Page) -> Self {
        let sections = [
            peak_lines(profile, page),
            peak_native(profile, page),
            peak_types(profile, page),
            resident(profile, page),
            not_fallen(profile, page),
        ];
        Self { sections, most_at: most_at(profile, page) }
    }
}
