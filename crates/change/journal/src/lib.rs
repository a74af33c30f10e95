//! What a staged run changes, so that it can be compared and put back.
//!
//! In: the paths a program is about to change, from inside that program ([`RunFolder::keep_original`] and friends).
//! Out: the [`Record`]s of one run, and the user's files as they were ([`RunFolder::undo`]).
//! Never: holds a lock or memory between two calls (the program forks and is killed as it likes), prints, or
//! changes a path of the user's except to put it back.
//!
//! The log is written ahead: an original is kept, then recorded, and only then may the program change it. Undoing
//! goes backwards through the records, so it may be repeated after a crash in the middle.
//!
//! ```
//! use lowtide_journal::{Follow, RunFolder};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let place = std::env::temp_dir().join(format!("lowtide-journal-example-{}", std::process::id()));
//! std::fs::create_dir_all(&place)?;
//! let run = RunFolder::create(&place.join("area/run"))?;
//! let file = place.join("notes.txt");
//! std::fs::write(&file, "mine")?;
//! run.keep_original(&file, Follow::Links)?;
//! std::fs::write(&file, "overwritten")?;
//! run.undo()?;
//! assert_eq!(std::fs::read_to_string(&file)?, "mine");
//! # std::fs::remove_dir_all(&place)?;
//! # Ok(())
//! # }
//! ```

mod clock;
mod error;
mod keep;
mod place;
mod record;
mod run_folder;
mod substitute;
mod undo;

pub use error::JournalError;
pub use keep::Naming;
pub use place::Follow;
pub use record::{Effect, Original, Record};
pub use run_folder::RunFolder;
pub use substitute::Substitute;
