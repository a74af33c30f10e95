use crate::layout::{self, Header, MAX_SEGMENTS, SegmentEntry, record_kind, segment_kind};
use crate::reader::read_directory;
use crate::{CaptureError, Ending};
use std::fs::{self, OpenOptions};
use std::io;
use std::mem::offset_of;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Adds the ending of the process to its capture, in a segment of its own at the end of the file.
///
/// # Errors
/// When the file is no readable capture or cannot be written.
pub fn annotate(path: &Path, ending: &Ending) -> Result<(), CaptureError> {
    let bytes = fs::read(path).map_err(|source| CaptureError::io("annotate", path, source))?;
    let directory = read_directory(&bytes, path)?;
    let count = directory.segments.len();
    if count >= MAX_SEGMENTS {
        return Err(CaptureError::Damaged { path: path.to_owned(), what: "its directory is full" });
    }
    let record = encoded_record(ending);
    let page = u64::from(layout::PAGE_BYTES);
    let offset = directory.end.max(bytes.len() as u64).next_multiple_of(page);
    append_segment(path, count, offset, &record)
        .map_err(|source| CaptureError::io("annotate", path, source))
}

/// Record first, then its directory entry, then the count: a reader never finds less than it is told of.
fn append_segment(path: &Path, index: usize, offset: u64, record: &[u8]) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.write_all_at(record, offset)?;
    let length = record.len() as u64;
    let mut entry = Vec::with_capacity(size_of::<SegmentEntry>());
    entry.extend(u64::from(segment_kind::RECORDS).to_le_bytes());
    entry.extend([offset, length, length].map(u64::to_le_bytes).as_flattened());
    let entry_at = offset_of!(Header, segments) + index * size_of::<SegmentEntry>();
    file.write_all_at(&entry, entry_at as u64)?;
    let count = u32::try_from(index + 1).map_err(io::Error::other)?;
    file.write_all_at(&count.to_le_bytes(), offset_of!(Header, segment_count) as u64)
}

fn encoded_record(ending: &Ending) -> Vec<u8> {
    let mut payload =
        [ending.peak_rss_bytes, ending.duration_ns].map(u64::to_le_bytes).as_flattened().to_vec();
    payload.extend([ending.exit_code, ending.signal].map(i32::to_le_bytes).as_flattened());
    let length = u32::try_from(payload.len()).unwrap_or(0);
    let mut record = [record_kind::ENDING, length].map(u32::to_le_bytes).as_flattened().to_vec();
    record.extend(payload);
    record
}
