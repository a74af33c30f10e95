//! Candidates x Profile -> findings with measured bytes, predicted saving and verdict.
//!
//! In: what the rules saw in the source, and what a run measured, if there was one. Out: [`Finding`]s, largest first.
//! Never: reads files, judges a rewrite *supported* or *proven* (that takes runs, see `prove`).
//!
//! ```
//! use lowtide_findings::{Threshold, Verdict, judge};
//! use lowtide_source::{Project, SourceFile};
//! let files = [SourceFile::parse("a.py", "def f(xs):\n    return sum([x * x for x in xs])\n")?];
//! let findings = judge(lowtide_rules::check(&Project::of(&files)), None, Threshold::default());
//! assert_eq!(findings[0].verdict, Verdict::Plausible);
//! # Ok::<(), lowtide_source::SourceError>(())
//! ```

mod finding;
mod judge;
mod measurements;
mod threshold;

pub use finding::{Finding, Verdict};
pub use judge::judge;
pub use measurements::Measurements;
pub use threshold::Threshold;
