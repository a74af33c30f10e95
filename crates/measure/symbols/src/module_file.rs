use blazesym::helper::read_elf_build_id;
use lowtide_capture::{Module, Process};
use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where distributions install debug information, by build id.
const DEBUG_FOLDER: &str = "/usr/lib/debug/.build-id";

/// Which files are taken for the modules of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// The process has just ended: its files are still what it ran. One without a build id is taken for what it was.
    AsTheyRan,
    /// Time has passed, or this is another machine: only the same build id will do.
    OfSameBuild,
}

/// The module's file, or the debug information that was split off it.
pub(crate) fn find(module: &Module, process: Option<&Process>, files: Files) -> Option<PathBuf> {
    let folder = process.map_or(Path::new(""), |process| path(&process.cwd));
    let own = folder.join(path(&module.path));
    let split_off = split_off(&module.build_id);
    [own].into_iter().chain(split_off).find(|file| is_of(module, file, files))
}

fn is_of(module: &Module, file: &Path, files: Files) -> bool {
    if module.build_id.is_empty() {
        return files == Files::AsTheyRan && file.is_file();
    }
    let build_id = read_elf_build_id(file).ok().flatten();
    build_id.is_some_and(|build_id| *build_id == *module.build_id)
}

fn split_off(build_id: &[u8]) -> Option<PathBuf> {
    let (first, rest) = build_id.split_first()?;
    let rest = rest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    Some(PathBuf::from(format!("{DEBUG_FOLDER}/{first:02x}/{rest}.debug")))
}

fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own_module() -> Module {
        let file = std::env::current_exe().unwrap();
        let build_id = read_elf_build_id(&file).unwrap().map(|id| id.to_vec()).unwrap_or_default();
        Module { path: file.as_os_str().as_bytes().to_vec(), build_id, ..Module::default() }
    }

    #[test]
    fn a_file_of_another_build_is_not_taken() {
        let module = Module { build_id: b"another".to_vec(), ..own_module() };
        assert_eq!(find(&module, None, Files::AsTheyRan), None);
        assert_eq!(find(&module, None, Files::OfSameBuild), None);
    }

    #[test]
    fn a_file_without_a_build_id_is_taken_only_while_it_is_fresh() {
        let module = Module { build_id: Vec::new(), ..own_module() };
        assert_eq!(find(&module, None, Files::AsTheyRan), std::env::current_exe().ok());
        assert_eq!(find(&module, None, Files::OfSameBuild), None);
    }

    #[test]
    fn split_off_debug_information_is_named_by_its_build_id() {
        let expected = "/usr/lib/debug/.build-id/0a/ff01.debug";
        assert_eq!(split_off(&[0x0a, 0xff, 0x01]), Some(expected.into()));
        assert_eq!(split_off(&[]), None);
    }
}
