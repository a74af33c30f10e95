//! What the program's environment gets for the start; the boot module takes it out again.

use lowtide_units::Bytes;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// A variable and its value.
pub(crate) type Variable = (OsString, OsString);

/// What is started inside the program, and with which orders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boot<'a> {
    /// The folder with `sitecustomize.py`.
    pub folder: &'a Path,
    /// The tracker's extension and the capture it writes.
    pub tracker: Option<(&'a Path, &'a Path)>,
    /// The file of orders for the tracker.
    pub control: Option<&'a Path>,
    /// Whether the tracker shall record native frames too.
    pub native: bool,
    /// How many bytes apart, on average, it shall sample; `None` records every block.
    pub sample: Option<Bytes>,
    /// The stage's extension and its folder.
    pub stage: Option<(&'a Path, &'a Path)>,
}

impl Boot<'_> {
    /// The variables to set, given the PYTHONPATH that the program is to see.
    pub(crate) fn variables(&self, python_path: Option<&OsStr>) -> Vec<Variable> {
        let mut variables = vec![(OsString::from("PYTHONPATH"), self.python_path(python_path))];
        let mut set = |name: &str, value: &OsStr| variables.push((name.into(), value.to_owned()));
        if let Some((extension, capture)) = self.tracker {
            set("LOWTIDE_EXTENSION", extension.as_os_str());
            set("LOWTIDE_CAPTURE", capture.as_os_str());
            if let Some(control) = self.control {
                set("LOWTIDE_CONTROL", control.as_os_str());
            }
            if self.native {
                set("LOWTIDE_NATIVE_FRAMES", OsStr::new("1"));
            }
            if let Some(Bytes(bytes)) = self.sample {
                set("LOWTIDE_SAMPLE_BYTES", OsStr::new(&bytes.to_string()));
            }
        }
        if let Some((extension, folder)) = self.stage {
            set("LOWTIDE_STAGE", extension.as_os_str());
            set("LOWTIDE_STAGE_DIR", folder.as_os_str());
        }
        if let Some(python_path) = python_path {
            set("LOWTIDE_PYTHONPATH", python_path);
        }
        variables
    }

    /// CPython takes an empty PYTHONPATH for none, but an empty entry for the working directory.
    fn python_path(&self, python_path: Option<&OsStr>) -> OsString {
        let mut joined = self.folder.as_os_str().to_owned();
        if let Some(rest) = python_path.filter(|rest| !rest.is_empty()) {
            joined.push(":");
            joined.push(rest);
        }
        joined
    }
}

/// `base` with `changes`: a known variable keeps its place, since programs can see the order.
pub(crate) fn changed(
    base: impl IntoIterator<Item = Variable>,
    changes: &[Variable],
) -> Vec<Variable> {
    let mut variables: Vec<Variable> = base.into_iter().collect();
    for (name, value) in changes {
        match variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => old.clone_from(value),
            None => variables.push((name.clone(), value.clone())),
        }
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boot() -> Boot<'static> {
        Boot {
            folder: Path::new("/boot"),
            tracker: None,
            control: None,
            native: false,
            sample: None,
            stage: None,
        }
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<Variable> {
        pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn an_unset_python_path_leaves_nothing_to_restore() {
        assert_eq!(boot().variables(None), owned(&[("PYTHONPATH", "/boot")]));
    }

    #[test]
    fn native_frames_are_an_order_to_the_tracker() {
        let tracker = Some((Path::new("/tracker.so"), Path::new("/run.lowtide")));
        let orders = |native| Boot { tracker, native, ..boot() }.variables(None).len();
        assert_eq!(orders(true), orders(false) + 1);
        assert_eq!(Boot { native: true, ..boot() }.variables(None), boot().variables(None));
    }

    #[test]
    fn a_sampling_distance_is_an_order_to_the_tracker() {
        let tracker = Some((Path::new("/tracker.so"), Path::new("/run.lowtide")));
        let variables = Boot { tracker, sample: Some(Bytes(512)), ..boot() }.variables(None);
        assert_eq!(variables.last(), owned(&[("LOWTIDE_SAMPLE_BYTES", "512")]).last());
    }

    #[test]
    fn an_empty_python_path_is_restored_but_adds_no_entry() {
        let expected = owned(&[("PYTHONPATH", "/boot"), ("LOWTIDE_PYTHONPATH", "")]);
        assert_eq!(boot().variables(Some(OsStr::new(""))), expected);
    }

    #[test]
    fn empty_entries_of_the_python_path_survive() {
        let expected = owned(&[("PYTHONPATH", "/boot::a:"), ("LOWTIDE_PYTHONPATH", ":a:")]);
        assert_eq!(boot().variables(Some(OsStr::new(":a:"))), expected);
    }

    #[test]
    fn a_changed_variable_keeps_its_place_and_a_new_one_comes_last() {
        let result = changed(owned(&[("Z", "1"), ("A", "2")]), &owned(&[("Z", "3"), ("B", "4")]));
        assert_eq!(result, owned(&[("Z", "3"), ("A", "2"), ("B", "4")]));
    }
}
