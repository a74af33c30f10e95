//! Arguments -> calls -> exit status; the only crate that prints.

fn main() {}
