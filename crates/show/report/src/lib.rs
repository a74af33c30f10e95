//! One file per format: returns text, never prints.
