//! Functions that the program calls in place of libc's.
#![expect(
    unsafe_code,
    reason = "libc's callers hand over C strings and raw addresses, and Python loads this by symbol"
)]

mod changing;
mod executing;
mod loading;
mod module;
mod network;
mod opening;
mod path;
mod replaced;
