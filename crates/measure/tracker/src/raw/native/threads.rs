//! Each hook has the signature and the contract of the function that it is named after (`pthread_create(3)`).

use super::{original, place};
use crate::raw::origin::{self, Order};
use crate::raw::{events, interpreter};
use std::ffi::{c_int, c_void};

type Create = unsafe extern "C" fn(
    *mut libc::pthread_t,
    *const libc::pthread_attr_t,
    *const c_void,
    *mut c_void,
) -> c_int;

/// The new thread is told where it comes from before it does anything.
pub(super) unsafe extern "C" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    start: *const c_void,
    argument: *mut c_void,
) -> c_int {
    // SAFETY: passed on as it came, or with a start routine that gets what it wants and goes on as asked.
    let create = |start, argument| unsafe {
        original::<Create>(place::PTHREAD_CREATE)(thread, attributes, start, argument)
    };
    let here = 0u8;
    let is_of_python = interpreter::contains(start as usize);
    let order = events::origin_of_new_thread(is_of_python, (&raw const here) as usize)
        .and_then(|origin| Order::new(origin, start as usize, argument as usize));
    let Some(order) = order else { return create(start, argument) };
    let begin = origin::begin as *const c_void;
    let status = create(begin, std::ptr::from_ref(order).cast_mut().cast());
    if status != 0 {
        order.give_back();
    }
    status
}
