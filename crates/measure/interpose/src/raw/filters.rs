//! Tell most slots apart that are not replaced, without a comparison with each replacement: a library has thousands.

use super::replacement::Replacement;
use std::ffi::CStr;
use std::sync::atomic::{AtomicU64, Ordering};

/// By the address that a slot holds.
pub(super) struct AddressFilter([AtomicU64; 4]);

impl AddressFilter {
    /// It holds nothing yet.
    pub(super) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; 4])
    }

    pub(super) fn add(&self, address: usize) {
        let (word, bit) = bit_of(address >> 4);
        self.0[word].fetch_or(bit, Ordering::Relaxed);
    }

    /// `false`: the address was not added. `true` says nothing.
    #[inline]
    pub(super) fn may_hold(&self, address: usize) -> bool {
        let (word, bit) = bit_of(address >> 4);
        self.0[word].load(Ordering::Relaxed) & bit != 0
    }
}

const fn bit_of(hash: usize) -> (usize, u64) {
    (hash / 64 % 4, 1 << (hash % 64))
}

/// By the name that a slot is bound to.
pub(super) struct NameFilter([u64; 4]);

impl NameFilter {
    pub(super) const fn of(replacements: &[Replacement]) -> Self {
        let mut bits = [0; 4];
        let mut index = 0;
        while index < replacements.len() {
            let (word, bit) = place(replacements[index].symbol.to_bytes());
            bits[word] |= bit;
            index += 1;
        }
        Self(bits)
    }

    /// `false`: the name is none of those. `true` says nothing.
    pub(super) fn may_hold(&self, name: &CStr) -> bool {
        let (word, bit) = place(name.to_bytes());
        self.0[word] & bit != 0
    }
}

/// By length, first and last letter.
const fn place(name: &[u8]) -> (usize, u64) {
    let (first, last) = match name {
        [] => (0, 0),
        [first, .., last] => (*first as usize, *last as usize),
        [only] => (*only as usize, *only as usize),
    };
    bit_of(first * 31 + last * 7 + name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_was_added_is_never_told_apart() {
        let filter = AddressFilter::new();
        filter.add(0x7f12_3456_7890);
        assert!(filter.may_hold(0x7f12_3456_7890));
        assert!(!filter.may_hold(0x7f12_3456_78a0));
    }

    #[test]
    fn what_is_replaced_is_never_told_apart() {
        let four = [c"malloc", c"free", c"x", c"_exit"]
            .map(|symbol| Replacement::new(symbol, std::ptr::null()));
        let filter = NameFilter::of(&four);
        assert!(four.iter().all(|replacement| filter.may_hold(replacement.symbol)));
        assert!(!filter.may_hold(c"PyObject_GetAttr"));
        assert!(!filter.may_hold(c""));
    }
}
