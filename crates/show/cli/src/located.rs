use lowtide_findings::Measurements;
use lowtide_profile::Profile;
use lowtide_rules::{Evidence, Measured};
use lowtide_units::{Bytes, LineSpan, PythonVersion};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A profile that is asked about files by any of their names: the program may have been started from another folder,
/// or have come to a file through a symbolic link.
pub struct Located<'a> {
    profile: &'a Profile,
    recorded_names: BTreeMap<PathBuf, Vec<PathBuf>>,
}

impl<'a> Located<'a> {
    pub fn new(profile: &'a Profile) -> Self {
        let mut recorded_names: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for file in &profile.files() {
            recorded_names.entry(resolved(file)).or_default().push(file.clone());
        }
        Self { profile, recorded_names }
    }

    fn recorded(&self, span: &LineSpan) -> Vec<LineSpan> {
        let names = self.recorded_names.get(&resolved(&span.file));
        let renamed = |file: &PathBuf| LineSpan { file: file.clone(), ..span.clone() };
        names.into_iter().flatten().map(renamed).collect()
    }
}

impl Measurements for Located<'_> {
    fn peak(&self) -> Bytes {
        Measurements::peak(self.profile)
    }

    fn python(&self) -> PythonVersion {
        Measurements::python(self.profile)
    }

    fn look_up(&self, evidence: &Evidence) -> Measured {
        match evidence {
            Evidence::AllocatedUnder(spans) => {
                let spans = spans.iter().flat_map(|span| self.recorded(span)).collect();
                self.profile.look_up(&Evidence::AllocatedUnder(spans))
            }
            Evidence::Instances { .. } => self.profile.look_up(evidence),
        }
    }
}

/// The one name that a file has without links; of a file that is gone, the absolute one.
fn resolved(file: &Path) -> PathBuf {
    file.canonicalize().or_else(|_| std::path::absolute(file)).unwrap_or_else(|_| file.to_owned())
}
