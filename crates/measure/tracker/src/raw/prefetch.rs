use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

/// Asks the processor for what will be looked at soon, wherever that is.
#[inline]
pub(super) fn prefetch<T>(place: *const T) {
    // SAFETY: nothing is read.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
}
