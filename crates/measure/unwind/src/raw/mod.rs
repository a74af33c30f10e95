//! What is read by address: the thread's own stack, and the tables of loaded objects.
#![expect(unsafe_code, reason = "a stack and the tables of loaded objects are found by address")]
#![expect(
    clippy::cast_possible_truncation,
    reason = "an address has 64 bits on every platform that is supported"
)]

mod loaded_object;
mod stack;
mod unwinder;

pub use loaded_object::LoadedObject;
pub use unwinder::{Caller, NoUnwinder, StackFrame, Unwinder};
