use super::{LineRange, RangeBuilder};

/// A line delta that means "no line".
const NO_LINE: i8 = -128;

/// Pairs of bytes: how far the instructions reach, and by how much their line differs from the one before.
pub fn decode(first_line: u32, bytes: &[u8]) -> Vec<LineRange> {
    let mut builder = RangeBuilder::new(first_line, bytes.len());
    for pair in bytes.chunks_exact(2) {
        let delta = pair[1].cast_signed();
        if delta != NO_LINE {
            builder.advance_line(i64::from(delta));
        }
        if builder.push(u32::from(pair[0]), delta != NO_LINE).is_none() {
            break;
        }
    }
    builder.ranges
}
