//! Candidates x Profile -> findings with measured bytes, predicted saving and verdict.
//!
//! In: what the rules saw in the source, and what a run measured, if there was one. Out: [`Finding`]s, largest first.
//! Never: reads files, judges a rewrite *supported* or *proven* (that takes runs, see `prove`).

mod finding;
mod judge;
mod measurements;
mod threshold;

pub use finding::{Finding, Verdict};
pub use judge::judge;
pub use measurements::Measurements;
pub use threshold::Threshold;
