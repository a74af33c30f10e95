//! Why RSS is not the heap, and why it did not fall with it: measured parts, which add up.

use crate::page::{Page, fit_start, wrap};
use crate::style::{DIM, HEADING, STRONG, paint};
use crate::table::{Align, Cell, Table};
use lowtide_profile::{Fall, Profile, Recording, TimelinePoint};
use lowtide_units::{Bytes, Count};

/// A part that is a smaller share of RSS at each of the moments shown is left out.
const LEAST_SHARE: f64 = 0.005;
/// RSS at the peak of the heap stands for its highest if it is this part of it.
const AS_HIGH: f64 = 0.95;
/// A reason for RSS not to fall is worth a sentence from this part of what stayed on.
const LEAST_REASON: f64 = 0.05;

/// What RSS is made of at the peak of the heap and where RSS is highest, after a fall that it did not follow, and at exit.
pub fn resident(profile: &Profile, page: &Page) -> Vec<String> {
    let moments = moments(profile);
    let Some(Moment { point: first, .. }) = moments.first() else { return Vec::new() };
    let title = if first.rss < first.heap {
        "Why RSS is below the heap"
    } else {
        "Why RSS is above the heap"
    };
    let mut lines = vec![paint(HEADING, title)];
    lines.extend(parts_table(&moments, page));
    lines
}

/// Why RSS stayed where the heap fell.
pub fn not_fallen(profile: &Profile, page: &Page) -> Vec<String> {
    let Some(fall) = profile.fall() else { return Vec::new() };
    let mut lines = vec![paint(HEADING, "Why RSS did not fall with the heap")];
    let summary = format!(
        "From {} to {} after the start the heap fell by {}, to {}, and RSS by {}, to {}.",
        fall.from.elapsed,
        fall.to.elapsed,
        fall.heap(),
        fall.to.heap,
        fall.rss(),
        fall.to.rss
    );
    lines.extend(wrap(&summary, page.width));
    for reason in reasons(&fall) {
        let wrapped = wrap(&reason, page.width.saturating_sub(2));
        let marks = ["- "].into_iter().chain(std::iter::repeat("  "));
        lines.extend(wrapped.into_iter().zip(marks).map(|(line, mark)| format!("{mark}{line}")));
    }
    lines
}

struct Moment {
    name: &'static str,
    point: TimelinePoint,
}

fn moments(profile: &Profile) -> Vec<Moment> {
    let peak = profile.near_peak();
    let is_higher =
        |highest: &TimelinePoint| peak.is_none_or(|peak| peak.rss.share_of(highest.rss) < AS_HIGH);
    let last = profile.timeline().last().copied();
    let last_name = match profile.recording() {
        Recording::Complete => "at exit",
        Recording::CutOff | Recording::Stopped(_) => "last seen",
    };
    let found = [
        ("at peak", peak),
        ("highest", profile.most_resident().filter(is_higher)),
        ("fallen", profile.fall().map(|fall| fall.to)),
        (last_name, last),
    ];
    let mut moments: Vec<Moment> = Vec::new();
    for (name, point) in found {
        let Some(point) = point.filter(|point| point.rss > Bytes(0)) else { continue };
        // The last name for a moment tells most.
        moments.retain(|moment| moment.point != point || moment.name == "at peak");
        if moments.iter().all(|moment| moment.point != point) {
            moments.push(Moment { name, point });
        }
    }
    moments
}

fn parts_table(moments: &[Moment], page: &Page) -> Vec<String> {
    let mut aligns = vec![Align::Right; moments.len()];
    aligns.push(Align::Left);
    let mut table = Table::new(aligns);
    table.row(moments.iter().map(|moment| Cell::painted(DIM, moment.name)).collect::<Vec<_>>());
    let is_shown = |part: &Part| {
        moments
            .iter()
            .any(|Moment { point, .. }| (part.of)(point).share_of(point.rss) >= LEAST_SHARE)
    };
    let room = page.width.saturating_sub(moments.len() * VALUE_COLUMNS);
    for part in PARTS.iter().filter(|part| is_shown(part)) {
        let value = |moment: &Moment| match (part.of)(&moment.point) {
            Bytes(0) => Cell::new("-"),
            bytes => Cell::new(format!("{}{bytes}", part.sign)),
        };
        let mut cells: Vec<Cell> = moments.iter().map(value).collect();
        cells.push(Cell::new(fit_start(part.name, room)));
        table.row(cells);
    }
    let whole = moments.iter().map(|moment| Cell::painted(STRONG, moment.point.rss));
    table.row(whole.chain([Cell::painted(STRONG, "RSS")]).collect::<Vec<_>>());
    table.lines()
}

/// Of a figure and the gap behind it.
const VALUE_COLUMNS: usize = 11;

struct Part {
    sign: &'static str,
    name: &'static str,
    of: fn(&TimelinePoint) -> Bytes,
}

const PARTS: [Part; 7] = [
    Part { sign: "", name: "heap", of: |point| point.heap },
    Part { sign: "", name: "free in pymalloc's arenas", of: TimelinePoint::arena_free },
    Part { sign: "", name: "free in malloc", of: |point| point.malloc_free },
    Part { sign: "", name: "files and shared: code, libraries, capture", of: |point| point.files },
    Part { sign: "", name: "lowtide's own tables", of: |point| point.own },
    Part { sign: "", name: "rest: Python before tracking began, stacks", of: TimelinePoint::rest },
    Part {
        sign: "-",
        name: "of these not resident, as never written to",
        of: TimelinePoint::absent,
    },
];

/// The parts that hold what stayed, each with what would make it go.
fn reasons(fall: &Fall) -> Vec<String> {
    let to = fall.to;
    let stuck = fall.stuck();
    let told = [
        (to.arena_free(), arenas_reason(&to)),
        (to.malloc_free, malloc_reason(&to)),
        (
            to.own - fall.from.own,
            format!(
                "lowtide's own tables grew to {}: a run without it does not have them.",
                to.own
            ),
        ),
        (
            to.files - fall.from.files,
            format!("Resident pages of files and shared memory grew to {}.", to.files),
        ),
        (to.rest() - fall.from.rest(), format!("The rest grew to {}.", to.rest())),
    ];
    let is_worth_it = |bytes: Bytes| bytes.share_of(stuck) >= LEAST_REASON;
    told.into_iter().filter(|(bytes, _)| is_worth_it(*bytes)).map(|(_, reason)| reason).collect()
}

fn arenas_reason(to: &TimelinePoint) -> String {
    format!(
        "pymalloc keeps {} free in {} arenas, in which {} live: it gives an arena back when nothing lives in it any more.",
        to.arena_free(),
        Count(to.arena_count),
        to.arena_live
    )
}

fn malloc_reason(to: &TimelinePoint) -> String {
    let top = to.malloc_top;
    let end = if top.share_of(to.malloc_free) >= LEAST_REASON {
        format!(", {top} of it at the end of its heap")
    } else {
        String::new()
    };
    format!(
        "malloc keeps {} free{end}: malloc_trim(0) gives back what are whole pages.",
        to.malloc_free
    )
}
