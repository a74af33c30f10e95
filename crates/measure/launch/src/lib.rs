//! Starts a Python process with the tracker in, and reports how it ended.
