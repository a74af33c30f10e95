//! `--sample`: which blocks are recorded, decided in a few instructions by the thread that allocates them.

use super::recent::{self, RECENT};
use super::thread;
use crate::weight::{distance, spread};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// Average bytes between points of the recordings that begin from now on; 0: every block is recorded.
static WANTED: AtomicU64 = AtomicU64::new(0);
/// The same of the recording that goes on.
static MEAN_BYTES: AtomicU64 = AtomicU64::new(0);

/// How many sampled blocks (and code objects that were seen) the chunks of addresses hold that share an entry, which lie
/// 256 MiB apart: where there are none, a free need not be looked up.
static HELD: [AtomicU8; 1 << HELD_BITS] = [const { AtomicU8::new(0) }; 1 << HELD_BITS];
const HELD_BITS: u32 = 16;
const CHUNK_BITS: u32 = 12;
/// From here on an entry is never counted down again.
const MANY: u8 = u8::MAX;

pub(super) fn want(mean_bytes: u64) {
    WANTED.store(mean_bytes, Ordering::Relaxed);
}

/// Average bytes between the samples of a recording that is about to begin.
pub(super) fn wanted() -> u64 {
    WANTED.load(Ordering::Relaxed)
}

/// From here on events are those of a recording that samples so.
pub(super) fn begin(mean_bytes: u64) {
    if mean_bytes != 0 {
        HELD.iter().for_each(empty);
    }
    MEAN_BYTES.store(mean_bytes, Ordering::Relaxed);
}

/// A page that was never written to is not, so that it takes no memory.
fn empty(held: &AtomicU8) {
    if held.load(Ordering::Relaxed) != 0 {
        held.store(0, Ordering::Relaxed);
    }
}

/// Nobody samples any more: whatever happens gets as far as the gate.
pub(super) fn end() {
    MEAN_BYTES.store(0, Ordering::Relaxed);
    thread::forget_distance();
}

/// Whether a block of so many bytes is recorded.
#[inline]
pub(super) fn is_due(bytes: usize) -> bool {
    !is_short_of_point(bytes) && is_hit(bytes)
}

/// Whether a block of so many bytes ends before the thread's next point; `is_hit` says of any other if it is recorded.
#[inline]
pub(super) fn is_short_of_point(bytes: usize) -> bool {
    MEAN_BYTES.load(Ordering::Relaxed) != 0 && !thread::spend(bytes)
}

#[inline]
pub(super) fn is_hit(bytes: usize) -> bool {
    let mean_bytes = MEAN_BYTES.load(Ordering::Relaxed);
    mean_bytes == 0 || look(bytes, mean_bytes)
}

/// The thread has used up its distance, never had one, or had it put aside.
#[cold]
fn look(bytes: usize, mean_bytes: u64) -> bool {
    let Some(followed) = thread::followed().checked_sub(1) else { return hit(bytes, mean_bytes) };
    thread::take_distance_back();
    let is_due = thread::spend(bytes) && hit(bytes, mean_bytes);
    if !is_due {
        recent::note(0);
    }
    if followed > 0 {
        thread::put_distance_aside();
    }
    thread::set_followed(followed);
    is_due
}

/// A block of this thread is recorded. Until it is certain whether it is temporary, all that the thread allocates is counted,
/// which a distance of nothing has it come by for.
#[cold]
pub(super) fn follow() {
    if thread::followed() == 0 {
        thread::put_distance_aside();
    }
    thread::set_followed(RECENT);
}

/// The distance is used up, or there is none yet.
fn hit(bytes: usize, mean_bytes: u64) -> bool {
    let draw = || distance(mean_bytes, spread(thread::next_random()));
    let is_first = thread::is_without_distance();
    // Without memory: what is left after a point, and after the first bytes of a thread, is distributed alike.
    let left = draw();
    if is_first && left > bytes as u64 {
        thread::set_distance(left - bytes as u64);
        return false;
    }
    thread::set_distance(if is_first { draw() } else { left });
    true
}

/// Whether a block at `address` may be recorded.
#[inline]
pub(super) fn may_hold(address: usize) -> bool {
    MEAN_BYTES.load(Ordering::Relaxed) == 0 || is_near_sample(address)
}

/// Whether a block at `address` may be a sample, in a recording that takes them.
#[inline]
pub(super) fn is_near_sample(address: usize) -> bool {
    entry(address).load(Ordering::Relaxed) != 0
}

/// Something at `address` is recorded. The caller has the pass.
#[cold]
pub(super) fn note(address: usize) {
    let held = entry(address);
    held.store(held.load(Ordering::Relaxed).saturating_add(1), Ordering::Relaxed);
}

/// It is no longer, as so many things were noted there. The caller has the pass.
#[cold]
pub(super) fn forget(address: usize, count: u8) {
    let held = entry(address);
    match held.load(Ordering::Relaxed) {
        MANY => {}
        before => held.store(before.saturating_sub(count), Ordering::Relaxed),
    }
}

#[inline]
fn entry(address: usize) -> &'static AtomicU8 {
    // Neighbours lie side by side: what a program uses at a time are a few cache lines.
    &HELD[address >> CHUNK_BITS & (HELD.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_overflowed_stays() {
        let address = 0x7654_3210_0000;
        for _ in 0..300 {
            note(address);
        }
        for _ in 0..300 {
            forget(address, 1);
        }
        assert_eq!(entry(address).load(Ordering::Relaxed), MANY);
        let other = 0x1234_5678_0000;
        note(other);
        forget(other, 1);
        forget(other, 1);
        assert_eq!(entry(other).load(Ordering::Relaxed), 0);
    }
}
