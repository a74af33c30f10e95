use lowtide_profile::Profile;
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

impl Measurements for Profile {
    fn peak(&self) -> Bytes {
        self.peak().heap
    }

    fn python(&self) -> PythonVersion {
        self.process().python
    }

    fn look_up(&self, evidence: &Evidence) -> Measured {
        let usage = match evidence {
            Evidence::AllocatedUnder(spans) => self.under(spans),
            Evidence::Instances { module, qualname } => self.instances(module, qualname),
        };
        Measured { bytes: usage.bytes.0, count: usage.count }
    }
}
