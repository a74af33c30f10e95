//! Findings -> edits: order, apply, reparse, converge, write or revert.
