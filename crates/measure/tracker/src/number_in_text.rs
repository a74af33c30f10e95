/// The number behind `label` and an equals sign in a report for people, where a comma stands between thousands: 0 if
/// there is none.
pub(crate) fn number_after(text: &[u8], label: &[u8]) -> u64 {
    let Some(place) = text.windows(label.len()).position(|window| window == label) else {
        return 0;
    };
    let rest = &text[place + label.len()..];
    let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let digits = line.iter().filter(|byte| byte.is_ascii_digit());
    digits
        .fold(0, |number: u64, digit| number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &[u8] = b"\
# arenas allocated current         =                    2
2 arenas * 1048576 bytes/arena     =            2,097,152

# bytes in allocated blocks        =            1,370,688
";

    #[test]
    fn numbers_are_read_with_their_commas() {
        assert_eq!(number_after(REPORT, b"bytes/arena"), 2_097_152);
        assert_eq!(number_after(REPORT, b"# bytes in allocated blocks"), 1_370_688);
    }

    #[test]
    fn a_label_that_is_missing_gives_nothing() {
        assert_eq!(number_after(REPORT, b"# bytes lost"), 0);
        assert_eq!(number_after(b"", b"bytes/arena"), 0);
    }
}
