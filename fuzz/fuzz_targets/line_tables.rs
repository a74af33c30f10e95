//! Any line table decodes, to ranges that lie one behind the other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lowtide_cpython::{LineTable, LineTableFormat};

fuzz_target!(|input: (bool, u32, u32, &[u8])| {
    let (is_old, first_line, instruction, bytes) = input;
    let format = if is_old { LineTableFormat::Pep626 } else { LineTableFormat::Pep657 };
    let table = LineTable::decode(format, first_line, bytes);
    let is_adjacent = |pair: &[lowtide_cpython::LineRange]| pair[0].instructions.end == pair[1].instructions.start;
    assert!(table.ranges().windows(2).all(is_adjacent));
    assert!(table.line_of(instruction).is_none_or(|line| line == table.nearest_line(instruction)));
});
