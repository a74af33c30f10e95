//! Capture -> Profile: at peak, left at exit, churn, temporary; by line, type and stack.
//!
//! In: a capture. Out: figures that reports and findings ask for, in a stable order. Never: prints, guesses a figure,
//! or mixes heap with RSS.
//!
//! ```no_run
//! use lowtide_profile::Profile;
//! let profile = Profile::read("run.lowtide".as_ref())?;
//! for hottest in profile.heaviest_lines(1) {
//!     assert!(hottest.at_peak.bytes <= profile.peak().heap);
//! }
//! # Ok::<(), lowtide_profile::ProfileError>(())
//! ```

mod call_tree;
mod counters;
mod early_profile;
mod error;
mod facts;
mod family;
mod frames;
mod lines;
mod main_module;
mod native;
mod profile;
mod reading;
mod sampling;
mod stacks;
mod tree;
mod usage;

pub use call_tree::{CallTree, CompactCapture};
pub use early_profile::EarlyProfile;
pub use error::ProfileError;
pub use facts::{Exit, Fall, FileMapped, Peak, ProcessFacts, Recording, Slack, TimelinePoint};
pub use family::{Birth, Descendant, Family};
pub use native::{NativeFrame, NativeModule};
pub use profile::Profile;
pub use sampling::Sampling;
pub use usage::{
    Frame, LineUsage, MemoryKind, NativeUsage, StackFrame, StackUsage, TypeLine, TypeUsage, Usage,
    UsageInTime,
};
