//! Candidates x Profile -> findings with measured bytes, predicted saving and verdict.
