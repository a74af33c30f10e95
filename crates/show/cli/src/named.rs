//! Captures whose native frames have names, as far as these can be had.

use anyhow::Result;
use lowtide_capture::{Ending, NativeAddress, State, Symbol};
use lowtide_profile::{CompactCapture, EarlyProfile, Profile};
use lowtide_symbols::Files;
use std::collections::BTreeMap;
use std::path::Path;

/// The profile of a capture.
pub fn profile(path: &Path, files: Files) -> Result<Profile> {
    let mut capture = lowtide_capture::read_into(path)?;
    let found = name(&mut capture, files);
    keep(&found, path, files);
    Ok(Profile::of(capture))
}

/// A capture that was read while its program was about to end.
pub struct Early {
    pub profile: EarlyProfile,
    found: Symbols,
}

type Symbols = BTreeMap<NativeAddress, Vec<Symbol>>;

impl Early {
    /// Nothing if it is not complete.
    pub fn read(path: &Path) -> Option<Self> {
        let is_complete = lowtide_capture::read_summary(path).ok()?.state == State::Ended;
        let mut capture = is_complete.then(|| lowtide_capture::read_into(path).ok())??;
        let found = name(&mut capture, Files::AsTheyRan);
        Some(Self { profile: EarlyProfile::of(capture), found })
    }

    /// The same, when lines, stacks and files were asked for.
    pub fn without_lines(self) -> Self {
        Self { profile: self.profile.without_lines(), ..self }
    }

    /// The profile of this capture, whose program ended so; nothing if it is not what was read.
    pub fn profile(self, path: &Path, ending: Ending) -> Option<Profile> {
        let now = lowtide_capture::read_summary(path).ok()?;
        if !self.profile.is_of(&now) {
            return None;
        }
        keep(&self.found, path, Files::AsTheyRan);
        Some(self.profile.ended(ending))
    }
}

/// Looks up the names that are missing.
fn name(capture: &mut CompactCapture, files: Files) -> Symbols {
    let found = lowtide_symbols::look_up(capture, files);
    capture.symbols.extend(found.clone());
    found
}

/// While the files are what ran, names are kept in the capture too, for reports on other machines.
fn keep(found: &Symbols, path: &Path, files: Files) {
    if files == Files::AsTheyRan && !found.is_empty() {
        // A capture that cannot be written any more is read as it is.
        let _ = lowtide_capture::add_symbols(path, found);
    }
}
