use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Whether a link at the end of a path is followed by the operation that is about to change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// As `open` and `truncate` do: what the link points at changes.
    Links,
    /// As `rename` and `unlink` do: the link itself changes.
    Nothing,
}

/// The one name of a place: absolute, no links among its folders; `None` if its folder does not exist, in which
/// case nothing can be changed there.
pub(crate) fn canonical(path: &Path, follow: Follow) -> io::Result<Option<PathBuf>> {
    let mut path = path.to_owned();
    // Forty links is where Linux gives up (path_resolution(7)).
    for _ in 0..40 {
        let Some(place) = in_canonical_folder(&path)? else { return Ok(None) };
        if follow == Follow::Nothing || !place.is_symlink() {
            return Ok(Some(place));
        }
        let target = place.read_link()?;
        path = place.parent().unwrap_or(Path::new("/")).join(target);
    }
    Ok(None)
}

fn in_canonical_folder(path: &Path) -> io::Result<Option<PathBuf>> {
    let Some(name) = path.file_name() else {
        return existing(path.canonicalize());
    };
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    Ok(existing(folder.canonicalize())?.map(|folder| folder.join(name)))
}

fn existing(folder: io::Result<PathBuf>) -> io::Result<Option<PathBuf>> {
    match folder {
        Ok(folder) => Ok(Some(folder)),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether writing there changes no file: what the kernel makes up is nobody's data.
pub(crate) fn is_made_up_by_the_kernel(path: &Path) -> bool {
    ["/dev", "/proc", "/sys"].iter().any(|root| path.starts_with(root))
        && !path.starts_with("/dev/shm")
}

/// A file name of 32 hexadecimal digits for `path` (FNV-1a, 128 bits).
pub(crate) fn digest(path: &Path, generation: u64) -> String {
    const PRIME: u128 = 0x0100_0000_0000_0000_0000_013B;
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    let name: &OsStr = path.as_os_str();
    let bytes = name.as_bytes().iter().copied().chain(generation.to_le_bytes());
    let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn two_ways_to_one_file_are_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("real")).unwrap();
        symlink(root.join("real"), root.join("other")).unwrap();
        symlink("real/file", root.join("link")).unwrap();
        let place = Some(root.join("real/file"));
        assert_eq!(canonical(&root.join("other/../real/./file"), Follow::Links).unwrap(), place);
        assert_eq!(canonical(&root.join("link"), Follow::Links).unwrap(), place);
        assert_eq!(
            canonical(&root.join("link"), Follow::Nothing).unwrap(),
            Some(root.join("link"))
        );
        assert_eq!(canonical(&root.join("missing/file"), Follow::Links).unwrap(), None);
    }

    #[test]
    fn a_loop_of_links_is_no_place() {
        let folder = tempfile::tempdir().unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        assert_eq!(canonical(&folder.path().join("a"), Follow::Links).unwrap(), None);
    }
}
