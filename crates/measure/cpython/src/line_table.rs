//! From instructions to lines: `co_linetable` of Python 3.10, and of 3.11 and later.

mod pep626;
mod pep657;

use std::ops::Range;

/// How a line table is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineTableFormat {
    /// Python 3.10 (PEP 626, `Objects/lnotab_notes.txt`).
    Pep626,
    /// Python 3.11 and later (PEP 657, `Objects/locations.md`, later `InternalDocs/code_objects.md`).
    Pep657,
}

/// Instructions that belong to one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRange {
    /// Byte offsets of the instructions in the code object.
    pub instructions: Range<u32>,
    /// Their line, 1-based; `None` for instructions that the compiler made up.
    pub line: Option<u32>,
}

/// The lines of one code object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineTable {
    first_line: u32,
    ranges: Vec<LineRange>,
}

impl LineTable {
    /// Decodes `co_linetable`. A table that ends early or makes no sense gives the lines up to there.
    #[must_use]
    pub fn decode(format: LineTableFormat, first_line: u32, bytes: &[u8]) -> Self {
        let ranges = match format {
            LineTableFormat::Pep626 => pep626::decode(first_line, bytes),
            LineTableFormat::Pep657 => pep657::decode(first_line, bytes),
        };
        Self { first_line, ranges }
    }

    /// Instruction ranges, adjacent and in order.
    #[must_use]
    pub fn ranges(&self) -> &[LineRange] {
        &self.ranges
    }

    /// The line of the instruction at a byte offset, as `frame.f_lineno` has it for that `f_lasti`.
    /// A function that has not begun (`f_lasti` is -1) stands on its first line.
    #[must_use]
    pub fn line_of(&self, instruction: u32) -> Option<u32> {
        if instruction.cast_signed() < 0 {
            return Some(self.first_line);
        }
        let after = self.ranges.partition_point(|range| range.instructions.end <= instruction);
        self.ranges.get(after).filter(|range| range.instructions.contains(&instruction))?.line
    }

    /// The line to charge an instruction to: its own, else the nearest known one before it, else the first.
    #[must_use]
    pub fn nearest_line(&self, instruction: u32) -> u32 {
        let upto = self.ranges.partition_point(|range| range.instructions.start <= instruction);
        let is_before_start = instruction.cast_signed() < 0;
        let known = self.ranges[..upto]
            .iter()
            .rev()
            .filter(|_| !is_before_start)
            .find_map(|range| range.line);
        known.unwrap_or(self.first_line)
    }
}

/// Collects ranges one after the other.
struct RangeBuilder {
    ranges: Vec<LineRange>,
    line: i64,
    end: u32,
}

impl RangeBuilder {
    /// For a table of so many bytes.
    fn new(first_line: u32, table_bytes: usize) -> Self {
        /// A range seldom takes fewer.
        const BYTES_PER_RANGE: usize = 4;
        let ranges = Vec::with_capacity(table_bytes / BYTES_PER_RANGE);
        Self { ranges, line: i64::from(first_line), end: 0 }
    }

    fn advance_line(&mut self, delta: i64) {
        self.line = self.line.saturating_add(delta);
    }

    /// Adds the next `bytes` of instructions, on the current line or on none; `None` when offsets overflow.
    fn push(&mut self, bytes: u32, has_line: bool) -> Option<()> {
        let start = self.end;
        self.end = start.checked_add(bytes)?;
        let line = u32::try_from(self.line).ok().filter(|_| has_line);
        match self.ranges.last_mut() {
            Some(last) if last.line == line => last.instructions.end = self.end,
            _ if bytes > 0 => self.ranges.push(LineRange { instructions: start..self.end, line }),
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_without_a_line_is_charged_to_the_line_before() {
        let range = |instructions, line| LineRange { instructions, line };
        let table = LineTable {
            first_line: 7,
            ranges: vec![
                range(0..4, None),
                range(4..8, Some(9)),
                range(8..10, None),
                range(10..12, Some(8)),
            ],
        };
        assert_eq!(
            [0, 6, 8, 10, 50].map(|at| table.line_of(at)),
            [None, Some(9), None, Some(8), None]
        );
        assert_eq!([0, 6, 8, 10, 50].map(|at| table.nearest_line(at)), [7, 9, 9, 8, 8]);
        assert_eq!((table.line_of(u32::MAX), table.nearest_line(u32::MAX - 1)), (Some(7), 7));
    }
}
