//! What a launcher and a running program tell each other, in two numbers of four bytes that both map: nothing has to be
//! sent to the program, and a program that waits for something is not woken.
//!
//! The first is the launcher's: how many orders it has given so far. After an odd number the program is to be recorded,
//! after an even one not. The second is moved on by each process that has ended a recording, and is a futex that wakes the
//! launcher: a capture that is complete can be read while its program is still about to end.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Bytes of what is mapped.
pub const CONTROL_BYTES: usize = 8;

/// Whether the program is to be recorded after so many orders.
#[must_use]
pub const fn wants_recording(orders: u32) -> bool {
    !orders.is_multiple_of(2)
}

/// How many recordings so many orders began.
#[must_use]
pub const fn recordings(orders: u32) -> u32 {
    orders.div_ceil(2)
}

/// Where a program's recording goes: the first to `path`, the second to `run-2.lowtide` beside `run.lowtide`.
#[must_use]
pub fn capture_of_recording(path: &Path, recording: u32) -> PathBuf {
    if recording <= 1 { path.to_owned() } else { beside(path, &format!("-{recording}")) }
}

/// `path` with something added to its name, before the extension.
#[must_use]
pub fn beside(path: &Path, addition: &str) -> PathBuf {
    let mut name = path.file_stem().map_or_else(OsString::new, Into::into);
    name.push(addition);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_begin_and_end_recordings_in_turn() {
        let seen: Vec<_> =
            (0..5).map(|orders| (wants_recording(orders), recordings(orders))).collect();
        assert_eq!(seen, [(false, 0), (true, 1), (false, 1), (true, 2), (false, 2)]);
    }

    #[test]
    fn later_recordings_lie_beside_the_first() {
        let of = |path: &str, recording| capture_of_recording(path.as_ref(), recording);
        assert_eq!(of("/a/run.lowtide", 1), Path::new("/a/run.lowtide"));
        assert_eq!(of("/a/run.lowtide", 12), Path::new("/a/run-12.lowtide"));
        assert_eq!(of("run", 2), Path::new("run-2"));
        assert_eq!(
            beside("a.b.lowtide".as_ref(), "-snapshot-1"),
            Path::new("a.b-snapshot-1.lowtide")
        );
    }
}
