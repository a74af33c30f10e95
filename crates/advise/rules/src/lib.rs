//! One file per rule: source -> candidates, the evidence each wants, and its edit.
//!
//! In: a [`Project`](lowtide_source::Project). Out: [`Candidate`]s, each with the facts that forbid its rewrite or the
//! edits that make it. Never: bytes, profiles, files. A rule is one Rust file and one page under `docs/rules`; the
//! build finds it by its name.
//!
//! ```
//! use lowtide_source::{Project, SourceFile};
//! let text = "def total(xs):\n    return sum([x * x for x in xs])\n";
//! let files = [SourceFile::parse("a.py", text)?];
//! let candidates = lowtide_rules::check(&Project::of(&files));
//! assert_eq!(candidates[0].rule, "LT102");
//! # Ok::<(), lowtide_source::SourceError>(())
//! ```

mod candidate;
mod consumer;
mod lt101_whole_file_read;
mod lt102_list_used_once;
mod lt103_missing_slots;
mod lt104_collected_results;
mod lt105_bytes_concatenation;
mod opened_file;
mod origin;
mod rule;

pub use candidate::{Benefit, Blocker, Candidate, Evidence, Measured};
pub use lowtide_source::{FileEdits, TextEdit};
pub use rule::{Rule, check, rule_called, rules};
