//! Findings -> edits: order, apply, reparse, converge, write or revert.
//!
//! In: a project and the findings to act on. Out: rewritten texts, in memory; [`write`] puts them on the disk, all or none.
//! Never: decides which findings deserve it, leaves a file that Python cannot parse.
//!
//! ```
//! use lowtide_findings::{Threshold, judge};
//! use lowtide_source::{Project, SourceFile};
//! let files = vec![SourceFile::parse("a.py", "def f(xs):\n    return sum([x * x for x in xs])\n")?];
//! let findings = judge(lowtide_rules::check(&Project::of(&files)), None, Threshold::default());
//! let rewritten = lowtide_fix::rewrite(files, &findings);
//! assert_eq!(rewritten.files[0].after, "def f(xs):\n    return sum(x * x for x in xs)\n");
//! # Ok::<(), lowtide_source::SourceError>(())
//! ```

mod diff;
mod doubt;
mod draft;
mod error;
mod line_map;
mod rewrite;
mod undefined;
mod write;

pub use diff::unified_diff;
pub use error::FixError;
pub use line_map::LineMap;
pub use rewrite::{LeftOut, Rewritten, converge, rewrite};
pub use write::write;

use std::path::PathBuf;

/// A file as it was and as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewrittenFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its text when it was read.
    pub before: String,
    /// Its new text.
    pub after: String,
}
