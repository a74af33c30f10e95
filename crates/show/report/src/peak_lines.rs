use crate::estimated::{bytes_of, marked};
use crate::page::{Page, columns, fit_end, fit_start};
use crate::style::{DIM, HEADING, STRONG, paint};
use crate::table::{Align, Cell, Table};
use lowtide_profile::{Frame, LineUsage, Profile, Sampling};
use lowtide_units::{Bytes, Count, Share};

/// As much of the peak as the lines shown should cover.
const COVERED: f64 = 0.9;
/// But no more lines than fill a screen.
const MOST_LINES: usize = 24;
/// From this width on, the source stands beside its line instead of beneath it.
const WIDE: usize = 110;
/// Least columns for a place or a piece of source.
const NARROWEST_TEXT: usize = 16;

/// The lines that hold the peak, and how much is left to the others.
pub fn peak_lines(profile: &Profile, page: &Page) -> Vec<String> {
    let peak = profile.peak().heap;
    let shown = &lines_to_show(profile);
    if shown.is_empty() {
        return Vec::new();
    }
    let whole = Whole { peak, sampling: profile.sampling() };
    let mut lines = vec![paint(HEADING, "Lines that hold the peak")];
    lines.extend(if page.width < WIDE {
        source_beneath(shown, whole, page)
    } else {
        source_beside(shown, whole, page)
    });
    let covered: Bytes = shown.iter().map(|line| line.at_peak.bytes).sum();
    lines.extend(what_is_left(profile.lines_at_peak() - shown.len(), peak - covered, whole));
    lines
}

/// The lines that hold most of the peak.
pub fn lines_to_show(profile: &Profile) -> Vec<LineUsage> {
    let peak = profile.peak().heap;
    let mut covered = Bytes(0);
    let is_needed = |line: &LineUsage| {
        let more_needed = covered.share_of(peak) < COVERED && line.at_peak.bytes > Bytes(0);
        covered += line.at_peak.bytes;
        more_needed
    };
    profile.heaviest_lines(MOST_LINES).into_iter().take_while(is_needed).collect()
}

/// What the figures of lines are seen against.
#[derive(Clone, Copy)]
struct Whole {
    peak: Bytes,
    sampling: Option<Sampling>,
}

fn what_is_left(lines: usize, bytes: Bytes, whole: Whole) -> Option<String> {
    let share = Share(bytes.share_of(whole.peak));
    let bytes = marked(bytes, whole.sampling);
    let noun = if lines == 1 { "other line holds" } else { "other lines hold" };
    (lines > 0)
        .then(|| paint(DIM, format!("{} {noun} {bytes}, {share} of the peak", Count(lines as u64))))
}

/// A table of the figures and, beside them, what `texts` gives for each line; `heads` names its columns.
fn figures_table(
    shown: &[LineUsage],
    whole: Whole,
    heads: &[&str],
    texts: impl Fn(&LineUsage) -> Vec<Cell>,
) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new([Right, Right, Right, Left, Left, Left]);
    let heads = ["share", "bytes", "blocks"].iter().chain(heads);
    table.row(heads.map(|head| Cell::painted(DIM, head)).collect::<Vec<_>>());
    for line in shown {
        let usage = line.at_peak;
        let mut row = vec![
            Cell::painted(STRONG, Share(usage.bytes.share_of(whole.peak))),
            Cell::new(bytes_of(usage, whole.sampling)),
            Cell::new(Count(usage.count)),
        ];
        row.extend(texts(line));
        table.row(row);
    }
    table
}

fn source_beneath(shown: &[LineUsage], whole: Whole, page: &Page) -> Vec<String> {
    let indent = figures_table(shown, whole, &[], |_| Vec::new()).width_of(3);
    let room = page.width.saturating_sub(indent).max(NARROWEST_TEXT);
    let table = figures_table(shown, whole, &["line, function, source"], |line| {
        let (place, function) = with_workers(line, page, room);
        let gap = if function.is_empty() { "" } else { "  " };
        vec![Cell::new(format!("{place}{gap}{}", paint(DIM, function)))]
    });
    let mut lines = Vec::new();
    let mut rows = table.lines().into_iter();
    lines.extend(rows.next());
    for (line, row) in shown.iter().zip(rows) {
        lines.push(row);
        if let Some(source) = page.source_line(&line.place.file, line.place.line) {
            lines.push(format!("{}{}", " ".repeat(indent), fit_start(&source, room)));
        }
    }
    lines
}

fn source_beside(shown: &[LineUsage], whole: Whole, page: &Page) -> Vec<String> {
    let heads = ["line", "function", "source"];
    let figures_width = figures_table(shown, whole, &[], |_| Vec::new()).width_of(3);
    let room = page.width.saturating_sub(figures_width);
    let place = |line: &LineUsage| {
        let (place, function) = with_workers(line, page, room / 2);
        vec![Cell::new(place), Cell::painted(DIM, function)]
    };
    let source_at = figures_table(shown, whole, &heads, place).width_of(5);
    let source_room = page.width.saturating_sub(source_at).max(NARROWEST_TEXT);
    let table = figures_table(shown, whole, &heads, |line| {
        let mut cells = place(line);
        let source = page.source_line(&line.place.file, line.place.line);
        cells.extend(source.map(|source| Cell::new(fit_start(&source, source_room))));
        cells
    });
    table.lines()
}

/// The place and the function of a line, together in at most `room` columns.
pub fn place_and_function(frame: &Frame, page: &Page, room: usize) -> (String, String) {
    if frame.file.as_os_str().is_empty() {
        return ("no Python line".to_owned(), String::new());
    }
    let place = fit_end(&page.place(&frame.file, frame.line), room * 2 / 3);
    let function = fit_start(&frame.function, room.saturating_sub(columns(&place) + 2));
    (place, function)
}

/// The same, with how much threads without Python asked for while the line waited for them.
fn with_workers(line: &LineUsage, page: &Page, room: usize) -> (String, String) {
    let workers = match line.workers.at_peak.bytes {
        Bytes(0) => String::new(),
        bytes => format!(" ({bytes} by worker threads)"),
    };
    let room = room.saturating_sub(columns(&workers));
    let (place, function) = place_and_function(&line.place, page, room);
    (place, function + &workers)
}
