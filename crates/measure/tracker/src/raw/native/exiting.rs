//! Functions that end the process on the spot (`_exit(2)`, `quick_exit(3)`, exit(3)): the recording ends in order first.

use super::{original, place};
use crate::raw::leaving;
use std::ffi::c_int;

type Exit = unsafe extern "C" fn(c_int) -> !;

macro_rules! ending {
    ($($name:ident => $place:ident;)*) => {$(
        pub(super) unsafe extern "C" fn $name(status: c_int) -> ! {
            leaving::for_good(status);
            // SAFETY: passed on as it came.
            unsafe { original::<Exit>(place::$place)(status) }
        }
    )*};
}

ending! {
    _exit => EXIT_AT_ONCE;
    quick_exit => QUICK_EXIT;
    exit => EXIT;
}
