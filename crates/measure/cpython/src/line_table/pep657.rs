use super::{LineRange, RangeBuilder};

const BYTES_PER_CODE_UNIT: u32 = 2;

/// The code in the first byte of an entry.
mod entry {
    /// Smallest of three codes for one line and explicit columns; the line delta is added to it.
    pub const ONE_LINE: u8 = 10;
    pub const NO_COLUMNS: u8 = 13;
    pub const LONG: u8 = 14;
    pub const NO_LINE: u8 = 15;
}

/// Entries that begin with a byte whose top bit is set; no other byte has it.
pub fn decode(first_line: u32, bytes: &[u8]) -> Vec<LineRange> {
    let mut builder = RangeBuilder::new(first_line, bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        let code = (first >> 3) & 0b1111;
        let code_units = u32::from(first & 0b111) + 1;
        builder.advance_line(line_delta(code, after));
        if builder.push(code_units * BYTES_PER_CODE_UNIT, code != entry::NO_LINE).is_none() {
            break;
        }
        let next = after.iter().position(|byte| byte & 0x80 != 0).unwrap_or(after.len());
        rest = &after[next..];
    }
    builder.ranges
}

fn line_delta(code: u8, payload: &[u8]) -> i64 {
    match code {
        entry::ONE_LINE..entry::NO_COLUMNS => i64::from(code - entry::ONE_LINE),
        entry::NO_COLUMNS | entry::LONG => signed_varint(payload),
        _ => 0,
    }
}

/// Six bits a byte, least significant first; bit 6 says that another follows. The lowest bit is the sign.
fn signed_varint(bytes: &[u8]) -> i64 {
    let mut value = 0_i64;
    for (&byte, shift) in bytes.iter().zip((0..48).step_by(6)) {
        value |= i64::from(byte & 0x3f) << shift;
        if byte & 0x40 == 0 {
            break;
        }
    }
    if value & 1 == 0 { value >> 1 } else { -(value >> 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_numbers_of_several_bytes() {
        assert_eq!([&[0][..], &[3], &[0x40 | 0x3f, 1], &[]].map(signed_varint), [0, -1, -63, 0]);
    }
}
