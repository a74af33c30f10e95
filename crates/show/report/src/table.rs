use crate::page::columns;
use crate::style::paint;
use anstyle::Style;

/// Blanks between two columns.
const GAP: &str = "  ";

/// Which edge of a column its cells stand at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// One cell: plain text and how it is painted.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Unpainted.
    pub fn new(text: impl ToString) -> Self {
        Self::painted(Style::new(), text)
    }

    /// In a style.
    #[expect(clippy::needless_pass_by_value, reason = "cells are made of temporaries")]
    pub fn painted(style: Style, text: impl ToString) -> Self {
        Self { text: text.to_string(), style }
    }
}

/// Rows whose columns are as wide as their widest cell.
pub struct Table {
    aligns: Vec<Align>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Without rows.
    pub fn new(aligns: impl Into<Vec<Align>>) -> Self {
        Self { aligns: aligns.into(), rows: Vec::new() }
    }

    /// Adds a row; it may have fewer cells than there are columns.
    pub fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        self.rows.push(cells.into());
    }

    /// Columns taken by the first `count` columns and the gaps after them.
    pub fn width_of(&self, count: usize) -> usize {
        self.widths().iter().take(count).map(|width| width + GAP.len()).sum()
    }

    /// One line per row, without newlines or trailing blanks.
    pub fn lines(&self) -> Vec<String> {
        let widths = self.widths();
        self.rows.iter().map(|row| self.line(row, &widths)).collect()
    }

    fn widths(&self) -> Vec<usize> {
        let widest = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| columns(&cell.text)).max()
        };
        (0..self.aligns.len()).map(|column| widest(column).unwrap_or(0)).collect()
    }

    fn line(&self, row: &[Cell], widths: &[usize]) -> String {
        let mut line = String::new();
        let filled = row.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
        for (column, cell) in row[..filled].iter().enumerate() {
            let padding = " ".repeat(widths[column] - columns(&cell.text));
            let text = paint(cell.style, &cell.text);
            let last = column + 1 == filled;
            let is_right = self.aligns[column] == Align::Right;
            if is_right {
                line.push_str(&padding);
            }
            line.push_str(&text);
            if !is_right && !last {
                line.push_str(&padding);
            }
            if !last {
                line.push_str(GAP);
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::DIM;

    #[test]
    fn numbers_stand_right_words_left_and_colour_takes_no_room() {
        let mut table = Table::new([Align::Right, Align::Left, Align::Left]);
        table.row([Cell::new("1"), Cell::painted(DIM, "a"), Cell::new("x")]);
        table.row([Cell::new("1,000"), Cell::new("long"), Cell::new("y")]);
        let plain: Vec<String> = table
            .lines()
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string())
            .collect();
        assert_eq!(plain, ["    1  a     x", "1,000  long  y"]);
        assert_eq!(table.width_of(2), 13);
    }
}
