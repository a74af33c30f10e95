//! One file per rule: source -> candidates, the evidence each wants, and its edit; never sees bytes.

mod candidate;

pub use candidate::{Benefit, Blocker, Candidate, Evidence, FileEdits, Measured, TextEdit};
