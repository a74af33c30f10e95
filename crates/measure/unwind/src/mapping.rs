//! `/proc/self/maps` (proc(5)) byte by byte -> mappings.

use std::ops::Range;

/// The head of each line, as it comes in: `start-end rwxp ...`.
#[derive(Clone, Copy, Debug, Default)]
pub struct MappingReader {
    part: Part,
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum Part {
    #[default]
    Start,
    End,
    Access,
    Rest,
}

impl MappingReader {
    /// Takes the next byte; the mapping whose head it ends, if it may be read.
    pub fn take(&mut self, byte: u8) -> Option<Range<usize>> {
        match (self.part, byte) {
            (_, b'\n') => *self = Self::default(),
            (Part::Start, b'-') => self.part = Part::End,
            (Part::End, b' ') => self.part = Part::Access,
            (Part::Start, digit) => self.start = self.start << 4 | value_of(digit),
            (Part::End, digit) => self.end = self.end << 4 | value_of(digit),
            (Part::Access, access) => {
                self.part = Part::Rest;
                return (access == b'r').then_some(self.start..self.end);
            }
            (Part::Rest, _) => {}
        }
        None
    }
}

fn value_of(digit: u8) -> usize {
    char::from(digit).to_digit(16).unwrap_or(0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_that_may_be_read_are_told() {
        let text = b"00400000-0048b000 r-xp 00000000 fe:01 1234  /bin/a-b r\n\
            7f0000000000-7f0000001000 ---p 00000000 00:00 0 \n\
            7ffc00ab0000-7ffc00bc1000 rw-p 00000000 00:00 0  [stack]\n";
        let mut reader = MappingReader::default();
        let found: Vec<_> = text.iter().filter_map(|&byte| reader.take(byte)).collect();
        assert_eq!(found, [0x40_0000..0x48_b000, 0x7ffc_00ab_0000..0x7ffc_00bc_1000]);
    }
}
