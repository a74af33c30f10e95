use super::own_process;
use crate::raw::own_memory::OwnArray;

/// Copies of memory of this process that may not be mapped, a piece at a time: types of a library lie side by side, and
/// so do objects that were freed in a row.
pub(super) struct Copies {
    /// By the lower bits of their numbers.
    pieces: OwnArray<Piece>,
    /// How many more may be made.
    left: u32,
}

#[derive(Clone, Copy)]
struct Piece {
    /// 0: none.
    number: usize,
    words: [u64; PIECE_WORDS],
}

/// A piece lies on one page.
const PIECE_BYTES: usize = 1024;
const PIECE_WORDS: usize = PIECE_BYTES / size_of::<u64>();
const PIECES: usize = 16;
/// Each is a system call of a fraction of a microsecond.
const MOST_COPIES: u32 = 20_000;

impl Copies {
    /// `None` when the kernel refuses memory.
    pub(super) fn new() -> Option<Self> {
        Some(Self { pieces: OwnArray::populated(PIECES)?, left: MOST_COPIES })
    }

    /// The words at `address`, a multiple of 8, if they can be read.
    pub(super) fn words_at<const WORDS: usize>(&mut self, address: usize) -> Option<[u64; WORDS]> {
        const { assert!(WORDS <= PIECE_WORDS, "the words lie in two pieces at most") };
        let (number, first) = (address / PIECE_BYTES, address % PIECE_BYTES / size_of::<u64>());
        let mut words = [0; WORDS];
        let (here, behind) = words.split_at_mut(WORDS.min(PIECE_WORDS - first));
        here.copy_from_slice(&self.piece(number)?[first..first + here.len()]);
        if !behind.is_empty() {
            behind.copy_from_slice(&self.piece(number + 1)?[..behind.len()]);
        }
        Some(words)
    }

    fn piece(&mut self, number: usize) -> Option<&[u64; PIECE_WORDS]> {
        let piece = &mut self.pieces.as_mut_slice()[number % PIECES];
        if number != piece.number {
            self.left = self.left.checked_sub(1)?;
            let is_there = own_process::copy_words(number * PIECE_BYTES, &mut piece.words);
            piece.number = if is_there { number } else { 0 };
        }
        (piece.number == number).then_some(&piece.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_two_pieces_are_copied_whole() {
        let words = (0..1000).collect::<Vec<u64>>();
        let mut copies = Copies::new().unwrap();
        for window in words.windows(PIECE_WORDS) {
            let copy = copies.words_at::<PIECE_WORDS>(window.as_ptr() as usize);
            assert_eq!(copy.as_ref().map(<[u64; _]>::as_slice), Some(window));
        }
        assert!(MOST_COPIES - copies.left <= 9, "each piece is copied once");
    }

    #[test]
    fn memory_that_is_not_there_has_no_copy() {
        let mut copies = Copies::new().unwrap();
        assert_eq!(copies.words_at::<4>(1 << 16), None);
        let words = [3_u64, 4];
        assert_eq!(copies.words_at(words.as_ptr() as usize), Some(words));
    }
}
