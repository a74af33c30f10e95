use lowtide_rules::{Evidence, Measured};
use lowtide_units::{Bytes, PythonVersion};

/// What a run has to say to a candidate.
pub trait Measurements {
    /// Live bytes at the peak: what a saving is compared with.
    fn peak(&self) -> Bytes;
    /// The CPython that ran, which decides what an instance weighs.
    fn python(&self) -> PythonVersion;
    /// What the peak holds of this evidence.
    fn look_up(&self, evidence: &Evidence) -> Measured;
}
