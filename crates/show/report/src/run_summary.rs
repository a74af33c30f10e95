use lowtide_findings::Finding;
use lowtide_profile::{Descendant, Profile};
use std::path::Path;

/// What there is to say about one run, in any format.
pub struct RunSummary<'a> {
    /// The process that was started.
    pub profile: &'a Profile,
    /// The other processes of the run, each with a capture of its own, after its parent.
    pub descendants: &'a [Descendant],
    /// What the rules say to the program's source, largest first.
    pub findings: &'a [Finding],
    /// A capture that was just written and is kept, for the reader to know.
    pub capture: Option<&'a Path>,
}
