//! The capture file: layout, writer (never allocates), reader (trusts nothing).

pub mod layout;
