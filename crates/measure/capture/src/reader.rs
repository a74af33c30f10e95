use crate::{Capture, CaptureError};
use std::path::Path;

/// Reads a capture from disk.
///
/// # Errors
/// When the file cannot be read, is no capture, is from a newer version, truncated or damaged.
pub fn read(path: &Path) -> Result<Capture, CaptureError> {
    let bytes = std::fs::read(path).map_err(|source| CaptureError::io("read", path, source))?;
    parse(&bytes, path)
}

/// Reads a capture from memory; `path` is for messages only.
///
/// # Errors
/// As [`read`].
pub fn parse(_bytes: &[u8], path: &Path) -> Result<Capture, CaptureError> {
    Err(CaptureError::NotACapture { path: path.to_owned() })
}
