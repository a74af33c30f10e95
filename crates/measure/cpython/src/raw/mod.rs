//! Reads the structures of the running interpreter by address.
#![expect(
    unsafe_code,
    reason = "CPython's structures are found by address, at offsets that were checked at start"
)]

mod code;
mod evaluation;
mod frames;
mod objects;
mod text;

pub use code::CodeAddress;
pub use evaluation::Evaluations;
pub use frames::{Frame, FrameAddress, FunctionWord};
pub use objects::{ObjectAddress, StoredAttributes, TypeAddress};
pub use text::{bytes_of, text_of};

/// # Safety
/// `address + offset` is that of a readable, initialised and aligned `T`.
#[inline]
unsafe fn load<T: Copy>(address: usize, offset: usize) -> T {
    // SAFETY: the caller's promise.
    unsafe { ((address + offset) as *const T).read() }
}
