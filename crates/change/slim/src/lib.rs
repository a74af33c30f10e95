//! The whole loop: measure, advise, fix and prove until nothing pays any more.
//!
//! In: a program, and an [`Advisor`] that joins its sources with a profile. Out: a [`Slimmed`]: the rewritten files, what
//! became of each fix, and the proof of what remains. Never: writes a file of the user's, prints, or keeps a fix that
//! changed what the program does or that saved nothing measurable.
//!
//! 1. The program is measured; its behaviour is what every later run is compared with.
//! 2. All fixes that promise to pay are made at once and run. If the program behaves differently, each is tried alone
//!    and the guilty are refuted. What holds the new peak is looked at next, until nothing pays.
//! 3. Each fix is left out once: what the peak grows by is its own saving. One that saves nothing is taken out.
//! 4. What remains is proven together; if it cannot be, the fix that saves least is taken out, and so on.

mod advisor;
mod error;
mod prove_what_remains;
mod search;
mod slim;
mod slimmed;
mod weigh;
mod workbench;

pub use advisor::Advisor;
pub use error::SlimError;
pub use slim::{Observer, Phase, Slim};
pub use slimmed::{Fix, Slimmed};
