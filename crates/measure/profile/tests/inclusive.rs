//! What lies under a line, against walking up from every node.

use lowtide_capture::Life;
use lowtide_capture::layout::{Node, TimelinePoint, node_kind};
use lowtide_capture::{Capture, Code, State, Summary};
use lowtide_profile::Profile;
use lowtide_units::{Bytes, LineSpan};
use proptest::prelude::*;

const CODES: u32 = 5;

/// Each code object is one line of `app.py`: its number plus 1.
fn code(id: u32) -> Code {
    Code {
        first_line: id + 1,
        is_line_table_of_3_10: false,
        filename: b"/app.py".to_vec(),
        qualified_name: format!("function_{id}").into_bytes(),
        line_table: Vec::new(),
    }
}

fn node(id: usize, (parent, code, kind, bytes): (usize, u32, u32, u64)) -> Node {
    Node {
        parent: u32::try_from(parent % id.max(1)).unwrap_or(0),
        code,
        kind,
        live_bytes: bytes,
        live_blocks: 1,
        churn_bytes: bytes,
        churn_blocks: 1,
        ..Node::default()
    }
}

fn capture(nodes: Vec<Node>) -> Capture {
    let summary = Summary {
        state: State::Ended,
        hexversion: 0x030d_00f0,
        pid: 1,
        parent_pid: 1,
        started_unix_ns: 0,
        elapsed_ns: 0,
        live_bytes: 0,
        live_blocks: 0,
        peak_bytes: 0,
        peak_blocks: 0,
        peak_number: 1,
        peak_elapsed_ns: 0,
        arena_bytes: 0,
        unrecorded_blocks: 0,
        file_mapped_bytes: 0,
        file_mapped_peak_bytes: 0,
        most_resident: TimelinePoint::default(),
        sample_bytes: 0,
    };
    let codes = (0..CODES).map(code).map(Some).collect();
    Capture {
        summary,
        process: None,
        nodes,
        temporary: None,
        codes,
        modules: Vec::new(),
        symbols: std::collections::BTreeMap::new(),
        timeline: Vec::new(),
        census: None,
        life: Life::default(),
        ending: None,
    }
}

/// Whether a node or one of its callers is a frame on one of the lines.
fn passes_through(nodes: &[Node], mut id: usize, lines: std::ops::RangeInclusive<u32>) -> bool {
    while id != 0 {
        let node = &nodes[id];
        if node.kind == node_kind::FRAME && lines.contains(&(node.code + 1)) {
            return true;
        }
        id = node.parent as usize;
    }
    false
}

proptest! {
    #[test]
    fn it_agrees_with_walking_up(
        raw in prop::collection::vec((any::<usize>(), 0..CODES, 0..3_u32, 0..1_000_000_u64), 1..200),
        first in 1..=CODES,
        length in 0..CODES,
    ) {
        let nodes: Vec<Node> = raw.into_iter().enumerate().map(|(id, raw)| node(id, raw)).collect();
        let last = first + length;
        let expected: u64 = (0..nodes.len())
            .filter(|&id| passes_through(&nodes, id, first..=last))
            .map(|id| nodes[id].live_bytes)
            .sum();
        let whole: u64 = nodes.iter().map(|node| node.live_bytes).sum();
        let profile = Profile::from_capture(&capture(nodes));
        let span = LineSpan { file: "/app.py".into(), first, last };
        prop_assert_eq!(profile.under(std::slice::from_ref(&span)).bytes, Bytes(expected));
        prop_assert_eq!(profile.under(&[span.clone(), span]).bytes, Bytes(expected));
        prop_assert_eq!(profile.peak().heap, Bytes(whole));
        prop_assert_eq!(profile.lines().iter().map(|line| line.at_peak.bytes).sum::<Bytes>(), Bytes(whole));
    }
}
