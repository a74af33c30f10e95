//! Before/after runs, same-behaviour check, statistics -> Proof.
//!
//! In: two [`Version`]s of a program and a number of runs. Out: a [`Proof`]: medians, savings with confidence intervals,
//! and whether both did the same. Never: leaves a file of the user's changed by a run, prints, or calls a saving proven
//! that the runs do not show.
//!
//! ```no_run
//! use lowtide_launch::{Launch, Target};
//! use lowtide_prove::{Area, Effect, Experiment, Observer, Side, Version};
//!
//! struct Silent;
//! impl Observer for Silent {
//!     fn run_starts(&mut self, _index: u32, _count: u32, _side: Side) {}
//!     fn effects_seen(&mut self, _effects: &[Effect]) {}
//! }
//!
//! let version = |script: &str| Version { launch: Launch::new(Target::Script(script.into())), substitutes: vec![] };
//! let (before, after) = (version("old.py"), version("new.py"));
//! let experiment = Experiment { before: &before, after: &after, runs: 6, reference: None };
//! let proof = experiment.run(&Area::create()?, &mut Silent)?;
//! assert!(proof.is_proven(), "{}", proof.conclusion);
//! # Ok::<(), lowtide_prove::ProveError>(())
//! ```

mod area;
mod behaviour;
mod difference;
mod error;
mod experiment;
mod outputs;
mod proof;
mod standard_error;
mod statistics;
mod trial;

pub use area::Area;
pub use behaviour::Behaviour;
pub use difference::{Difference, Place};
pub use error::ProveError;
pub use experiment::{Experiment, Observer, Side};
pub use lowtide_journal::{Effect, Substitute};
pub use proof::{Conclusion, Figures, Proof, Saving};
pub use statistics::Interval;
pub use trial::{Recording, Trial, Version};
