use crate::estimated::marked;
use crate::page::{Page, columns, fit_end, visible};
use crate::peak_lines::{lines_to_show, place_and_function};
use crate::style::{DIM, HEADING, STRONG, paint};
use crate::table::{Align, Cell, Table};
use lowtide_profile::{LineUsage, NativeFrame, Profile};
use lowtide_units::Bytes;
use std::collections::BTreeMap;

/// Ways that hold less of what their line holds are not worth a row.
const LEAST_SHARE: f64 = 0.05;
/// Rows for each line.
const MOST_WAYS: usize = 3;
/// Functions of one way: what the line called, and what asked for memory in the end.
const FIRST_AND_LAST: usize = 2;
/// A longer name is cut; C++ has names that fill a page.
const LONGEST_NAME: usize = 40;

/// Which native functions asked for what the lines that hold the peak hold. CPython's own are left out: they are the
/// machinery that runs the lines.
pub fn peak_native(profile: &Profile, page: &Page) -> Vec<String> {
    if !profile.has_native_frames() {
        return Vec::new();
    }
    let mut table = Table::new([Align::Right, Align::Left]);
    for line in lines_to_show(profile) {
        add_rows(&mut table, &line, &ways(&line, profile), page);
    }
    let rows = table.lines();
    if rows.is_empty() {
        return Vec::new();
    }
    [paint(HEADING, "Native functions that asked for it")].into_iter().chain(rows).collect()
}

/// Functions in the order of their calls, with the library of the first of them.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    names: Vec<String>,
    library: String,
}

/// The ways from a line through native functions other than CPython's, and what is live at the peak by each; most first.
fn ways(line: &LineUsage, profile: &Profile) -> Vec<(Way, String)> {
    let mut by_way = BTreeMap::<Way, Bytes>::new();
    for usage in profile.native_usage(&line.place) {
        if let Some(way) = way(&usage.calls) {
            *by_way.entry(way).or_default() += usage.at_peak.bytes;
        }
    }
    let is_worth_it = |bytes: Bytes| bytes.share_of(line.at_peak.bytes) >= LEAST_SHARE;
    let mut ways: Vec<_> = by_way.into_iter().filter(|(_, bytes)| is_worth_it(*bytes)).collect();
    ways.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    ways.truncate(MOST_WAYS);
    ways.into_iter().map(|(way, bytes)| (way, marked(bytes, profile.sampling()))).collect()
}

fn way(calls: &[NativeFrame]) -> Option<Way> {
    let others = calls.iter().filter(|frame| !frame.is_interpreter() && !frame.is_lost());
    let first = others.clone().next()?;
    let mut names: Vec<String> = others.map(name).collect();
    // A recursion is one step.
    names.dedup();
    Some(Way { names: shortened(names), library: visible(&library(first)) })
}

fn library(frame: &NativeFrame) -> String {
    frame.module.file_name().unwrap_or_default().display().to_string()
}

/// The function's name, or else its place.
fn name(frame: &NativeFrame) -> String {
    if frame.function.is_empty() {
        let library = library(frame);
        // What follows the first dot is the same for all of one Python: `.cpython-312-x86_64-linux-gnu.so`.
        let stem = library.split('.').next().unwrap_or_default();
        return visible(&format!("{stem}+{:#x}", frame.address));
    }
    fit_end(&bare(&visible(&frame.function)), LONGEST_NAME)
}

/// The name without signature and type arguments, of C++ and Rust: `vector<int>::push(int)` is `vector::push`.
fn bare(name: &str) -> String {
    let mut bare = String::new();
    let mut depth = 0;
    for character in name.chars() {
        match character {
            // `<T as Trait>::method` names a method of Rust: what it is of is no argument.
            '<' if bare.is_empty() => {}
            '<' => depth += 1,
            '>' if depth > 0 => depth -= 1,
            '(' if depth == 0 && !bare.is_empty() => break,
            '>' => {}
            _ if depth == 0 => bare.push(character),
            _ => {}
        }
    }
    bare.replace("::::", "::").trim_end_matches(':').to_owned()
}

fn shortened(mut names: Vec<String>) -> Vec<String> {
    let last = names.len().saturating_sub(FIRST_AND_LAST);
    if last > FIRST_AND_LAST {
        names.splice(FIRST_AND_LAST..last, ["…".to_owned()]);
    }
    names
}

fn add_rows(table: &mut Table, line: &LineUsage, ways: &[(Way, String)], page: &Page) {
    const INDENT: &str = "  ";
    if ways.is_empty() {
        return;
    }
    let figure = ways.iter().map(|(_, bytes)| columns(bytes)).max().unwrap_or(0);
    let room = page.width.saturating_sub(figure + 2 * INDENT.len());
    let (place, function) = place_and_function(&line.place, page, room);
    table.row([Cell::new(""), Cell::new(format!("{place}  {}", paint(DIM, function)))]);
    for (Way { names, library }, bytes) in ways {
        let calls = fit_end(&names.join(" > "), room);
        let left = room.saturating_sub(columns(&calls) + INDENT.len());
        let library = if columns(library) > left { "" } else { library };
        let calls = format!("{INDENT}{calls}{INDENT}{}", paint(DIM, library));
        table.row([Cell::painted(STRONG, bytes), Cell::new(calls.trim_end())]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_without_signatures_and_type_arguments() {
        let names = [
            ("PyArray_Zeros_int", "PyArray_Zeros_int"),
            ("void* shop::allocate<unsigned long>(unsigned long)", "void* shop::allocate"),
            ("std::vector<std::pair<int, a::b> >::resize(unsigned long)", "std::vector::resize"),
            (
                "<alloc::vec::Vec<u8> as core::Clone>::clone",
                "alloc::vec::Vec as core::Clone::clone",
            ),
            ("pyo3::trampoline::<app::run::{closure#0}>", "pyo3::trampoline"),
            ("(anonymous namespace)::grow(int)", "(anonymous namespace)::grow"),
        ];
        for (name, expected) in names {
            assert_eq!(bare(name), expected);
        }
    }
}
