use crate::StopReason;
use crate::layout::{RecordHeader, record_kind, segment_kind};
use crate::raw::{CaptureFile, HeaderPage, Segment};
use crate::writer::next_segment_bytes;

const RECORD_HEADER_BYTES: usize = size_of::<RecordHeader>();

/// The records that are only ever appended.
#[derive(Debug)]
pub struct RecordStream {
    segment: Segment,
    bytes_so_far: usize,
}

impl RecordStream {
    pub fn create(file: &mut CaptureFile, header: &mut HeaderPage) -> Result<Self, StopReason> {
        let bytes = next_segment_bytes(0);
        let segment = Segment::create(file, header, segment_kind::RECORDS, bytes)?;
        Ok(Self { segment, bytes_so_far: bytes })
    }

    /// Appends one record whose payload is `parts`, one after the other.
    pub fn append(
        &mut self,
        file: &mut CaptureFile,
        header: &mut HeaderPage,
        kind: u32,
        parts: &[&[u8]],
    ) -> Result<(), StopReason> {
        let payload_bytes = parts.iter().map(|part| part.len()).sum();
        let whole = record_bytes(payload_bytes)?;
        if self.segment.free() < whole {
            self.start_segment(file, header, whole)?;
        }
        let used = self.segment.used();
        self.segment.expect(used + whole, file);
        let record = self.segment.bytes_mut(used, whole).ok_or(StopReason::Inconsistent)?;
        fill_record(record, kind, payload_bytes, parts);
        self.segment.publish(header, used + whole);
        Ok(())
    }

    pub fn unmap(self) {
        self.segment.unmap();
    }

    fn start_segment(
        &mut self,
        file: &mut CaptureFile,
        header: &mut HeaderPage,
        least_bytes: usize,
    ) -> Result<(), StopReason> {
        let bytes = next_segment_bytes(self.bytes_so_far).max(least_bytes);
        let next = Segment::create(file, header, segment_kind::RECORDS, bytes)?;
        self.bytes_so_far += next.capacity();
        std::mem::replace(&mut self.segment, next).unmap();
        Ok(())
    }
}

/// The two latest censuses, each in a segment of its own: while one is written the other stays readable.
#[derive(Debug)]
pub struct CensusSlots {
    slots: [Option<Segment>; 2],
    writing: usize,
}

impl CensusSlots {
    pub const fn new() -> Self {
        Self { slots: [None, None], writing: 0 }
    }

    /// Room for a payload of at most `payload_bytes` in the older slot, which is empty until `publish`.
    pub fn begin(
        &mut self,
        file: &mut CaptureFile,
        header: &mut HeaderPage,
        payload_bytes: usize,
    ) -> Result<&mut [u8], StopReason> {
        let whole = record_bytes(payload_bytes)?;
        let slot = &mut self.slots[self.writing];
        if let Some(mut old) = slot.take() {
            old.publish(header, 0);
            if old.capacity() >= whole {
                *slot = Some(old);
            } else {
                old.unmap();
            }
        }
        let segment = match slot {
            Some(segment) => segment,
            // Twice the need, so that a slowly growing census finds room again.
            None => slot.insert(Segment::create(file, header, segment_kind::RECORDS, whole * 2)?),
        };
        segment.expect(whole, file);
        segment.bytes_mut(RECORD_HEADER_BYTES, payload_bytes).ok_or(StopReason::Inconsistent)
    }

    /// Makes the first `payload_bytes` of what `begin` gave the latest census.
    pub fn publish(&mut self, header: &mut HeaderPage, payload_bytes: usize) {
        let Some(segment) = &mut self.slots[self.writing] else { return };
        let Ok(whole) = record_bytes(payload_bytes) else { return };
        let Some(record) = segment.bytes_mut(0, RECORD_HEADER_BYTES) else { return };
        fill_record(record, record_kind::CENSUS, payload_bytes, &[]);
        segment.publish(header, whole);
        self.writing = 1 - self.writing;
    }

    pub fn unmap(self) {
        self.slots.into_iter().flatten().for_each(Segment::unmap);
    }
}

/// Header, payload and padding.
fn record_bytes(payload_bytes: usize) -> Result<usize, StopReason> {
    let fits = u32::try_from(payload_bytes).is_ok();
    let whole = payload_bytes.checked_next_multiple_of(8).filter(|_| fits);
    Ok(whole.ok_or(StopReason::CaptureFull)? + RECORD_HEADER_BYTES)
}

fn fill_record(record: &mut [u8], kind: u32, payload_bytes: usize, parts: &[&[u8]]) {
    let length = u32::try_from(payload_bytes).unwrap_or(0);
    let mut rest = record;
    for part in [&kind.to_le_bytes()[..], &length.to_le_bytes()].iter().chain(parts) {
        let Some((here, after)) = rest.split_at_mut_checked(part.len()) else { return };
        here.copy_from_slice(part);
        rest = after;
    }
    rest.fill(0);
}
