use crate::RunSummary;
use crate::page::{Page, columns, fit_end, fit_start, wrap};
use crate::peak_text::PeakText;
use crate::process_name::process_name;
use crate::run_text::program;
use crate::signal_name;
use crate::style::{CAUTION, DIM, HEADING, STRONG, paint};
use crate::table::{Align, Cell, Table};
use anstyle::Style;
use lowtide_profile::{Birth, Descendant, Exit, Profile, Recording};
use lowtide_units::{Bytes, Count};
use std::cmp::Reverse;

/// So many of one kind are shown, the heaviest; the others in one row.
const MOST_ALIKE: usize = 3;
/// Rows that fill a screen.
const MOST_ROWS: usize = 40;
/// Columns of a place in a file.
const LONGEST_PLACE: usize = 36;
/// Two blanks of indentation for each step down the tree.
const STEP: &str = "  ";
/// Few processes are further down.
const USUAL_DEPTH: usize = 3;
/// Columns of the figures.
const FIGURES: usize = 22;
/// From this width on, what else is known of a process stands beside its name instead of beneath it.
const WIDE: usize = 110;

/// The processes of a run as a tree, each with its own peak and the line that holds most of it.
pub fn processes(run: &RunSummary, peak: &PeakText, page: &Page) -> Vec<String> {
    let RunSummary { profile, descendants, .. } = *run;
    if descendants.is_empty() {
        return Vec::new();
    }
    let tree = Tree::of(descendants, page);
    let mut rows = vec![Row::of(0, program(profile.process()), profile, &peak.most_at)];
    tree.add_rows(None, 1, &mut rows);
    let left_out = rows.len().saturating_sub(MOST_ROWS);
    rows.truncate(MOST_ROWS);
    let heading = format!("{} processes", Count(descendants.len() as u64 + 1));
    let mut lines = vec![paint(HEADING, heading)];
    lines.extend(table(&rows, page).lines());
    if left_out > 0 {
        lines.push(paint(DIM, format!("and {} more lines like these", Count(left_out as u64))));
    }
    lines.extend(wrap(how_to_read(descendants), page.width).iter().map(|line| paint(DIM, line)));
    lines
}

fn how_to_read(descendants: &[Descendant]) -> &'static str {
    if descendants.iter().any(|descendant| matches!(descendant.birth, Birth::Forked(_))) {
        "Each peak has its own moment, so they do not add up. A forked process counts what it asked for itself, not what \
         it inherited."
    } else {
        "Each peak has its own moment, so they do not add up."
    }
}

fn table(rows: &[Row], page: &Page) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new([Right, Right, Left, Left]);
    table.row(["peak heap", "peak RSS", "process"].map(|head| Cell::painted(DIM, head)));
    let (room, room_of_name) = rooms(page);
    let name_of =
        |row: &Row| fit_start(&format!("{}{}", STEP.repeat(row.depth), row.name), room_of_name);
    let widest = rows.iter().map(|row| columns(&name_of(row))).max().unwrap_or(0);
    for row in rows {
        let name = name_of(row);
        let figures = [Cell::painted(STRONG, &row.heap), Cell::new(&row.rss), Cell::new(name)];
        if page.width < WIDE {
            table.row(figures);
            for (style, text) in row.more() {
                let text = fit_start(&format!("{}{text}", STEP.repeat(row.depth + 1)), room);
                table.row([Cell::new(""), Cell::new(""), Cell::painted(style, text)]);
            }
        } else {
            let texts = row.more().map(|(_, text)| text).collect::<Vec<_>>().join(", ");
            let style = if row.ending.is_empty() { DIM } else { CAUTION };
            let [heap, rss, name] = figures;
            let more = fit_start(&texts, room.saturating_sub(widest + 2));
            table.row([heap, rss, name, Cell::painted(style, more)]);
        }
    }
    table
}

/// Columns for all that is said of a process, and for its name.
fn rooms(page: &Page) -> (usize, usize) {
    let room = page.width.saturating_sub(FIGURES).max(FIGURES);
    (room, if page.width < WIDE { room } else { room / 2 })
}

/// One process, or several that are alike.
struct Row {
    depth: usize,
    heap: String,
    rss: String,
    name: String,
    ending: String,
    detail: String,
}

impl Row {
    fn more(&self) -> impl Iterator<Item = (Style, &str)> {
        [(CAUTION, self.ending.as_str()), (DIM, self.detail.as_str())]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
    }

    fn of(depth: usize, name: String, profile: &Profile, most_at: &str) -> Self {
        let peak = profile.peak();
        Self {
            depth,
            heap: peak.heap.to_string(),
            rss: known(peak.rss),
            name,
            ending: if depth == 0 { String::new() } else { ending(profile) },
            detail: format!("pid {}{most_at}", profile.process().pid),
        }
    }

    /// Those that are not shown one by one.
    fn of_others(depth: usize, others: &[&Descendant]) -> Self {
        let peaks = || others.iter().map(|other| other.profile.peak());
        let range = |values: Vec<Bytes>| {
            let least = values.iter().min().map_or_else(String::new, |bytes| known(*bytes));
            let most = values.iter().max().map_or_else(String::new, |bytes| known(*bytes));
            if least == most { most } else { format!("{least} to {most}") }
        };
        let heaps = range(peaks().map(|peak| peak.heap).collect());
        let rss = range(peaks().map(|peak| peak.rss).collect());
        let unwell = others.iter().filter(|other| !ending(&other.profile).is_empty()).count();
        Self {
            depth,
            heap: String::new(),
            rss: String::new(),
            name: format!("and {} more of these", Count(others.len() as u64)),
            ending: if unwell > 0 {
                format!("{unwell} killed, failed or cut off")
            } else {
                String::new()
            },
            detail: format!("peak heap {heaps}, peak RSS {rss}"),
        }
    }
}

/// The line that holds most of a process's peak.
pub fn most_at(profile: &Profile, page: &Page) -> String {
    match profile.heaviest_lines(1).first() {
        Some(line) if line.place.file.as_os_str().is_empty() => {
            ", most by no Python line".to_owned()
        }
        Some(line) => {
            let place = page.place(&line.place.file, line.place.line);
            format!(", most at {}", fit_end(&place, LONGEST_PLACE))
        }
        None => String::new(),
    }
}

fn known(bytes: Bytes) -> String {
    if bytes == Bytes(0) { "-".to_owned() } else { bytes.to_string() }
}

/// What is not as it should be; nothing for a process that ended well.
fn ending(profile: &Profile) -> String {
    match (profile.exit(), profile.recording()) {
        (Exit::Signal(signal), _) => format!("killed by {}", signal_name(signal)),
        (_, Recording::Stopped(Some(reason))) => {
            format!("recording stopped early: {}", reason.message())
        }
        (_, Recording::Stopped(None)) => "recording stopped early".to_owned(),
        (Exit::Unknown, Recording::CutOff) => "killed, or still running".to_owned(),
        (Exit::Status(status), _) if status != 0 => format!("exit status {status}"),
        _ => String::new(),
    }
}

/// The descendants with their names.
struct Tree<'a> {
    descendants: &'a [Descendant],
    names: Vec<String>,
    page: &'a Page<'a>,
}

impl<'a> Tree<'a> {
    fn of(descendants: &'a [Descendant], page: &'a Page) -> Self {
        let room = rooms(page).1.saturating_sub(USUAL_DEPTH * STEP.len());
        let name = |descendant| process_name(descendant, page, room);
        let names = descendants.iter().map(name).collect();
        Self { descendants, names, page }
    }

    /// Rows of a process's children and of theirs. Of children that are alike the heaviest come first.
    fn add_rows(&self, parent: Option<usize>, depth: usize, rows: &mut Vec<Row>) {
        for mut alike in self.children_by_name(parent) {
            alike.sort_by_key(|&child| Reverse(self.descendants[child].profile.peak().heap));
            // A row that stands for one process only is no shorter than that process's.
            let shown = if alike.len() > MOST_ALIKE + 1 { MOST_ALIKE } else { alike.len() };
            let (shown, others) = alike.split_at(shown);
            for &child in shown {
                let profile = &self.descendants[child].profile;
                let most_at = most_at(profile, self.page);
                rows.push(Row::of(depth, self.names[child].clone(), profile, &most_at));
                self.add_rows(Some(child), depth + 1, rows);
            }
            if !others.is_empty() {
                let others: Vec<_> = others.iter().map(|&child| &self.descendants[child]).collect();
                rows.push(Row::of_others(depth, &others));
            }
        }
    }

    /// In the order in which the first of a name began.
    fn children_by_name(&self, parent: Option<usize>) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for child in (0..self.names.len()).filter(|&child| self.descendants[child].parent == parent)
        {
            match groups.iter_mut().find(|group| self.names[group[0]] == self.names[child]) {
                Some(group) => group.push(child),
                None => groups.push(vec![child]),
            }
        }
        groups
    }
}
