use crate::page::Page;
use crate::style::{DIM, HEADING, STRONG, paint};
use crate::table::{Align, Cell, Table};
use lowtide_profile::Profile;

/// The processes that the program forked, each with its own peak and the line that holds most of it.
pub fn forked(children: &[Profile], page: &Page) -> Vec<String> {
    if children.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new([Align::Left, Align::Right, Align::Right, Align::Left]);
    for child in children {
        table.row([
            Cell::new(format!("pid {}", child.process().pid)),
            Cell::painted(STRONG, child.peak().heap),
            Cell::painted(DIM, format!("{} RSS", child.peak().rss)),
            Cell::new(first_line(child, page)),
        ]);
    }
    let mut lines = vec![paint(HEADING, "Forked processes, each with its own peak")];
    lines.extend(table.lines());
    lines
}

fn first_line(child: &Profile, page: &Page) -> String {
    child
        .lines()
        .first()
        .map_or_else(String::new, |line| page.place(&line.place.file, line.place.line))
}
