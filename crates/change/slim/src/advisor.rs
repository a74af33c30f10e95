use lowtide_findings::Finding;
use lowtide_profile::Profile;
use lowtide_source::SourceFile;

/// Reads the user's sources and says what could be rewritten.
pub trait Advisor {
    /// The files of the user's own that a run executed.
    fn sources(&self, profile: &Profile) -> Vec<SourceFile>;

    /// What the rules say to these files, joined with a run of exactly these files.
    fn findings(&self, files: &[SourceFile], profile: &Profile) -> Vec<Finding>;
}
