use crate::estimated::{bytes_of, marked, peak_usage};
use crate::page::{Page, fit_start};
use crate::style::{DIM, STRONG};
use crate::table::{Align, Cell, Table};
use lowtide_profile::{Peak, Profile, Slack};
use lowtide_units::{Bytes, Count};

/// A smaller part of the heap is not worth a mention.
const LEAST_SHARE: f64 = 0.001;
/// Columns that the names and values take at most.
const NAME_AND_VALUE: usize = 22;

/// The run's totals, one per line, each with what it is made of.
pub fn figures(profile: &Profile, page: &Page) -> Vec<String> {
    let peak = profile.peak();
    let mut table = Table::new([Align::Left, Align::Right, Align::Left]);
    let mut figure = |name: &str, value: String, made_of: String| {
        let made_of = fit_start(&made_of, page.width.saturating_sub(NAME_AND_VALUE));
        table.row([Cell::new(name), Cell::painted(STRONG, value), Cell::painted(DIM, made_of)]);
    };
    figure("peak heap", bytes_of(peak_usage(profile), profile.sampling()), blocks_and_moment(peak));
    if let Some(parts) = parts(peak) {
        figure("", String::new(), parts);
    }
    figure("peak RSS", peak.rss.to_string(), "whole process, tracker included".to_owned());
    match peak.slack {
        Some(slack) => figure("slack", total(slack).to_string(), slack_parts(slack)),
        None => figure("slack", "-".to_owned(), "the run was too short to tell".to_owned()),
    }
    let file_mapped = profile.file_mapped().peak;
    if file_mapped > Bytes(0) {
        let no_heap = "at most; no heap, and resident only as far as read";
        figure("file maps", file_mapped.to_string(), no_heap.to_owned());
    }
    let churn = marked(profile.churn().bytes, profile.sampling());
    figure("churn", churn, blocks_and_temporary(profile));
    figure("duration", profile.duration().to_string(), String::new());
    table.lines()
}

fn blocks_and_moment(peak: &Peak) -> String {
    format!("in {} blocks, {} after the start", Count(peak.blocks), peak.elapsed)
}

/// In how many blocks it came, and what of it went at once.
fn blocks_and_temporary(profile: &Profile) -> String {
    let blocks = format!("in {} blocks", Count(profile.churn().count));
    match profile.temporary() {
        None => blocks,
        Some(temporary) => {
            let bytes = marked(temporary.bytes, profile.sampling());
            format!("{blocks}; {bytes} in {} of them temporary", Count(temporary.count))
        }
    }
}

/// Who handed the heap out, where it was not Python alone.
fn parts(peak: &Peak) -> Option<String> {
    let parts = [(peak.python, "Python"), (peak.native, "native"), (peak.mappings, "mapped")];
    let shown: Vec<String> = parts
        .iter()
        .filter(|(bytes, _)| bytes.share_of(peak.heap) >= LEAST_SHARE)
        .map(|(bytes, owner)| format!("{bytes} {owner}"))
        .collect();
    (shown.len() > 1).then(|| shown.join(", "))
}

fn total(slack: Slack) -> Bytes {
    slack.arenas + slack.malloc
}

fn slack_parts(slack: Slack) -> String {
    format!("free in arenas {}, in malloc {}", slack.arenas, slack.malloc)
}
