use crate::LaunchError;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The folder of the Python package, if it is not where it usually is.
const VARIABLE: &str = "LOWTIDE_HOME";
/// The package as seen from the root of a checkout.
const PACKAGE_IN_CHECKOUT: &str = "python/lowtide";
/// Folders inside the one that a build puts its libraries into.
const BELOW_BUILT: [&str; 2] = ["deps", "examples"];

/// Where the parts of lowtide are that a program is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The folder that is put on PYTHONPATH.
    pub boot: PathBuf,
    /// The tracker's extension module.
    pub tracker: PathBuf,
    /// The stage's extension module.
    pub stage: PathBuf,
}

impl Installation {
    /// The installation that the running program belongs to: `$LOWTIDE_HOME`, else the Python package beside the
    /// program's `bin` folder, else the checkout that the program was built in.
    ///
    /// # Errors
    /// When there is none.
    pub fn find() -> Result<Self, LaunchError> {
        let program =
            env::current_exe().map_err(LaunchError::system("find the running program"))?;
        let named = env::var_os(VARIABLE).filter(|value| !value.is_empty());
        named
            .map(|home| Self::of_package(Path::new(&home)))
            .or_else(|| Self::of_program(&program))
            .ok_or(LaunchError::NotInstalled { path: program })
    }

    /// A virtual environment may lie inside a checkout, so its package comes first.
    fn of_program(program: &Path) -> Option<Self> {
        let package = packages_beside(program).next().map(|home| Self::of_package(&home));
        package.or_else(|| Self::of_checkout(program))
    }

    fn of_package(home: &Path) -> Self {
        Self {
            boot: home.join("boot"),
            tracker: home.join("_tracker.abi3.so"),
            stage: home.join("_stage.abi3.so"),
        }
    }

    /// A build puts programs and libraries into one folder, tests and examples into folders below it.
    fn of_checkout(program: &Path) -> Option<Self> {
        let package = program
            .ancestors()
            .map(|root| root.join(PACKAGE_IN_CHECKOUT))
            .find(|path| path.is_dir())?;
        let built = program
            .ancestors()
            .skip(1)
            .find(|folder| !BELOW_BUILT.iter().any(|below| folder.ends_with(below)))?;
        Some(Self {
            boot: package.join("boot"),
            tracker: built.join(library("tracker")),
            stage: built.join(library("stage")),
        })
    }

    pub(crate) fn check_boot(&self) -> Result<&Path, LaunchError> {
        present("start-up folder", &self.boot, self.boot.join("sitecustomize.py").is_file())
    }

    pub(crate) fn check_tracker(&self) -> Result<&Path, LaunchError> {
        present("tracker", &self.tracker, self.tracker.is_file())
    }

    pub(crate) fn check_stage(&self) -> Result<&Path, LaunchError> {
        present("stage", &self.stage, self.stage.is_file())
    }
}

fn present<'a>(
    part: &'static str,
    path: &'a Path,
    is_there: bool,
) -> Result<&'a Path, LaunchError> {
    if is_there {
        Ok(path)
    } else {
        Err(LaunchError::IncompleteInstallation { part, path: path.into() })
    }
}

fn library(part: &str) -> String {
    format!("liblowtide_{part}.so")
}

/// Packages in the places that installers choose for a program `PREFIX/bin/lowtide`; later Pythons first.
fn packages_beside(program: &Path) -> impl Iterator<Item = PathBuf> {
    let prefix = program.ancestors().nth(2).unwrap_or(Path::new("/")).to_owned();
    let mut found: Vec<PathBuf> = ["lib", "lib64"]
        .iter()
        .flat_map(|lib| fs::read_dir(prefix.join(lib)).into_iter().flatten().flatten())
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"python3"))
        .flat_map(|entry| ["site-packages", "dist-packages"].map(|site| entry.path().join(site)))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    // `pip install --target FOLDER` puts packages beside FOLDER/bin.
    found.push(prefix);
    found
        .into_iter()
        .map(|site| site.join("lowtide"))
        .filter(|package| package.join("boot").is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(folders: &[&str]) -> tempfile::TempDir {
        let prefix = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(prefix.path().join(folder)).unwrap();
        }
        prefix
    }

    #[test]
    fn a_package_is_found_from_the_bin_folder_of_its_environment() {
        let package = "lib/python3.12/site-packages/lowtide";
        let prefix =
            made(&["bin", "lib/python3.13/site-packages/other", &format!("{package}/boot")]);
        let found: Vec<_> = packages_beside(&prefix.path().join("bin/lowtide")).collect();
        assert_eq!(found, [prefix.path().join(package)]);
    }

    #[test]
    fn a_package_is_found_in_a_target_folder() {
        let prefix = made(&["bin", "lowtide/boot"]);
        let found: Vec<_> = packages_beside(&prefix.path().join("bin/lowtide")).collect();
        assert_eq!(found, [prefix.path().join("lowtide")]);
    }

    #[test]
    fn a_test_in_a_checkout_finds_the_libraries_above_it() {
        let checkout = made(&["python/lowtide", "target/debug/deps"]);
        let found = Installation::of_checkout(&checkout.path().join("target/debug/deps/some-test"))
            .unwrap();
        assert_eq!(found.tracker, checkout.path().join("target/debug/liblowtide_tracker.so"));
        assert_eq!(found.boot, checkout.path().join("python/lowtide/boot"));
    }

    #[test]
    fn an_environment_inside_a_checkout_is_no_build_of_it() {
        let package = ".venv/lib/python3.12/site-packages/lowtide";
        let checkout = made(&["python/lowtide", ".venv/bin", &format!("{package}/boot")]);
        let found = Installation::of_program(&checkout.path().join(".venv/bin/lowtide")).unwrap();
        assert_eq!(found.boot, checkout.path().join(package).join("boot"));
    }

    #[test]
    fn a_missing_part_is_named() {
        let installation = Installation::of_package(Path::new("/nowhere"));
        let error = installation.check_tracker().unwrap_err();
        assert_eq!(error.to_string(), "lowtide's tracker is missing: /nowhere/_tracker.abi3.so");
    }
}
