use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Finds the one name that a file has without links. What is found of a folder holds for all files in it.
#[derive(Default)]
pub struct RealPaths {
    folders: RefCell<HashMap<PathBuf, Option<PathBuf>>>,
}

impl RealPaths {
    /// `None` if it is not there.
    pub fn of(&self, file: &Path) -> Option<PathBuf> {
        let Some((folder, name)) = file.parent().zip(file.file_name()) else {
            return file.canonicalize().ok();
        };
        let path = self.of_folder(folder)?.join(name);
        let metadata = path.symlink_metadata().ok()?;
        if metadata.is_symlink() { path.canonicalize().ok() } else { Some(path) }
    }

    fn of_folder(&self, folder: &Path) -> Option<PathBuf> {
        if let Some(known) = self.folders.borrow().get(folder) {
            return known.clone();
        }
        let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let real = here.canonicalize().ok();
        self.folders.borrow_mut().insert(folder.to_owned(), real.clone());
        real
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_has_one_name_whichever_link_led_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        fs::write(at("real/a.py"), "").unwrap();
        symlink(at("real"), at("linked")).unwrap();
        symlink("a.py", at("real/b.py")).unwrap();
        symlink("nowhere", at("real/c.py")).unwrap();
        let paths = RealPaths::default();
        let names = ["real/a.py", "linked/a.py", "linked/b.py", "real/../real/a.py", "real"];
        for name in names {
            assert_eq!(paths.of(&at(name)), at(name).canonicalize().ok(), "{name}");
        }
        for name in ["real/c.py", "real/d.py", "gone/a.py", "real/a.py/x"] {
            assert_eq!(paths.of(&at(name)), None, "{name}");
        }
        assert_eq!(paths.of(Path::new("Cargo.toml")), Path::new("Cargo.toml").canonicalize().ok());
        assert_eq!(paths.of(Path::new("/")), Some(PathBuf::from("/")));
    }
}
