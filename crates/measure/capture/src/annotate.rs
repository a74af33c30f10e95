use crate::layout::{self, Header, MAX_SEGMENTS, SegmentEntry, record_kind, segment_kind};
use crate::reader::read_directory;
use crate::source::Source;
use crate::{CaptureError, Ending, NativeAddress, Symbol};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::mem::offset_of;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Adds the ending of the process to its capture, in a segment of its own at the end of the file.
///
/// # Errors
/// When the file is no readable capture or cannot be written.
pub fn annotate(path: &Path, ending: &Ending) -> Result<(), CaptureError> {
    append_records(path, &encoded_ending(ending))
}

/// Adds what functions native frames are in to a capture, in a segment of its own at the end of the file.
///
/// # Errors
/// When the file is no readable capture or cannot be written.
pub fn add_symbols(
    path: &Path,
    symbols: &BTreeMap<NativeAddress, Vec<Symbol>>,
) -> Result<(), CaptureError> {
    let records: Vec<u8> = symbols.iter().flat_map(encoded_symbols).collect();
    append_records(path, &records)
}

fn append_records(path: &Path, records: &[u8]) -> Result<(), CaptureError> {
    let mut source = Source::open(path)?;
    let directory = read_directory(&mut source)?;
    let count = directory.segments.len();
    if count >= MAX_SEGMENTS {
        return Err(source.damaged("its directory is full"));
    }
    let page = u64::from(layout::PAGE_BYTES);
    let offset = directory.end.max(source.length()).next_multiple_of(page);
    append_segment(path, count, offset, records)
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

fn encoded_ending(ending: &Ending) -> Vec<u8> {
    let mut payload =
        [ending.peak_rss_bytes, ending.duration_ns].map(u64::to_le_bytes).as_flattened().to_vec();
    payload.extend([ending.exit_code, ending.signal].map(i32::to_le_bytes).as_flattened());
    encoded_record(record_kind::ENDING, &payload)
}

fn encoded_symbols((at, symbols): (&NativeAddress, &Vec<Symbol>)) -> Vec<u8> {
    let mut payload = [at.module, at.address, length_of(symbols), 0]
        .map(u32::to_le_bytes)
        .as_flattened()
        .to_vec();
    for symbol in symbols {
        let texts = [symbol.function.as_bytes(), symbol.file.as_bytes()];
        let [function, file] = texts.map(length_of);
        let numbers = [symbol.line, u32::from(symbol.is_inlined), function, file];
        payload.extend(numbers.map(u32::to_le_bytes).as_flattened());
        payload.extend(texts.concat());
    }
    encoded_record(record_kind::SYMBOL, &payload)
}

/// Header, payload and padding.
fn encoded_record(kind: u32, payload: &[u8]) -> Vec<u8> {
    let mut record = [kind, length_of(payload)].map(u32::to_le_bytes).as_flattened().to_vec();
    record.extend(payload);
    record.resize(record.len().next_multiple_of(8), 0);
    record
}

fn length_of<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(0)
}
