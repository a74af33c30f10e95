use crate::page::{Page, fit_start};
use crate::peak_lines::place_and_function;
use crate::style::{DIM, HEADING, STRONG, paint};
use crate::table::{Align, Cell, Table};
use lowtide_profile::{Profile, TypeLine, TypeUsage};
use lowtide_units::{Bytes, Count, Share};

/// A heap of so much of the peak is called that.
const AT_PEAK: f64 = 0.95;
/// As much of the objects' bytes as the types shown should cover.
const COVERED: f64 = 0.99;
/// But no more types than this.
const MOST_TYPES: usize = 10;
/// As much of a type as the lines shown with it should cover.
const LINES_COVERED: f64 = 0.9;
/// But no more lines than this, and none that made a smaller part.
const MOST_LINES: usize = 3;
const LEAST_LINE_SHARE: f64 = 0.1;
/// A type with a smaller part of the objects' bytes is shown without lines.
const LEAST_SHARE: f64 = 0.02;
/// Columns of `100.0 %`.
const SHARE_COLUMNS: usize = 7;
/// Between share, place and function.
const GAP: &str = "  ";
/// Least columns for a type or a place.
const NARROWEST_TEXT: usize = 16;

/// The types of the objects at the peak, and who made them.
pub fn peak_types(profile: &Profile, page: &Page) -> Vec<String> {
    let types = profile.types();
    let shown = &types[..types_to_show(types)];
    if shown.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![paint(HEADING, heading(profile))];
    lines.extend(rows(shown, page));
    let rest: Bytes = types[shown.len()..].iter().map(|entry| entry.live.bytes).sum();
    let hidden = types.len() - shown.len();
    let noun = if hidden == 1 { "other type holds" } else { "other types hold" };
    if hidden > 0 {
        lines.push(paint(DIM, format!("{} {noun} {rest}", Count(hidden as u64))));
    }
    lines
}

/// Objects are counted as seldom as their number asks for: with a heap that soon grew, that was not at the peak.
fn heading(profile: &Profile) -> String {
    let part = |heap: Bytes| heap.share_of(profile.peak().heap);
    match profile.heap_at_census() {
        Some(heap) if part(heap) < AT_PEAK => {
            format!("Objects when the heap was {heap}, {} of the peak", Share(part(heap)))
        }
        _ => "Objects at the peak".to_owned(),
    }
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

/// A row for each type, and beneath it the lines that made most of its objects, with their shares of its bytes.
fn rows(shown: &[TypeUsage], page: &Page) -> Vec<String> {
    let all: Bytes = shown.iter().map(|entry| entry.live.bytes).sum();
    let indent = figures_table(shown, "", |_| String::new()).width_of(3);
    let room = page.width.saturating_sub(indent).max(NARROWEST_TEXT);
    let table = figures_table(shown, "type, made by", |entry| fit_start(&entry.name, room));
    let mut rows = table.lines().into_iter();
    let mut lines: Vec<String> = rows.next().into_iter().collect();
    for (entry, row) in shown.iter().zip(rows) {
        lines.push(row);
        let made_by = lines_to_show(entry, all).iter().map(|line| made_by(line, entry, page, room));
        lines.extend(made_by.map(|text| format!("{}{}", " ".repeat(indent), paint(DIM, text))));
    }
    lines
}

fn figures_table(shown: &[TypeUsage], head: &str, text: impl Fn(&TypeUsage) -> String) -> Table {
    let mut table = Table::new([Align::Right, Align::Right, Align::Right, Align::Left]);
    table.row(["bytes", "count", "mean", head].map(|head| Cell::painted(DIM, head)));
    for entry in shown {
        let live = entry.live;
        let mean = Bytes(live.bytes.0.checked_div(live.count).unwrap_or(0));
        table.row([
            Cell::painted(STRONG, live.bytes),
            Cell::new(Count(live.count)),
            Cell::new(mean),
            Cell::new(text(entry)),
        ]);
    }
    table
}

/// The lines that made most of a type, where the type itself tells.
fn lines_to_show(entry: &TypeUsage, all: Bytes) -> &[TypeLine] {
    let mut covered = Bytes(0);
    let is_needed = |line: &&TypeLine| {
        let is_needed = covered.share_of(entry.live.bytes) < LINES_COVERED
            && line.live.bytes.share_of(entry.live.bytes) >= LEAST_LINE_SHARE;
        covered += line.live.bytes;
        is_needed
    };
    let is_small = entry.live.bytes.share_of(all) < LEAST_SHARE;
    let most = if is_small { 0 } else { MOST_LINES };
    &entry.lines[..entry.lines.iter().take(most).take_while(is_needed).count()]
}

fn made_by(line: &TypeLine, entry: &TypeUsage, page: &Page, room: usize) -> String {
    let share = Share(line.live.bytes.share_of(entry.live.bytes)).to_string();
    let (place, function) =
        place_and_function(&line.place, page, room.saturating_sub(SHARE_COLUMNS + GAP.len()));
    let gap = if function.is_empty() { "" } else { GAP };
    format!("{share:>SHARE_COLUMNS$}{GAP}{place}{gap}{function}")
}
