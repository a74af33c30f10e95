use crate::contents::{Capture, State, Summary};
use crate::cursor::Cursor;
use crate::layout::{
    self, Header, LEAST_POINT_WORDS, MAX_SEGMENTS, Node, TimelinePoint, segment_kind, state,
};
use crate::record_reader::Records;
use crate::source::Source;
use crate::temporary_reader::TemporaryReader;
use crate::{CaptureError, NodeStore, StopReason};
use std::mem::offset_of;
use std::path::Path;

/// Reads a capture from disk. It may still be written to: what is not fully published is left out.
///
/// # Errors
/// When the file cannot be read, is no capture, is from a newer version, truncated or damaged.
pub fn read(path: &Path) -> Result<Capture, CaptureError> {
    read_into(path)
}

/// The same, its nodes kept in whatever way the caller has a use for.
///
/// # Errors
/// As [`read`].
pub fn read_into<Nodes: NodeStore>(path: &Path) -> Result<Capture<Nodes>, CaptureError> {
    read_from(&mut Source::open(path)?)
}

/// What the header of a capture says.
///
/// # Errors
/// As [`read`].
pub fn read_summary(path: &Path) -> Result<Summary, CaptureError> {
    Ok(read_directory(&mut Source::open(path)?)?.summary)
}

/// Reads a capture from memory; `path` is for messages only.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8], path: &Path) -> Result<Capture, CaptureError> {
    read_from(&mut Source::in_memory(bytes, path))
}

fn read_from<Nodes: NodeStore>(source: &mut Source) -> Result<Capture<Nodes>, CaptureError> {
    let directory = read_directory(source)?;
    let summary = directory.summary;
    let mut nodes = Nodes::default();
    let mut temporary = TemporaryReader::default();
    let mut timeline = Vec::new();
    let mut records = Records::default();
    for &UsedSegment { kind, item_bytes, offset, used } in &directory.segments {
        match kind {
            segment_kind::NODES => {
                source.in_pieces(offset, used, |piece| read_nodes(piece, &summary, &mut nodes))?;
            }
            segment_kind::TEMPORARY => {
                source.in_pieces(offset, used, |piece| temporary.read(piece))?;
            }
            segment_kind::TIMELINE => {
                read_timeline(source.bytes(offset, used)?, item_bytes, &mut timeline);
            }
            segment_kind::RECORDS => records.read(source.bytes(offset, used)?),
            _ => {}
        }
    }
    if nodes.count() == 0 {
        return Err(source.damaged("its call tree has no root"));
    }
    records.forget_sites_from(nodes.count());
    Ok(Capture {
        summary,
        process: records.process,
        temporary: temporary.of_nodes(nodes.count()),
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
pub(crate) struct Directory {
    pub summary: Summary,
    pub segments: Vec<UsedSegment>,
    /// Where the last segment's used bytes end.
    pub end: u64,
}

/// It ends before the file does.
pub(crate) struct UsedSegment {
    kind: u32,
    item_bytes: u32,
    offset: u64,
    used: u64,
}

pub(crate) fn read_directory(source: &mut Source) -> Result<Directory, CaptureError> {
    let header = source.bytes(0, HEADER_END.min(source.length()))?.to_vec();
    check_start(&header, source)?;
    let summary = summary_of(&header).ok_or_else(|| source.truncated(HEADER_END))?;
    let mut count = Cursor::at(&header, offset_of!(Header, segment_count));
    let count = count.u32().unwrap_or(0) as usize;
    if count > MAX_SEGMENTS {
        return Err(source.damaged("its directory is longer than a directory can be"));
    }
    let mut entries = Cursor::at(&header, offset_of!(Header, segments));
    let mut segments = Vec::with_capacity(count);
    let mut end = HEADER_END;
    for _ in 0..count {
        // Segments lie in order, so that what is read is never more than the file.
        let (segment, segment_end) = read_segment(&mut entries, end, source)?;
        end = segment_end;
        segments.push(segment);
    }
    Ok(Directory { summary, segments, end })
}

const HEADER_END: u64 = layout::HEADER_BYTES as u64;

fn check_start(header: &[u8], source: &Source) -> Result<(), CaptureError> {
    // A file of zeros, or a shorter one, is what a process killed in its first moments leaves: not a capture either.
    if !header.starts_with(&layout::MAGIC) {
        return Err(CaptureError::NotACapture { path: source.path().to_owned() });
    }
    let found = Cursor::at(header, offset_of!(Header, format_version)).u32();
    match found {
        Some(layout::FORMAT_VERSION) if header.len() as u64 >= HEADER_END => Ok(()),
        None | Some(layout::FORMAT_VERSION) => Err(source.truncated(HEADER_END)),
        Some(0) => Err(source.damaged("its format has no number")),
        Some(found) => Err(CaptureError::NewerVersion {
            path: source.path().to_owned(),
            found,
            known: layout::FORMAT_VERSION,
        }),
    }
}

fn summary_of(header: &[u8]) -> Option<Summary> {
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
fn read_segment(
    entries: &mut Cursor,
    least_offset: u64,
    source: &Source,
) -> Result<(UsedSegment, u64), CaptureError> {
    let entry = entries.u32s().zip(entries.u64s());
    let ([kind, item_bytes], [offset, capacity, used]) =
        entry.ok_or_else(|| source.truncated(HEADER_END))?;
    let end = offset.checked_add(used).filter(|_| offset >= least_offset && used <= capacity);
    let end = end.ok_or_else(|| source.damaged("a segment lies where none can be"))?;
    if end > source.length() {
        return Err(source.truncated(end));
    }
    Ok((UsedSegment { kind, item_bytes, offset, used }, end))
}

fn read_nodes(encoded: &[u8], summary: &Summary, nodes: &mut impl NodeStore) {
    for encoded in encoded.as_chunks::<{ size_of::<Node>() }>().0 {
        let Some(mut node) = read_node(&mut Cursor::at(encoded, 0)) else { continue };
        // Only a torn or damaged node names a parent that is not there yet: it hangs from the root then.
        if node.parent as usize >= nodes.count() {
            node.parent = 0;
        }
        nodes.add(&node, summary);
    }
}

#[inline]
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
fn read_timeline(points: &[u8], point_bytes: u32, timeline: &mut Vec<TimelinePoint>) {
    let least_bytes = LEAST_POINT_WORDS * size_of::<u64>();
    for encoded in points.chunks_exact((point_bytes as usize).max(least_bytes)) {
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
