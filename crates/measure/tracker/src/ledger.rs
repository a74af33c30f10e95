//! Live, peak and churn of the whole heap and of each node: constant work per event, exact.
//!
//! A node keeps what it had at the last peak only while that differs from what it has now. The heap rising above its old
//! peak makes all such memories stale at once by moving the peak's number on; the first event that then touches a node
//! below the peak takes a new one.

use lowtide_capture::layout::{Header, Node};

/// `bytes` were allocated under `node`.
#[inline]
pub(crate) fn allocated(header: &mut Header, node: &mut Node, bytes: u64) {
    let live_bytes = header.live_bytes.wrapping_add(bytes);
    header.live_bytes = live_bytes;
    header.live_blocks = header.live_blocks.wrapping_add(1);
    if live_bytes > header.peak_bytes {
        header.peak_bytes = live_bytes;
        header.peak_blocks = header.live_blocks;
        header.peak_number = header.peak_number.wrapping_add(1);
    } else {
        remember_peak(header, node);
    }
    node.live_bytes = node.live_bytes.wrapping_add(bytes);
    node.live_blocks = node.live_blocks.wrapping_add(1);
    node.churn_bytes = node.churn_bytes.wrapping_add(bytes);
    node.churn_blocks = node.churn_blocks.wrapping_add(1);
}

/// A block of `bytes` allocated under `node` was freed.
#[inline]
pub(crate) fn freed(header: &mut Header, node: &mut Node, bytes: u64) {
    cut(header, node, bytes, 0);
}

/// `bytes` of a block allocated under `node` were freed, which left `pieces` blocks of it.
#[inline]
pub(crate) fn cut(header: &mut Header, node: &mut Node, bytes: u64, pieces: u32) {
    remember_peak(header, node);
    header.live_bytes = header.live_bytes.wrapping_sub(bytes);
    header.live_blocks = header.live_blocks.wrapping_sub(1).wrapping_add(u64::from(pieces));
    node.live_bytes = node.live_bytes.wrapping_sub(bytes);
    node.live_blocks = node.live_blocks.wrapping_sub(1).wrapping_add(pieces);
}

#[inline]
fn remember_peak(header: &Header, node: &mut Node) {
    if node.peak_number != header.peak_number {
        node.at_peak_bytes = node.live_bytes;
        node.at_peak_blocks = node.live_blocks;
        node.peak_number = header.peak_number;
    }
}
