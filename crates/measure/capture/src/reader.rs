use crate::contents::{Capture, State, Summary};
use crate::cursor::Cursor;
use crate::layout::{
    self, Header, LEAST_POINT_WORDS, MAX_SEGMENTS, Node, TimelinePoint, segment_kind, state,
};
use crate::record_reader::Records;
use crate::{CaptureError, StopReason};
use std::mem::offset_of;
use std::path::Path;

/// Reads a capture from disk. It may still be written to: what is not fully published is left out.
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
pub fn parse(bytes: &[u8], path: &Path) -> Result<Capture, CaptureError> {
    let directory = read_directory(bytes, path)?;
    let mut nodes = Vec::new();
    let mut timeline = Vec::new();
    let mut records = Records::default();
    for segment in &directory.segments {
        match segment.kind {
            segment_kind::NODES => read_nodes(segment.bytes, &mut nodes),
            segment_kind::TIMELINE => read_timeline(segment, &mut timeline),
            segment_kind::RECORDS => records.read(segment.bytes),
            _ => {}
        }
    }
    if nodes.is_empty() {
        return Err(damaged(path, "its call tree has no root"));
    }
    records.forget_sites_from(nodes.len());
    Ok(Capture {
        summary: directory.summary,
        process: records.process,
        nodes,
        codes: records.codes,
        modules: records.modules,
        symbols: records.symbols,
        timeline,
        census: records.census,
        ending: records.ending,
        life: records.life,
    })
}

/// The header's figures and the used bytes of each segment.
pub(crate) struct Directory<'a> {
    pub summary: Summary,
    pub segments: Vec<UsedSegment<'a>>,
    /// Where the last segment's used bytes end.
    pub end: u64,
}

pub(crate) struct UsedSegment<'a> {
    kind: u32,
    item_bytes: u32,
    bytes: &'a [u8],
}

pub(crate) fn read_directory<'a>(
    bytes: &'a [u8],
    path: &Path,
) -> Result<Directory<'a>, CaptureError> {
    check_start(bytes, path)?;
    let summary = read_summary(bytes).ok_or_else(|| truncated(path, bytes, HEADER_END))?;
    let mut count = Cursor::at(bytes, offset_of!(Header, segment_count));
    let count = count.u32().unwrap_or(0) as usize;
    if count > MAX_SEGMENTS {
        return Err(damaged(path, "its directory is longer than a directory can be"));
    }
    let mut entries = Cursor::at(bytes, offset_of!(Header, segments));
    let mut segments = Vec::with_capacity(count);
    let mut end = HEADER_END;
    for _ in 0..count {
        // Segments lie in order, so that what is read is never more than the file.
        let (segment, segment_end) = read_segment(&mut entries, end, bytes, path)?;
        end = segment_end;
        segments.push(segment);
    }
    Ok(Directory { summary, segments, end })
}

const HEADER_END: u64 = layout::HEADER_BYTES as u64;

fn check_start(bytes: &[u8], path: &Path) -> Result<(), CaptureError> {
    // A file of zeros, or a shorter one, is what a process killed in its first moments leaves: not a capture either.
    if !bytes.starts_with(&layout::MAGIC) {
        return Err(CaptureError::NotACapture { path: path.to_owned() });
    }
    let found = Cursor::at(bytes, offset_of!(Header, format_version)).u32();
    match found {
        Some(layout::FORMAT_VERSION) if bytes.len() as u64 >= HEADER_END => Ok(()),
        None | Some(layout::FORMAT_VERSION) => Err(truncated(path, bytes, HEADER_END)),
        Some(0) => Err(damaged(path, "its format has no number")),
        Some(found) => Err(CaptureError::NewerVersion {
            path: path.to_owned(),
            found,
            known: layout::FORMAT_VERSION,
        }),
    }
}

fn read_summary(header: &[u8]) -> Option<Summary> {
    let mut fields = Cursor::at(header, offset_of!(Header, state));
    let state = fields.u32()?;
    let stop_reason = fields.u32()?;
    let [hexversion, pid, parent_pid, _page_bytes] = fields.u32s()?;
    let [started_unix_ns, elapsed_ns, live_bytes, live_blocks] = fields.u64s()?;
    let [mut peak_bytes, mut peak_blocks, mut peak_number, peak_elapsed_ns] = fields.u64s()?;
    let [arena_bytes, unrecorded_blocks] = fields.u64s()?;
    let mut behind_segments = Cursor::at(header, offset_of!(Header, file_mapped_bytes));
    let [file_mapped_bytes, file_mapped_peak_bytes] = behind_segments.u64s()?;
    if live_bytes > peak_bytes {
        // The heap is at its peak, which is not written down before it falls: nodes are at theirs as they are.
        (peak_bytes, peak_blocks) = (live_bytes, live_blocks);
        peak_number = peak_number.wrapping_add(1);
    }
    Some(Summary {
        state: read_state(state, stop_reason),
        hexversion,
        pid,
        parent_pid,
        started_unix_ns,
        elapsed_ns,
        live_bytes,
        live_blocks,
        peak_bytes,
        peak_blocks,
        peak_number,
        peak_elapsed_ns,
        arena_bytes,
        unrecorded_blocks,
        file_mapped_bytes,
        file_mapped_peak_bytes,
        most_resident: read_point(&mut behind_segments),
        sample_bytes: behind_segments.u64().unwrap_or(0),
    })
}

fn read_state(state: u32, stop_reason: u32) -> State {
    match state {
        state::STARTING => State::Starting,
        state::RECORDING => State::Recording,
        state::ENDED => State::Ended,
        _ => State::Stopped(StopReason::from_code(stop_reason)),
    }
}

/// One segment, and where its used bytes end in the file.
fn read_segment<'a>(
    entries: &mut Cursor,
    least_offset: u64,
    file: &'a [u8],
    path: &Path,
) -> Result<(UsedSegment<'a>, u64), CaptureError> {
    let entry = entries.u32s().zip(entries.u64s());
    let ([kind, item_bytes], [offset, capacity, used]) =
        entry.ok_or_else(|| truncated(path, file, HEADER_END))?;
    if offset < least_offset || used > capacity {
        return Err(damaged(path, "a segment lies where none can be"));
    }
    let end = offset
        .checked_add(used)
        .ok_or_else(|| damaged(path, "a segment lies where none can be"))?;
    let range = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
    let bytes = range.and_then(|(start, end)| file.get(start..end));
    let bytes = bytes.ok_or_else(|| truncated(path, file, end))?;
    Ok((UsedSegment { kind, item_bytes, bytes }, end))
}

fn read_nodes(bytes: &[u8], nodes: &mut Vec<Node>) {
    nodes.reserve(bytes.len() / size_of::<Node>());
    for encoded in bytes.chunks_exact(size_of::<Node>()) {
        let id = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        let Some(mut node) = read_node(&mut Cursor::at(encoded, 0)) else { return };
        // Only a torn or damaged node names a parent that is not there yet: it hangs from the root then.
        if node.parent >= id {
            node.parent = 0;
        }
        nodes.push(node);
    }
}

fn read_node(fields: &mut Cursor) -> Option<Node> {
    let [parent, code, instruction, kind] = fields.u32s()?;
    let [live_bytes, at_peak_bytes, churn_bytes, churn_blocks, peak_number] = fields.u64s()?;
    let [live_blocks, at_peak_blocks] = fields.u32s()?;
    Some(Node {
        parent,
        code,
        instruction,
        kind,
        live_bytes,
        at_peak_bytes,
        churn_bytes,
        churn_blocks,
        peak_number,
        live_blocks,
        at_peak_blocks,
    })
}

/// A shorter point has 0 for what it does not tell.
fn read_timeline(segment: &UsedSegment, timeline: &mut Vec<TimelinePoint>) {
    let least_bytes = LEAST_POINT_WORDS * size_of::<u64>();
    for encoded in segment.bytes.chunks_exact((segment.item_bytes as usize).max(least_bytes)) {
        let point = read_point(&mut Cursor::at(encoded, 0));
        // Points that go back in time were being thinned out when the process was killed.
        if timeline.last().is_none_or(|last: &TimelinePoint| last.elapsed_ns < point.elapsed_ns) {
            timeline.push(point);
        }
    }
}

fn read_point(words: &mut Cursor) -> TimelinePoint {
    TimelinePoint::from_words(std::array::from_fn(|_| words.u64().unwrap_or(0)))
}

fn truncated(path: &Path, bytes: &[u8], expected_bytes: u64) -> CaptureError {
    CaptureError::Truncated {
        path: path.to_owned(),
        found_bytes: bytes.len() as u64,
        expected_bytes,
    }
}

fn damaged(path: &Path, what: &'static str) -> CaptureError {
    CaptureError::Damaged { path: path.to_owned(), what }
}
