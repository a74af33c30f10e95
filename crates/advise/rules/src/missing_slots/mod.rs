//! What `__slots__` saves.

mod instance_size;

pub use instance_size::slots_saving_bytes;
