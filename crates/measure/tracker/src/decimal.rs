/// Most digits of a `u32`.
pub(crate) const MOST_DIGITS: usize = 10;

/// The digits of `number`, without allocating.
pub(crate) fn decimal(number: u32, room: &mut [u8; MOST_DIGITS]) -> &[u8] {
    let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
    let mut rest = number;
    for digit in room.iter_mut().take(digits).rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    &room[..digits]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_standard_library() {
        for number in [0, 7, 10, 4_096, u32::MAX] {
            assert_eq!(decimal(number, &mut [0; MOST_DIGITS]), number.to_string().as_bytes());
        }
    }
}
