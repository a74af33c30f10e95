#![expect(unsafe_code, reason = "a point and its words are the same bytes")]

use crate::layout::{POINT_WORDS, TimelinePoint};
use std::mem::transmute;

impl TimelinePoint {
    /// The fields in their order.
    #[must_use]
    pub const fn to_words(self) -> [u64; POINT_WORDS] {
        // SAFETY: the point is `repr(C)` and has fields of type u64 alone, POINT_WORDS of them as `layout` asserts by its
        // size, so that it is laid out as the array is, without padding.
        unsafe { transmute::<Self, [u64; POINT_WORDS]>(self) }
    }

    /// What [`Self::to_words`] gave.
    #[must_use]
    pub const fn from_words(words: [u64; POINT_WORDS]) -> Self {
        // SAFETY: laid out alike, as above, and any number is valid in each field.
        unsafe { transmute::<[u64; POINT_WORDS], Self>(words) }
    }
}
