use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The captures of forked children (and theirs) that lie next to `path`, in order of process ids. A folder that
/// cannot be listed has none.
#[must_use]
pub fn children_of(path: &Path) -> Vec<PathBuf> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut children: Vec<(Vec<u32>, PathBuf)> = entries
        .filter_map(|entry| {
            Some((pids_after(path.file_name()?, &entry.file_name())?, entry.path()))
        })
        .collect();
    children.sort();
    children.into_iter().map(|(_, path)| path).collect()
}

/// `[12, 13]` for `run.lowtide.12.13` after `run.lowtide`.
fn pids_after(name: &OsStr, child: &OsStr) -> Option<Vec<u32>> {
    let rest = child.to_str()?.strip_prefix(name.to_str()?)?.strip_prefix('.')?;
    rest.split('.').map(|pid| pid.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn children_are_found_by_their_process_ids() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.lowtide");
        for name in [
            "run.lowtide",
            "run.lowtide.100",
            "run.lowtide.99",
            "run.lowtide.99.7",
            "run.lowtide.bak",
            "run.2",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = children_of(&path);
        let names: Vec<_> =
            found.iter().map(|path| path.extension().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["99", "7", "100"]);
        assert!(children_of(Path::new("/nowhere/run.lowtide")).is_empty());
    }
}
