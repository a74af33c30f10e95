use lowtide_capture::CaptureWriter;
use lowtide_capture::layout::TimelinePoint;

/// Time is looked at after so many events, or at once after a large block.
const EVENTS_BETWEEN_LOOKS: u32 = 512;
const LARGE_BYTES: u64 = 256 << 10;
/// Asking malloc may take one part in so many of the time.
const MALLOC_SPARING: u64 = 100;

/// When the recording began, and when to add to its timeline.
pub(super) struct Clock {
    started_ns: u64,
    events_left: u32,
    peak_seen: u64,
    malloc_free_bytes: u64,
    /// When malloc is asked again.
    malloc_due_ns: u64,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            started_ns: monotonic_ns(),
            events_left: EVENTS_BETWEEN_LOOKS,
            peak_seen: 0,
            malloc_free_bytes: 0,
            malloc_due_ns: 0,
        }
    }

    pub(super) fn elapsed_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.started_ns)
    }

    /// Called once per event that allocated `bytes`.
    #[inline]
    pub(super) fn is_due(&mut self, bytes: u64) -> bool {
        self.events_left = self.events_left.wrapping_sub(1);
        self.events_left == 0 || bytes >= LARGE_BYTES
    }

    #[cold]
    pub(super) fn tick(&mut self, writer: &mut CaptureWriter, arena_live_bytes: u64) {
        self.events_left = EVENTS_BETWEEN_LOOKS;
        let elapsed_ns = self.elapsed_ns();
        if writer.wants_timeline_point(elapsed_ns) {
            self.add_point(writer, elapsed_ns, arena_live_bytes);
        }
    }

    /// The end is a point of the timeline as well.
    pub(super) fn last_point(&mut self, writer: &mut CaptureWriter, arena_live_bytes: u64) {
        let elapsed_ns = self.elapsed_ns();
        self.add_point(writer, elapsed_ns, arena_live_bytes);
    }

    /// What malloc holds but nobody uses. It is found by going through malloc's free lists, which may be long: it is asked
    /// for at most a hundredth of the time. The locks it takes are held by nobody who calls into the tracker.
    fn malloc_free_bytes(&mut self, elapsed_ns: u64) -> u64 {
        if elapsed_ns >= self.malloc_due_ns {
            // SAFETY: no preconditions.
            self.malloc_free_bytes = unsafe { libc::mallinfo2() }.fordblks as u64;
            let now_ns = self.elapsed_ns();
            self.malloc_due_ns = now_ns + MALLOC_SPARING * (now_ns - elapsed_ns);
        }
        self.malloc_free_bytes
    }

    fn add_point(&mut self, writer: &mut CaptureWriter, elapsed_ns: u64, arena_live_bytes: u64) {
        // SAFETY: the header is mapped as long as the writer lives, and whoever holds the writer holds the pass.
        let header = unsafe { writer.header().as_mut() };
        if header.peak_bytes != self.peak_seen {
            self.peak_seen = header.peak_bytes;
            header.peak_elapsed_ns = elapsed_ns;
        }
        let point = TimelinePoint {
            elapsed_ns,
            live_bytes: header.live_bytes,
            rss_bytes: resident_bytes(),
            arena_bytes: header.arena_bytes,
            arena_live_bytes,
            malloc_free_bytes: self.malloc_free_bytes(elapsed_ns),
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

/// The second number of `/proc/self/statm`, in bytes; 0 when it cannot be read.
fn resident_bytes() -> u64 {
    let mut text = [0u8; 128];
    // SAFETY: the path is a C string, the buffer is as long as said, and the descriptor is closed by its only user.
    let length = unsafe {
        let file = libc::open(c"/proc/self/statm".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return 0;
        }
        let length = libc::read(file, text.as_mut_ptr().cast(), text.len());
        libc::close(file);
        length
    };
    let text = text.get(..usize::try_from(length).unwrap_or(0)).unwrap_or_default();
    let digits = text.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
    let pages =
        digits.iter().fold(0, |pages: u64, digit| pages * 10 + u64::from(digit.wrapping_sub(b'0')));
    pages * 4096
}
