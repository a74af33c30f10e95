use crate::page::{columns, wrap};
use crate::style::HEADING;
use crate::table::{Align, Cell, Table};
use anstyle::Style;

/// Blanks between two columns.
const GAP: usize = 2;
/// Columns are not squeezed below this.
const NARROWEST: usize = 8;

/// A table of a Markdown page while it is read, its head first.
#[derive(Default)]
pub struct MarkdownTable {
    rows: Vec<Vec<String>>,
}

impl MarkdownTable {
    pub fn start_row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub fn start_cell(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.push(String::new());
        }
    }

    /// Adds to the last cell.
    pub fn push(&mut self, text: &str) {
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
            cell.push_str(text);
        }
    }

    /// The table in at most `width` columns, long cells wrapped.
    pub fn lines(&self, width: usize) -> Vec<String> {
        let widths = self.widths(width);
        let mut table = Table::new(vec![Align::Left; widths.len()]);
        for (index, row) in self.rows.iter().enumerate() {
            let style = if index == 0 { HEADING } else { Style::new() };
            let cells: Vec<Vec<String>> =
                row.iter().zip(&widths).map(|(cell, width)| wrap(cell, *width)).collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(0);
            for line in 0..height {
                let cell = |cell: &Vec<String>| {
                    Cell::painted(style, cell.get(line).map_or("", String::as_str))
                };
                table.row(cells.iter().map(cell).collect::<Vec<_>>());
            }
        }
        table.lines()
    }

    /// Natural widths, the widest squeezed until all fit.
    fn widths(&self, width: usize) -> Vec<usize> {
        let count = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let natural = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| columns(cell)).max()
        };
        let mut widths: Vec<usize> =
            (0..count).map(|column| natural(column).unwrap_or(0)).collect();
        let room = width.saturating_sub(GAP * count.saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            match widths.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        widths
    }
}
