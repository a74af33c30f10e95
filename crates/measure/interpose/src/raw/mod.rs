//! The dynamic linker's structures, read and patched in place.
#![expect(
    unsafe_code,
    reason = "the structures belong to the dynamic linker and are found by address"
)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "an address has 64 bits on every platform that is supported"
)]

mod filters;
pub(crate) mod interposer;
mod loaded_object;
pub(crate) mod replacement;
mod seen_objects;
