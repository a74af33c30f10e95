use crate::{FixError, RewrittenFile};
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Writes all files, or none.
///
/// Each new text is first written and synced beside its file; only when all of them lie on the disk do they take their
/// places, one rename each. Mode and owner stay, and a symbolic link stays a link.
///
/// # Errors
/// When a file is read-only or has changed since it was read, or the system refuses. Except for
/// [`FixError::HalfWritten`], every file then holds what it held.
pub fn write(files: &[RewrittenFile]) -> Result<(), FixError> {
    let staged = files.iter().map(stage).collect::<Result<Vec<_>, _>>()?;
    let mut replaced = Vec::new();
    for (file, staged) in files.iter().zip(staged) {
        if let Err(source) = staged.take_place() {
            return Err(put_back(&replaced, file, source));
        }
        replaced.push(file);
    }
    Ok(())
}

/// A new text that waits beside its file.
struct Staged {
    target: PathBuf,
    file: NamedTempFile,
}

impl Staged {
    fn take_place(self) -> io::Result<()> {
        self.file.persist(&self.target)?;
        sync_folder(&self.target)
    }
}

fn stage(file: &RewrittenFile) -> Result<Staged, FixError> {
    let failed = |source| FixError::write(&file.path, source);
    let target = file.path.canonicalize().map_err(failed)?;
    let metadata = target.metadata().map_err(failed)?;
    if metadata.permissions().readonly() {
        return Err(FixError::ReadOnlyFile(file.path.clone()));
    }
    if fs::read(&target).map_err(failed)? != file.before.as_bytes() {
        return Err(FixError::ChangedMeanwhile(file.path.clone()));
    }
    write_beside(&target, &metadata, &file.after).map_err(failed)
}

fn write_beside(target: &Path, metadata: &Metadata, text: &str) -> io::Result<Staged> {
    let folder = target.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".lowtide-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    // Only the superuser can give a file away; anyone else owns both already, or has to be content.
    let _ = fchown(&file, Some(metadata.uid()), Some(metadata.gid()));
    file.as_file().set_permissions(metadata.permissions())?;
    file.as_file().sync_all()?;
    Ok(Staged { target: target.to_owned(), file })
}

/// Makes a rename last through a power cut.
fn sync_folder(target: &Path) -> io::Result<()> {
    File::open(target.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn put_back(replaced: &[&RewrittenFile], failed: &RewrittenFile, source: io::Error) -> FixError {
    let restore = |file: &&RewrittenFile| {
        let old = RewrittenFile {
            path: file.path.clone(),
            before: file.after.clone(),
            after: file.before.clone(),
        };
        stage(&old).is_ok_and(|staged| staged.take_place().is_ok())
    };
    let changed: Vec<PathBuf> =
        replaced.iter().filter(|file| !restore(file)).map(|file| file.path.clone()).collect();
    if changed.is_empty() {
        FixError::write(&failed.path, source)
    } else {
        FixError::HalfWritten { file: failed.path.clone(), changed }
    }
}
