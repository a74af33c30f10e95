//! Before/after runs, same-behaviour check, statistics -> Proof.
