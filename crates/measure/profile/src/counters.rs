use crate::{Usage, UsageInTime};
use lowtide_capture::Summary;
use lowtide_capture::layout::Node;

/// What nodes asked for themselves, and when it was there. What was temporary is not in the nodes of a capture.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    pub at_peak: Counter,
    pub left_at_exit: Counter,
    pub churn: Counter,
    pub temporary: Counter,
}

/// Which part of a usage a counter is.
pub type Time = fn(&mut UsageInTime) -> &mut Usage;

impl Counters {
    pub fn add(&mut self, id: u32, node: &Node, summary: &Summary) {
        let (bytes, blocks) = summary.at_peak(node);
        self.at_peak.add(id, Usage::new(bytes, u64::from(blocks)));
        self.left_at_exit.add(id, Usage::new(node.live_bytes, u64::from(node.live_blocks)));
        self.churn.add(id, Usage::new(node.churn_bytes, node.churn_blocks));
    }

    /// Each counter, and what it counts.
    pub fn by_time(&self) -> [(&Counter, Time); 4] {
        [
            (&self.at_peak, |usage| &mut usage.at_peak),
            (&self.left_at_exit, |usage| &mut usage.left_at_exit),
            (&self.churn, |usage| &mut usage.churn),
            (&self.temporary, |usage| &mut usage.temporary),
        ]
    }
}

/// Usages by node; of nodes that are not there, nothing. Nearly all of them fit half the bits.
#[derive(Clone, Debug, Default)]
pub struct Counter {
    /// Node, bytes, count.
    small: Vec<[u32; 3]>,
    large: Vec<(u32, Usage)>,
}

impl Counter {
    pub fn add(&mut self, node: u32, usage: Usage) {
        match (u32::try_from(usage.bytes.0), u32::try_from(usage.count)) {
            (Ok(0), Ok(0)) => {}
            (Ok(bytes), Ok(count)) => self.small.push([node, bytes, count]),
            _ => self.large.push((node, usage)),
        }
    }

    /// In no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Usage)> {
        let small = self
            .small
            .iter()
            .map(|&[node, bytes, count]| (node, Usage::new(u64::from(bytes), u64::from(count))));
        small.chain(self.large.iter().copied())
    }

    /// Of all nodes.
    pub fn total(&self) -> Usage {
        self.iter().map(|(_, usage)| usage).sum()
    }
}
