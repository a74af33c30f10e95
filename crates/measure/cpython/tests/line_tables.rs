//! Line tables of the standard library, decoded here and by the interpreter that made them.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod pythons;

use lowtide_cpython::{LineTable, LineTableFormat};
use proptest::prelude::*;
use std::process::Command;

/// Prints, per code object: its format, first line, table in hexadecimal, and `start:end:line` of `co_lines()`.
const DUMP: &str = r"
import sys, importlib.util, pathlib
def walk(code):
    yield code
    for constant in code.co_consts:
        if hasattr(constant, 'co_code'):
            yield from walk(constant)
folder = pathlib.Path(importlib.util.find_spec('argparse').origin).parent
for name in 'ast.py argparse.py inspect.py typing.py asyncio/base_events.py dataclasses.py tarfile.py turtle.py'.split():
    for code in walk(compile((folder / name).read_bytes(), name, 'exec')):
        lines = ' '.join(f'{start}:{end}:{line or 0}' for start, end, line in code.co_lines())
        print(code.co_firstlineno, code.co_linetable.hex(), lines, sep='|')
";

#[test]
fn every_instruction_has_the_line_that_its_interpreter_says() {
    for python in pythons::found() {
        let output = Command::new(&python.executable).args(["-c", DUMP]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let format =
            if python.minor == 10 { LineTableFormat::Pep626 } else { LineTableFormat::Pep657 };
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.lines().count() > 1000,
            "few code objects from {}",
            python.executable.display()
        );
        text.lines().for_each(|line| check_code_object(format, line));
    }
}

fn check_code_object(format: LineTableFormat, dumped: &str) {
    let [first_line, table, expected] = dumped.split('|').collect::<Vec<_>>().try_into().unwrap();
    let table = LineTable::decode(format, first_line.parse().unwrap(), &from_hexadecimal(table));
    let mut instructions = 0;
    for range in expected.split(' ').filter(|range| !range.is_empty()) {
        let [start, end, line] =
            range.split(':').map(|text| text.parse().unwrap()).collect::<Vec<u32>>()[..]
        else {
            panic!("{range}");
        };
        for instruction in (start..end).step_by(2) {
            assert_eq!(
                table.line_of(instruction).unwrap_or(0),
                line,
                "instruction {instruction} of {dumped}"
            );
        }
        instructions = end;
    }
    assert_eq!(table.line_of(instructions), None);
}

fn from_hexadecimal(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

proptest! {
    #[test]
    fn any_bytes_decode_to_adjacent_ranges(bytes: Vec<u8>, first_line: u32, instruction: u32, is_old: bool) {
        let format = if is_old { LineTableFormat::Pep626 } else { LineTableFormat::Pep657 };
        let table = LineTable::decode(format, first_line, &bytes);
        let mut end = 0;
        for range in table.ranges() {
            prop_assert_eq!(range.instructions.start, end);
            prop_assert!(range.instructions.end > end);
            end = range.instructions.end;
        }
        prop_assert!(table.line_of(instruction).is_none_or(|line| line == table.nearest_line(instruction)));
    }
}
