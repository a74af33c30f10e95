use crate::real_paths::RealPaths;
use lowtide_findings::Measurements;
use lowtide_profile::Profile;
use lowtide_rules::{Evidence, Measured};
use lowtide_units::{Bytes, LineSpan, PythonVersion};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A profile that is asked about files by any of their names: the program may have been started from another folder,
/// or have come to a file through a symbolic link.
pub struct Located<'a> {
    profile: &'a Profile,
    real_paths: RealPaths,
    /// Most runs have nothing that anybody asks about, and thousands of files.
    recorded_names: OnceCell<BTreeMap<PathBuf, Vec<PathBuf>>>,
}

impl<'a> Located<'a> {
    pub fn new(profile: &'a Profile) -> Self {
        Self { profile, real_paths: RealPaths::default(), recorded_names: OnceCell::new() }
    }

    fn recorded(&self, span: &LineSpan) -> Vec<LineSpan> {
        let names = self.recorded_names.get_or_init(|| self.recorded_names());
        let names = names.get(&self.resolved(&span.file));
        let renamed = |file: &PathBuf| LineSpan { file: file.clone(), ..span.clone() };
        names.into_iter().flatten().map(renamed).collect()
    }

    fn recorded_names(&self) -> BTreeMap<PathBuf, Vec<PathBuf>> {
        let mut names: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for file in self.profile.files() {
            names.entry(self.resolved(&file)).or_default().push(file);
        }
        names
    }

    /// The one name that a file has without links; of a file that is gone, the absolute one.
    fn resolved(&self, file: &Path) -> PathBuf {
        let real = self.real_paths.of(file);
        real.or_else(|| std::path::absolute(file).ok()).unwrap_or_else(|| file.to_owned())
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
