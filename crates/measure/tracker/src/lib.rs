//! Lives in the target process: hooks -> stack -> call tree -> capture.
//!
//! In: every allocation and free of the process. Out: a capture in which each block is charged to its Python stack.
//! Never: allocation through a function that it hooks, Python code run, a reference count touched, a panic, a lock held
//! over a fork. In doubt it stops recording, notes why in the capture, and lets the program run on.
//!
//! ```text
//! import lowtide_tracker
//! lowtide_tracker.start("/tmp/program.lowtide")
//! ```

#![cfg_attr(
    test,
    expect(
        dead_code,
        reason = "tests have no Python, so all that is only there for its hooks is idle"
    )
)]

mod address_ranges;
mod decimal;
mod error;
mod ledger;
mod number_in_text;
mod python_program;
mod raw;
mod weight;
mod windows;

pub use error::StartError;
