use crate::page::{Page, fit_start};
use crate::style::{DIM, HEADING, STRONG, paint};
use crate::table::{Align, Cell, Table};
use lowtide_profile::{Profile, TypeUsage};
use lowtide_units::{Bytes, Count};

/// As much of the objects' bytes as the types shown should cover.
const COVERED: f64 = 0.99;
/// But no more types than this.
const MOST_TYPES: usize = 10;

/// The types of the objects at the peak.
pub fn peak_types(profile: &Profile, page: &Page) -> Vec<String> {
    let types = profile.types();
    let shown = &types[..types_to_show(types)];
    if shown.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![paint(HEADING, "Objects at the peak")];
    lines.extend(rows(shown, page));
    let rest: Bytes = types[shown.len()..].iter().map(|entry| entry.live.bytes).sum();
    let hidden = types.len() - shown.len();
    let noun = if hidden == 1 { "other type holds" } else { "other types hold" };
    if hidden > 0 {
        lines.push(paint(DIM, format!("{} {noun} {rest}", Count(hidden as u64))));
    }
    lines
}

fn types_to_show(types: &[TypeUsage]) -> usize {
    let all: Bytes = types.iter().map(|entry| entry.live.bytes).sum();
    let mut covered = Bytes(0);
    let is_needed = |entry: &&TypeUsage| {
        let is_needed = covered.share_of(all) < COVERED;
        covered += entry.live.bytes;
        is_needed
    };
    types.iter().take(MOST_TYPES).take_while(is_needed).count()
}

fn rows(shown: &[TypeUsage], page: &Page) -> Vec<String> {
    let mut table = Table::new([Align::Right, Align::Right, Align::Right, Align::Left]);
    table.row(["bytes", "count", "mean", "type"].map(|head| Cell::painted(DIM, head)));
    for entry in shown {
        let live = entry.live;
        let mean = Bytes(live.bytes.0.checked_div(live.count).unwrap_or(0));
        table.row([
            Cell::painted(STRONG, live.bytes),
            Cell::new(Count(live.count)),
            Cell::new(mean),
            Cell::new(fit_start(&entry.name, page.width / 2)),
        ]);
    }
    table.lines()
}
