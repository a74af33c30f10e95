//! The target's side of a proof: substitutes rewritten sources and journals what the program writes.
