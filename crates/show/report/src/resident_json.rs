//! Heap, RSS and slack over time, for programs.

use lowtide_profile::{Profile, TimelinePoint};
use serde::Serialize;

/// What RSS was made of when it mattered.
#[derive(Serialize)]
pub struct ResidentRecord {
    highest: Option<MomentRecord>,
    last: Option<MomentRecord>,
    /// Where RSS did not follow the heap down.
    fall: Option<FallRecord>,
    file_mapped_peak_bytes: u64,
    file_mapped_left_at_exit_bytes: u64,
}

#[derive(Serialize)]
struct FallRecord {
    from: MomentRecord,
    to: MomentRecord,
    stuck_bytes: u64,
}

/// One moment. RSS is heap, arenas, malloc, files, own and rest, less what is absent.
#[derive(Serialize)]
pub struct MomentRecord {
    elapsed_s: f64,
    heap_bytes: u64,
    rss_bytes: u64,
    arena_bytes: u64,
    arena_count: u64,
    arena_live_bytes: u64,
    arena_free_bytes: u64,
    malloc_free_bytes: u64,
    malloc_top_bytes: u64,
    file_rss_bytes: u64,
    own_bytes: u64,
    rest_bytes: u64,
    absent_bytes: u64,
    file_mapped_bytes: u64,
    /// Whether malloc's and the tracker's figures are of this moment, and not of a little before.
    is_whole: bool,
}

impl From<&Profile> for ResidentRecord {
    fn from(profile: &Profile) -> Self {
        let file_mapped = profile.file_mapped();
        Self {
            highest: profile.most_resident().as_ref().map(MomentRecord::from),
            last: profile.timeline().last().map(MomentRecord::from),
            fall: profile.fall().map(|fall| FallRecord {
                from: MomentRecord::from(&fall.from),
                to: MomentRecord::from(&fall.to),
                stuck_bytes: fall.stuck().0,
            }),
            file_mapped_peak_bytes: file_mapped.peak.0,
            file_mapped_left_at_exit_bytes: file_mapped.left_at_exit.0,
        }
    }
}

impl From<&TimelinePoint> for MomentRecord {
    fn from(point: &TimelinePoint) -> Self {
        Self {
            elapsed_s: point.elapsed.seconds(),
            heap_bytes: point.heap.0,
            rss_bytes: point.rss.0,
            arena_bytes: point.arenas.0,
            arena_count: point.arena_count,
            arena_live_bytes: point.arena_live.0,
            arena_free_bytes: point.arena_free().0,
            malloc_free_bytes: point.malloc_free.0,
            malloc_top_bytes: point.malloc_top.0,
            file_rss_bytes: point.files.0,
            own_bytes: point.own.0,
            rest_bytes: point.rest().0,
            absent_bytes: point.absent().0,
            file_mapped_bytes: point.file_mapped.0,
            is_whole: point.is_whole,
        }
    }
}
