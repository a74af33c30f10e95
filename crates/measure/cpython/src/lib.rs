//! The only code that knows a CPython version: frames, code objects, line tables, object sizes.
//!
//! In: a Python's version and, inside its process, addresses. Out: offsets, frames, texts, lines. Never: allocation,
//! calls into Python, a guess at a version that is not known.
//!
//! ```
//! use lowtide_cpython::{Layout, UnsupportedPython};
//! let refusal = Layout::of(0x0309_00f0, &[]).unwrap_err();
//! assert!(matches!(refusal, UnsupportedPython::TooOld { .. }));
//! ```

mod error;
pub mod layout;
mod line_table;
mod raw;
mod type_facts;

pub use error::UnsupportedPython;
pub use layout::objects::{AttributeStorage, ObjectLayout};
pub use layout::{FrameLayout, Layout};
pub use line_table::{LineRange, LineTable, LineTableFormat};
pub use raw::{CodeAddress, Evaluations, Frame, FrameAddress, FunctionWord, bytes_of, text_of};
pub use raw::{ObjectAddress, StoredAttributes, TypeAddress};
pub use type_facts::{Attributes, Container, TYPE_WORDS, TypeFacts};
