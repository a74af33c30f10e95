//! The capture file: layout, writer, reader.
//!
//! In: what a tracker counts in its process. Out: a file that survives any end of that process, and what it says,
//! checked. The writer never allocates, never panics and never lets the kernel kill the target for a full disk; the
//! reader trusts nothing that it reads and never panics.
//!
//! ```
//! use lowtide_capture::{CaptureError, read};
//! let error = read("Cargo.toml".as_ref()).unwrap_err();
//! assert!(matches!(error, CaptureError::NotACapture { .. }));
//! assert_eq!(error.hint(), "make one with `lowtide run --out FILE script.py`");
//! ```

mod annotate;
mod children;
mod contents;
pub mod control;
mod cursor;
mod error;
pub mod layout;
mod life;
mod node_store;
mod raw;
mod reader;
mod record_reader;
mod records;
mod snapshot;
mod source;
mod stop_reason;
mod temporary_reader;
mod timeline;
mod writer;

pub use annotate::{add_symbols, annotate};
pub use children::children_of;
pub use contents::{
    Capture, Census, CensusEntry, CensusSite, Code, Ending, Module, NativeAddress, Process, State,
    Summary, Symbol,
};
pub use error::CaptureError;
pub use life::{ChildEnding, Leaving, Life, Way};
pub use node_store::NodeStore;
pub use reader::{parse, read, read_into, read_summary};
pub use snapshot::{SnapshotError, of as snapshot_of};
pub use stop_reason::StopReason;
pub use writer::{CaptureWriter, CodeFacts, CreateError, ModuleFacts, Start, encode_text};
