//! Captures whose native frames have names, as far as these can be had.

use anyhow::Result;
use lowtide_profile::{CompactCapture, Profile};
use lowtide_symbols::Files;
use std::path::Path;

/// The profile of a capture.
pub fn profile(path: &Path, files: Files) -> Result<Profile> {
    let mut capture = lowtide_capture::read_into(path)?;
    name(&mut capture, path, files);
    Ok(Profile::of(capture))
}

/// Looks up the names that are missing. While the files are what ran, they are kept in the capture too, for reports on
/// other machines.
fn name(capture: &mut CompactCapture, path: &Path, files: Files) {
    let found = lowtide_symbols::look_up(capture, files);
    if found.is_empty() {
        return;
    }
    if files == Files::AsTheyRan {
        // A capture that cannot be written any more is read as it is.
        let _ = lowtide_capture::add_symbols(path, &found);
    }
    capture.symbols.extend(found);
}
