//! The quantities that every crate shares, and how they print.
//!
//! In: numbers. Out: text with a unit. Never: files, clocks, allocation hooks.
//!
//! ```
//! use lowtide_units::{Bytes, Estimate};
//! assert_eq!(Bytes(1_500_000).to_string(), "1.5 MB");
//! assert_eq!(Estimate(Bytes(1_500_000)).to_string(), "~1.5 MB");
//! ```

mod bytes;
mod elapsed;
mod numbers;
mod python_version;
mod source_span;

pub use bytes::{ByteDelta, Bytes, NotBytes};
pub use elapsed::Elapsed;
pub use numbers::{Count, Estimate, Share};
pub use python_version::PythonVersion;
pub use source_span::LineSpan;
