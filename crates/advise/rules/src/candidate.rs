use crate::lt103_missing_slots::slots_saving_bytes;
use crate::lt105_bytes_concatenation::bytes_not_copied;
use lowtide_source::FileEdits;
use lowtide_units::LineSpan;
use std::path::PathBuf;

/// A place where the source allows a rewrite, or would but for its blockers.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The rule's code, such as `LT101`.
    pub rule: &'static str,
    /// The file of the place.
    pub file: PathBuf,
    /// First line of the place, 1-based.
    pub line: u32,
    /// Name of the list, class or buffer concerned; empty for an unnamed expression.
    pub subject: String,
    /// One sentence: what is wasted here.
    pub message: String,
    /// What has to be measured to know what it costs.
    pub evidence: Evidence,
    /// What the rewrite is known to save of it.
    pub benefit: Benefit,
    /// Why the rewrite must not be made; empty when the source allows it.
    pub blockers: Vec<Blocker>,
    /// The rewrite: edits of one or more files; empty when blocked.
    pub edits: Vec<FileEdits>,
}

/// What to look up in a profile.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// Bytes at peak allocated on these lines or beneath calls made from them.
    AllocatedUnder(Vec<LineSpan>),
    /// Instances of a class at the peak, from the census.
    Instances {
        /// Dotted module path as far as the file tells it; a script's is `__main__` too.
        module: String,
        /// `__qualname__`.
        qualname: String,
    },
}

/// What was measured for an [`Evidence`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Bytes at peak.
    pub bytes: u64,
    /// Blocks or instances at peak.
    pub count: u64,
}

/// The benefit model: how much of the measured evidence a rewrite saves.
#[derive(Clone, Debug, PartialEq)]
pub enum Benefit {
    /// The rewrite keeps this share (0 to 1) of the bytes, plus a constant.
    Keeps {
        /// Share of the measured bytes that stays.
        share: f64,
        /// Bytes that stay in any case (a read buffer, one element).
        constant_bytes: u64,
    },
    /// A buffer that was copied whole for each addition grows in place.
    GrowsInPlace,
    /// Each instance shrinks to its header and its slots.
    SlotsPerInstance {
        /// Number of instance attributes.
        attributes: u32,
    },
}

impl Benefit {
    /// Whether the rewrite saves nothing, whatever is measured.
    #[must_use]
    pub fn never_pays(&self) -> bool {
        matches!(self, Self::Keeps { share, .. } if *share >= 1.0)
    }

    /// Predicted saving in bytes.
    #[must_use]
    pub fn saving_bytes(&self, measured: Measured) -> u64 {
        match *self {
            Self::Keeps { share, constant_bytes } => {
                bytes_not_kept(measured.bytes, share, constant_bytes)
            }
            Self::GrowsInPlace => bytes_not_copied(measured),
            Self::SlotsPerInstance { attributes } => slots_saving_bytes(measured, attributes),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count is a count"
)]
#[expect(clippy::cast_precision_loss, reason = "a prediction needs no more than 52 bits")]
fn bytes_not_kept(bytes: u64, share: f64, constant_bytes: u64) -> u64 {
    let kept = (bytes as f64 * share.clamp(0.0, 1.0)).ceil() as u64;
    bytes.saturating_sub(kept).saturating_sub(constant_bytes)
}

/// A fact of the source that forbids a rewrite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// Stable kebab-case name, such as `used-twice`.
    pub name: &'static str,
    /// The fact, with the line it stands on.
    pub reason: String,
    /// Where the fact stands, 1-based; 0 where no single line does.
    pub line: u32,
}
