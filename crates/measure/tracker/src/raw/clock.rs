use super::residency::{MallocFree, Resident, own_bytes};
use super::shadow::Shadow;
use crate::ledger;
use lowtide_capture::CaptureWriter;
use lowtide_capture::layout::TimelinePoint;

/// Time is looked at after so many events, or at once after a large block.
const EVENTS_BETWEEN_LOOKS: u32 = 512;
const LARGE_BYTES: u64 = 256 << 10;
/// Finding out who keeps what may take one part in so many of the time.
const SPARING: u64 = 500;

/// When the recording began, and when to add to its timeline.
pub(super) struct Clock {
    started_ns: u64,
    events_left: u32,
    peak_seen: u64,
    kept: Kept,
    /// When that is found out again.
    kept_due_ns: u64,
}

/// What is found by going through lists and tables, which may be long.
#[derive(Clone, Copy, Default)]
struct Kept {
    malloc_free: MallocFree,
    own_bytes: u64,
    elapsed_ns: u64,
}

/// pymalloc's arenas.
#[derive(Clone, Copy, Default)]
pub(super) struct ArenasNow {
    pub(super) count: u64,
    pub(super) live_bytes: u64,
}

/// What a point tells of.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) shadow: &'a Shadow,
    pub(super) arenas: ArenasNow,
    pub(super) shared_heap_bytes: u64,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            started_ns: monotonic_ns(),
            events_left: EVENTS_BETWEEN_LOOKS,
            peak_seen: 0,
            kept: Kept::default(),
            kept_due_ns: 0,
        }
    }

    pub(super) fn elapsed_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.started_ns)
    }

    /// Whether a block is so large that a look at the time pays off.
    #[inline]
    pub(super) fn is_large(bytes: u64) -> bool {
        bytes >= LARGE_BYTES
    }

    /// Whether the next event that allocates a small block is one after which the time is looked at.
    #[inline]
    pub(super) fn is_due_next(&self) -> bool {
        self.events_left == 1
    }

    /// Called once per event that allocated `bytes`.
    #[inline]
    pub(super) fn is_due(&mut self, bytes: u64) -> bool {
        self.events_left = self.events_left.wrapping_sub(1);
        self.events_left == 0 || Self::is_large(bytes)
    }

    #[cold]
    pub(super) fn tick(&mut self, writer: &mut CaptureWriter, look: Look) {
        self.events_left = EVENTS_BETWEEN_LOOKS;
        let elapsed_ns = self.elapsed_ns();
        if writer.wants_timeline_point(elapsed_ns) {
            if elapsed_ns >= self.kept_due_ns {
                self.find_kept(look.shadow, elapsed_ns);
            }
            self.add_point(writer, elapsed_ns, look);
        }
    }

    /// Start and end are points of the timeline as well, whatever they cost.
    pub(super) fn mark(&mut self, writer: &mut CaptureWriter, look: Look) {
        let elapsed_ns = self.elapsed_ns();
        self.find_kept(look.shadow, elapsed_ns);
        self.add_point(writer, elapsed_ns, look);
    }

    fn find_kept(&mut self, shadow: &Shadow, elapsed_ns: u64) {
        self.kept =
            Kept { malloc_free: MallocFree::now(), own_bytes: own_bytes(shadow), elapsed_ns };
        let now_ns = self.elapsed_ns();
        self.kept_due_ns = now_ns + SPARING * (now_ns - elapsed_ns);
    }

    fn add_point(&mut self, writer: &mut CaptureWriter, elapsed_ns: u64, look: Look) {
        // SAFETY: the header is mapped as long as the writer lives, and whoever holds the writer holds the pass.
        let header = unsafe { writer.header().as_mut() };
        let peak_bytes = ledger::peak_bytes(header);
        if peak_bytes != self.peak_seen {
            self.peak_seen = peak_bytes;
            header.peak_elapsed_ns = elapsed_ns;
        }
        let resident = Resident::now(look.shared_heap_bytes);
        let point = TimelinePoint {
            elapsed_ns,
            live_bytes: header.live_bytes,
            rss_bytes: resident.bytes,
            arena_bytes: header.arena_bytes,
            arena_live_bytes: look.arenas.live_bytes,
            malloc_free_bytes: self.kept.malloc_free.bytes,
            file_rss_bytes: resident.file_bytes,
            own_bytes: self.kept.own_bytes,
            malloc_top_bytes: self.kept.malloc_free.top_bytes,
            arena_count: look.arenas.count,
            file_mapped_bytes: header.file_mapped_bytes,
            kept_elapsed_ns: self.kept.elapsed_ns,
        };
        writer.add_timeline_point(&point);
    }
}

fn monotonic_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is writable; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}
