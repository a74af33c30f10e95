use lowtide_journal::Substitute;
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One source that is read in another version.
pub(crate) struct Substitution {
    original: PathBuf,
    folder: PathBuf,
    /// What the names of its byte code files start with.
    byte_code_prefix: Vec<u8>,
    replacement: CString,
}

/// What a program that opens a path for reading shall get.
pub(crate) enum Reading<'a> {
    /// What it asked for.
    AsAsked,
    /// This file.
    Instead(&'a CStr),
    /// Nothing: byte code of a source that is substituted.
    Missing,
}

impl Substitution {
    /// `None` for a substitute without a file name, which no program can open.
    pub(crate) fn new(substitute: &Substitute) -> Option<Self> {
        let original =
            substitute.original.canonicalize().unwrap_or_else(|_| substitute.original.clone());
        let folder = original.parent()?.to_owned();
        let mut byte_code_prefix = original.file_stem()?.as_bytes().to_vec();
        byte_code_prefix.push(b'.');
        let replacement = CString::new(substitute.replacement.as_os_str().as_bytes()).ok()?;
        Some(Self { original, folder, byte_code_prefix, replacement })
    }

    pub(crate) fn reading(&self, path: &Path) -> Reading<'_> {
        let Some(name) = path.file_name() else { return Reading::AsAsked };
        if Some(name) == self.original.file_name() && is_same(path, &self.original) {
            return Reading::Instead(&self.replacement);
        }
        if self.is_byte_code(name, path) { Reading::Missing } else { Reading::AsAsked }
    }

    /// Beside the source, in `__pycache__`, or in the tree that `sys.pycache_prefix` names (PEP 3147). Python writes it
    /// under a longer name first.
    fn is_byte_code(&self, name: &OsStr, path: &Path) -> bool {
        let name = name.as_bytes();
        let looks_like_it = name.starts_with(&self.byte_code_prefix) && contains(name, b".pyc");
        looks_like_it && path.parent().is_some_and(|folder| self.is_cache_folder(folder))
    }

    fn is_cache_folder(&self, folder: &Path) -> bool {
        let source_folder =
            if folder.ends_with("__pycache__") { folder.parent() } else { Some(folder) };
        let mirrored = self.folder.strip_prefix("/").unwrap_or(&self.folder);
        source_folder
            .is_some_and(|folder| is_same(folder, &self.folder) || folder.ends_with(mirrored))
    }
}

fn is_same(path: &Path, canonical: &Path) -> bool {
    path == canonical || path.canonicalize().is_ok_and(|path| path == canonical)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
