//! Replaces functions of loaded objects by patching their relocation slots.
//!
//! In: symbols and the functions that stand in for them. Out: every loaded object that had bound such a symbol now calls
//! the replacement. Never: allocation, `LD_PRELOAD`, code patching, a change to the object that calls this crate or to the
//! dynamic linker; and to the object that defines a symbol only as far as its replacement says.
//!
//! ```
//! use lowtide_interpose::{Interposer, Replacement};
//!
//! extern "C" fn id_of_nobody() -> u32 {
//!     0
//! }
//!
//! static REPLACEMENTS: [Replacement; 1] = [Replacement::new(c"getppid", id_of_nobody as *const ())];
//! static INTERPOSER: Interposer = Interposer::new(&REPLACEMENTS);
//!
//! INTERPOSER.patch_loaded()?;
//! assert!(!REPLACEMENTS[0].original().is_null());
//! INTERPOSER.restore();
//! # Ok::<(), lowtide_interpose::InterposeError>(())
//! ```

mod error;
mod raw;

pub use error::InterposeError;
pub use raw::interposer::Interposer;
pub use raw::replacement::Replacement;
