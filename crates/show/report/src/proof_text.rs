//! A proof, for people.

use crate::page::{Page, visible, wrap};
use crate::proof_json::verdict;
use crate::style::{BAD, CAUTION, DIM, GOOD, STRONG, paint};
use crate::table::{Align, Cell, Table};
use crate::text::joined;
use anstyle::Style;
use lowtide_prove::{Conclusion, Figures, Interval, Proof, Saving};
use lowtide_units::{Bytes, Elapsed};
use std::time::Duration;

/// What was found by running both versions: the verdict, the figures, what to know about them.
#[must_use]
pub fn proof_text(proof: &Proof, page: &Page) -> String {
    joined([heading(proof, page), proof_table(proof), notes(proof, page)])
}

fn heading(proof: &Proof, page: &Page) -> Vec<String> {
    let style = style(&proof.conclusion);
    let word = verdict(&proof.conclusion);
    let lines = wrap(&visible(&format!("{word}: {}", proof.conclusion)), page.width);
    lines
        .iter()
        .enumerate()
        .map(|(index, line)| match line.strip_prefix(word) {
            Some(rest) if index == 0 => format!("{}{rest}", paint(style, word)),
            _ => line.clone(),
        })
        .collect()
}

fn style(conclusion: &Conclusion) -> Style {
    match conclusion {
        Conclusion::Proven => GOOD,
        Conclusion::Different(_) => BAD,
        _ => CAUTION,
    }
}

/// Medians before and after, and what was saved with its interval; empty where nothing was measured.
pub fn proof_table(proof: &Proof) -> Vec<String> {
    let Some(saving) = &proof.saving else { return Vec::new() };
    let aligns = [Align::Left, Align::Right, Align::Right, Align::Right, Align::Right, Align::Left];
    let mut table = Table::new(aligns);
    let interval = format!("{:.1} % interval", saving.rss.confidence * 100.0);
    let titles = ["", "before", "after", "saved", "", &interval];
    table.row(titles.map(|title| Cell::painted(DIM, title)));
    for row in rows(proof.before, proof.after, saving) {
        table.row(row.cells());
    }
    table.lines()
}

struct Row {
    name: &'static str,
    before: String,
    after: String,
    interval: Interval,
    show: fn(f64) -> String,
    share: f64,
}

impl Row {
    fn cells(self) -> [Cell; 6] {
        let Interval { median, low, high, .. } = self.interval;
        let (show, style) = (self.show, self.style());
        let interval = format!("{} to {}", show(low), show(high));
        [
            Cell::new(self.name),
            Cell::new(self.before),
            Cell::painted(STRONG, self.after),
            Cell::painted(style, show(median)),
            Cell::painted(style, format!("{:.1} %", self.share * 100.0)),
            Cell::painted(DIM, interval),
        ]
    }

    fn style(&self) -> Style {
        if self.interval.is_above_zero() {
            GOOD
        } else if self.interval.is_below_zero() {
            BAD
        } else {
            DIM
        }
    }
}

fn rows(before: Figures, after: Figures, saving: &Saving) -> Vec<Row> {
    let heap = saving.heap.zip(before.peak_heap.zip(after.peak_heap));
    let heap =
        heap.map(|(interval, (before, after))| bytes_row("peak heap", before, after, interval));
    let rss = bytes_row("peak RSS", before.peak_rss, after.peak_rss, saving.rss);
    let time = Row {
        name: "time",
        before: before.time.to_string(),
        after: after.time.to_string(),
        interval: saving.time,
        show: signed_seconds,
        share: share(saving.time.median, before.time.seconds()),
    };
    heap.into_iter().chain([rss, time]).collect()
}

fn bytes_row(name: &'static str, before: Bytes, after: Bytes, interval: Interval) -> Row {
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    let whole = before.0 as f64;
    let share = share(interval.median, whole);
    Row {
        name,
        before: before.to_string(),
        after: after.to_string(),
        interval,
        show: signed_bytes,
        share,
    }
}

fn share(saved: f64, whole: f64) -> f64 {
    if whole > 0.0 { saved / whole } else { 0.0 }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the size of a difference of byte counts"
)]
fn signed_bytes(bytes: f64) -> String {
    let sign = if bytes < 0.0 { "-" } else { "" };
    format!("{sign}{}", Bytes(bytes.abs().round() as u64))
}

fn signed_seconds(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    let size = Duration::try_from_secs_f64(seconds.abs()).unwrap_or(Duration::MAX);
    format!("{sign}{}", Elapsed(size))
}

/// What to know before trusting or using the figures.
pub fn notes(proof: &Proof, page: &Page) -> Vec<String> {
    let mut notes = Vec::new();
    if proof.is_slower() {
        notes.push("the version after takes longer: weigh the time against the memory".to_owned());
    }
    match &proof.conclusion {
        Conclusion::NotComparable(_) => notes.push(
            "a program can be compared when it does the same each time: take out random numbers, clocks and the order of \
             sets (PYTHONHASHSEED=0 fixes that order)"
                .to_owned(),
        ),
        Conclusion::TooFewRuns => {
            notes.push("five runs or more can prove a saving (--runs 6 is the default)".to_owned());
        }
        _ => {}
    }
    if proof.saving.is_some() {
        notes.push(basis(proof));
    }
    notes
        .iter()
        .flat_map(|note| wrap(&visible(note), page.width))
        .map(|line| paint(DIM, line))
        .collect()
}

fn basis(proof: &Proof) -> String {
    let times = if proof.runs == 1 { "once".to_owned() } else { format!("{} times", proof.runs) };
    let heap = if proof.before.peak_heap.is_some() {
        "the heap's peak comes from as many runs with the tracker in"
    } else {
        "no Python was tracked, so the heap's peak is not known"
    };
    format!("Each version ran {times}, in turn; figures are medians, and {heap}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowtide_prove::{Difference, Place};

    fn proof(conclusion: Conclusion) -> Proof {
        let interval = |low, median, high| Interval { median, low, high, confidence: 0.96875 };
        let figures = |heap, rss, milliseconds| Figures {
            peak_heap: Some(Bytes(heap)),
            peak_rss: Bytes(rss),
            time: Elapsed(Duration::from_millis(milliseconds)),
        };
        Proof {
            before: figures(213_400_000, 241_000_000, 900),
            after: figures(400_000, 13_000_000, 1_100),
            saving: Some(Saving {
                heap: Some(interval(212_900_000.0, 213_000_000.0, 213_100_000.0)),
                rss: interval(227_000_000.0, 228_000_000.0, 229_000_000.0),
                time: interval(-0.25, -0.2, -0.1),
            }),
            runs: 6,
            conclusion,
            effects: Vec::new(),
        }
    }

    fn shown(proof: &Proof) -> String {
        let page = Page { width: 100, folder: "/".into(), source: &|_, _| None };
        anstream::adapter::strip_str(&proof_text(proof, &page)).to_string()
    }

    #[test]
    fn a_proven_saving_with_its_intervals_and_a_slower_run() {
        insta::assert_snapshot!(shown(&proof(Conclusion::Proven)));
    }

    #[test]
    fn a_difference_is_shown_and_no_figures() {
        let difference = Difference {
            place: Place::StandardOutput(3),
            before: "`a`".to_owned(),
            after: "`\u{1b}[2J`".to_owned(),
        };
        let different = Proof { saving: None, ..proof(Conclusion::Different(difference)) };
        insta::assert_snapshot!(shown(&different));
    }
}
