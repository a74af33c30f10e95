use crate::StopReason;
use crate::layout::{TimelinePoint, segment_kind};
use crate::raw::{CaptureFile, HeaderPage, Segment};

const POINT_BYTES: usize = size_of::<TimelinePoint>();
/// At least half as many points describe any run that lasted long enough.
const MOST_POINTS: usize = 1024;
const FIRST_INTERVAL_NS: u64 = 10_000_000;

/// Points at even distances. When the segment is full, every second point goes and the distance doubles.
#[derive(Debug)]
pub struct Timeline {
    segment: Segment,
    interval_ns: u64,
    next_ns: u64,
}

impl Timeline {
    pub fn create(file: &mut CaptureFile, header: &mut HeaderPage) -> Result<Self, StopReason> {
        let segment =
            Segment::create(file, header, segment_kind::TIMELINE, MOST_POINTS * POINT_BYTES)?;
        Ok(Self { segment, interval_ns: FIRST_INTERVAL_NS, next_ns: 0 })
    }

    pub fn wants_point(&self, elapsed_ns: u64) -> bool {
        elapsed_ns >= self.next_ns
    }

    pub fn add(&mut self, header: &mut HeaderPage, point: &TimelinePoint) {
        if self.segment.used() >= MOST_POINTS * POINT_BYTES {
            self.thin_out(header);
        }
        let used = self.segment.used();
        if let Some(bytes) = self.segment.bytes_mut(used, POINT_BYTES) {
            bytes.copy_from_slice(&encoded(point));
            self.segment.publish(header, used + POINT_BYTES);
        }
        self.next_ns = point.elapsed_ns.saturating_add(self.interval_ns);
    }

    pub fn unmap(self) {
        self.segment.unmap();
    }

    /// Of each pair the point with the larger heap stays, so that peaks stay visible. A reader that looks meanwhile
    /// finds points that go back in time, and skips them.
    fn thin_out(&mut self, header: &mut HeaderPage) {
        let used = self.segment.used();
        let Some(bytes) = self.segment.bytes_mut(0, used) else { return };
        for pair in 0..MOST_POINTS / 2 {
            let first = pair * 2 * POINT_BYTES;
            let second = first + POINT_BYTES;
            let kept =
                if live_bytes(bytes, first) >= live_bytes(bytes, second) { first } else { second };
            bytes.copy_within(kept..kept + POINT_BYTES, pair * POINT_BYTES);
        }
        self.segment.publish(header, used / 2);
        self.interval_ns = self.interval_ns.saturating_mul(2);
    }
}

/// The second word of the point at `start`.
fn live_bytes(points: &[u8], start: usize) -> u64 {
    let word = points.get(start + 8..start + 16).and_then(|bytes| bytes.try_into().ok());
    word.map_or(0, u64::from_le_bytes)
}

fn encoded(point: &TimelinePoint) -> [u8; POINT_BYTES] {
    let mut bytes = [0; POINT_BYTES];
    for (place, word) in bytes.chunks_exact_mut(8).zip(point.to_words()) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}
