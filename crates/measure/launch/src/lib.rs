//! Starts a Python process, with the tracker in where asked, and reports how it ended.
//!
//! In: what to run, where its streams go, where the capture goes. Out: how it ended, its own peak RSS and its times.
//! The program sees what it would see under plain `python`: streams, arguments, environment, signals, tracebacks.
//! Never: prints, reads a profile, leaves a variable or a descriptor of its own in the program.
//!
//! The program is not started by this process but by a tiny one in between (`lowtide __spawn`, see [`serve`]): Linux
//! hands the high water of the starter's memory on to what it starts, so that a large starter would hide a small program.
//!
//! ```no_run
//! use lowtide_launch::{Exit, Launch, Target};
//! let launch = Launch { capture: Some("out.lowtide".into()), ..Launch::new(Target::Script("program.py".into())) };
//! let ended = launch.run()?;
//! assert_eq!(ended.exit, Exit::Code(0));
//! # Ok::<(), lowtide_launch::LaunchError>(())
//! ```

mod capture_file;
mod control;
mod ended;
mod environment;
mod error;
mod installation;
mod interpreter;
mod launch;
mod outcome;
mod raw;
mod shim;
mod signals;
mod streams;
mod target;

pub use control::{Carried, Control};
pub use ended::{Ended, Exit};
pub use error::LaunchError;
pub use installation::Installation;
pub use interpreter::Interpreter;
pub use launch::Launch;
pub use raw::real_time_signal;
pub use shim::serve;
pub use signals::die_by;
pub use streams::{Input, Output};
pub use target::Target;
