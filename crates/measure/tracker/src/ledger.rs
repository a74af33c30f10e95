//! Live, peak and churn of the whole heap and of each node: constant work per event, exact.
//!
//! While the heap rises above its old peak nothing is done about it: it is at its peak now, and so is each node. The
//! first free thereafter writes the peak down and moves its number on, which makes what nodes remember of the old one
//! stale, all at once. A node remembers what it had at the peak when it is next touched below it.
//!
//! Of two counters side by side one is changed before something is decided, the other after: together they would be read
//! by one instruction, which waits where they were written by two.

use crate::weight::Amount;
use lowtide_capture::layout::{Header, Node, Temporary};

/// So much was allocated under `node`.
#[inline]
pub(crate) fn allocated(header: &mut Header, node: &mut Node, amount: Amount) {
    let Amount { bytes, blocks } = amount;
    let is_above_peak = header.live_bytes > header.peak_bytes;
    header.live_bytes = header.live_bytes.wrapping_add(bytes);
    if !is_above_peak {
        remember_peak(header, node);
    }
    header.live_blocks = header.live_blocks.wrapping_add(blocks.into());
    node.live_bytes = node.live_bytes.wrapping_add(bytes);
    node.live_blocks = node.live_blocks.wrapping_add(blocks);
    node.churn_bytes = node.churn_bytes.wrapping_add(bytes);
    node.churn_blocks = node.churn_blocks.wrapping_add(blocks.into());
}

/// So much that was allocated under `node` was freed.
#[inline]
pub(crate) fn freed(header: &mut Header, node: &mut Node, amount: Amount) {
    write_down_peak(header);
    freed_below_peak(header, node, amount);
}

/// As [`freed`], after [`write_down_peak`].
#[inline]
pub(crate) fn freed_below_peak(header: &mut Header, node: &mut Node, amount: Amount) {
    let Amount { bytes, blocks } = amount;
    header.live_bytes = header.live_bytes.wrapping_sub(bytes);
    remember_peak(header, node);
    header.live_blocks = header.live_blocks.wrapping_sub(blocks.into());
    node.live_bytes = node.live_bytes.wrapping_sub(bytes);
    node.live_blocks = node.live_blocks.wrapping_sub(blocks);
}

/// So much that was freed was temporary.
#[inline]
pub(crate) fn freed_soon(temporary: &mut Temporary, amount: Amount) {
    temporary.bytes = temporary.bytes.wrapping_add(amount.bytes);
    temporary.blocks = temporary.blocks.wrapping_add(amount.blocks.into());
}

/// `bytes` of a block allocated under `node` were freed, which left `pieces` blocks of it.
#[inline]
pub(crate) fn cut(header: &mut Header, node: &mut Node, bytes: u64, pieces: u32) {
    freed(header, node, Amount::exact(bytes));
    header.live_blocks = header.live_blocks.wrapping_add(pieces.into());
    node.live_blocks = node.live_blocks.wrapping_add(pieces);
}

/// Most live bytes until now.
#[inline]
pub(crate) fn peak_bytes(header: &Header) -> u64 {
    header.peak_bytes.max(header.live_bytes)
}

/// If the heap is above its old peak, it is at its peak.
#[inline]
pub(crate) fn write_down_peak(header: &mut Header) {
    if header.live_bytes > header.peak_bytes {
        header.peak_bytes = header.live_bytes;
        header.peak_blocks = header.live_blocks;
        header.peak_number = header.peak_number.wrapping_add(1);
    }
}

#[inline]
fn remember_peak(header: &Header, node: &mut Node) {
    if node.peak_number != header.peak_number {
        node.at_peak_bytes = node.live_bytes;
        node.at_peak_blocks = node.live_blocks;
        node.peak_number = header.peak_number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowtide_capture::layout::{HEADER_BYTES, MAGIC, MAX_SEGMENTS, SegmentEntry, TimelinePoint};
    use proptest::prelude::*;

    const NODES: usize = 4;

    fn empty_header() -> Header {
        Header {
            magic: MAGIC,
            format_version: 1,
            header_bytes: HEADER_BYTES,
            state: 0,
            stop_reason: 0,
            hexversion: 0,
            pid: 0,
            parent_pid: 0,
            page_bytes: 4096,
            started_unix_ns: 0,
            elapsed_ns: 0,
            live_bytes: 0,
            live_blocks: 0,
            peak_bytes: 0,
            peak_blocks: 0,
            peak_number: 0,
            peak_elapsed_ns: 0,
            arena_bytes: 0,
            unrecorded_blocks: 0,
            segment_count: 0,
            reserved: 0,
            segments: [SegmentEntry::default(); MAX_SEGMENTS],
            file_mapped_bytes: 0,
            file_mapped_peak_bytes: 0,
            most_resident: TimelinePoint::default(),
            sample_bytes: 0,
        }
    }

    /// Bytes and blocks.
    type Tally = (u64, u32);

    /// As the reader of a capture sees it.
    fn at_peak(header: &Header, node: &Node) -> Tally {
        if header.live_bytes <= header.peak_bytes && node.peak_number == header.peak_number {
            (node.at_peak_bytes, node.at_peak_blocks)
        } else {
            (node.live_bytes, node.live_blocks)
        }
    }

    /// Counts everything again at every event.
    #[derive(Default)]
    struct Replay {
        blocks: Vec<(usize, u64)>,
        peak_bytes: u64,
        at_peak: [Tally; NODES],
        /// The heap has not fallen from its peak: blocks of no bytes may join it.
        is_at_peak: bool,
    }

    impl Replay {
        fn tallies(&self) -> [Tally; NODES] {
            let of_node = |node| self.blocks.iter().filter(move |block| block.0 == node);
            std::array::from_fn(|node| {
                (of_node(node).map(|block| block.1).sum(), of_node(node).map(|_| 1).sum())
            })
        }

        fn allocate(&mut self, node: usize, bytes: u64) {
            self.blocks.push((node, bytes));
            let live: u64 = self.blocks.iter().map(|block| block.1).sum();
            self.is_at_peak = live > self.peak_bytes || self.is_at_peak && live == self.peak_bytes;
            if self.is_at_peak {
                self.peak_bytes = live;
                self.at_peak = self.tallies();
            }
        }

        fn free(&mut self, choice: usize) -> (usize, u64) {
            self.is_at_peak = false;
            self.blocks.swap_remove(choice % self.blocks.len())
        }
    }

    #[derive(Clone, Debug)]
    enum Event {
        Allocate { node: usize, bytes: u64 },
        Free { choice: usize },
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let allocate =
            (0..NODES, 0u64..50).prop_map(|(node, bytes)| Event::Allocate { node, bytes });
        let free = any::<usize>().prop_map(|choice| Event::Free { choice });
        prop::collection::vec(prop_oneof![allocate, free], 0..300)
    }

    proptest! {
        #[test]
        fn every_node_knows_what_it_held_at_the_peak(events in events()) {
            let (mut header, mut nodes) = (empty_header(), [Node::default(); NODES]);
            let mut replay = Replay::default();
            for event in events {
                match event {
                    Event::Allocate { node, bytes } => {
                        allocated(&mut header, &mut nodes[node], Amount::exact(bytes));
                        replay.allocate(node, bytes);
                    }
                    Event::Free { choice } if !replay.blocks.is_empty() => {
                        let (node, bytes) = replay.free(choice);
                        freed(&mut header, &mut nodes[node], Amount::exact(bytes));
                    }
                    Event::Free { .. } => {}
                }
                prop_assert_eq!(peak_bytes(&header), replay.peak_bytes);
                let found: [Tally; NODES] = std::array::from_fn(|node| at_peak(&header, &nodes[node]));
                prop_assert_eq!(found, replay.at_peak);
            }
            let live: [Tally; NODES] = std::array::from_fn(|node| (nodes[node].live_bytes, nodes[node].live_blocks));
            prop_assert_eq!(live, replay.tallies());
        }
    }

    #[test]
    fn a_block_cut_in_two_counts_twice_and_loses_its_middle() {
        let (mut header, mut node) = (empty_header(), Node::default());
        allocated(&mut header, &mut node, Amount::exact(30));
        cut(&mut header, &mut node, 10, 2);
        assert_eq!((node.live_bytes, node.live_blocks, header.live_blocks), (20, 2, 2));
        assert_eq!(at_peak(&header, &node), (30, 1));
        assert_eq!((node.churn_bytes, node.churn_blocks), (30, 1));
    }
}
