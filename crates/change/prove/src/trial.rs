//! One staged run.

use crate::behaviour::Behaviour;
use crate::difference::Difference;
use crate::outputs;
use crate::{Area, ProveError};
use lowtide_journal::{Effect, Record, RunFolder, Substitute};
use lowtide_launch::{Ended, Launch, Output};
use lowtide_profile::Profile;
use lowtide_units::{Bytes, Elapsed};
use std::path::{Path, PathBuf};

/// A program in one of its versions.
#[derive(Clone, Debug)]
pub struct Version {
    /// How it is run. Streams, capture and stage are set for each run.
    pub launch: Launch,
    /// The sources that are read in another version; for a fair comparison, both versions name the same ones.
    pub substitutes: Vec<Substitute>,
}

/// Whether the tracker is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// No: for RSS and time.
    Plain,
    /// Yes: for the heap's peak.
    Tracked,
}

/// What one run showed.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The kernel's figure, with the tracker's own memory in it if that was in.
    pub peak_rss: Bytes,
    /// From start to end.
    pub time: Elapsed,
    /// Where the run was tracked; `None` also if the command started no Python.
    pub profile: Option<Profile>,
    /// Where the capture is, while the area lives.
    pub capture: PathBuf,
    /// What the program did to the world outside its files, each thing once.
    pub effects: Vec<Effect>,
    /// What it did.
    pub behaviour: Behaviour,
    /// In what it differs from the run that it was compared with.
    pub difference: Option<Difference>,
}

impl Area {
    /// Runs the program once, compares it with a run before, and puts the user's files back as they were.
    ///
    /// Without a run to compare with, this may become one: what it wrote is copied.
    ///
    /// # Errors
    /// When the program cannot be started or staged, was interrupted, or its files cannot be put back.
    pub fn run(
        &self,
        version: &Version,
        recording: Recording,
        compared_with: Option<&Behaviour>,
    ) -> Result<Trial, ProveError> {
        self.check_signals()?;
        let run = self.new_run()?;
        run.order_substitutes(&version.substitutes)?;
        let ended = staged(version, recording, run.path()).run();
        let outcome = ended.map_err(ProveError::from).and_then(|ended| {
            check(&ended, &run)?;
            observe(&ended, &run, compared_with)
        });
        // Whatever went wrong before, the user's files come first.
        self.put_back(&run)?;
        self.check_signals()?;
        outcome
    }
}

fn staged(version: &Version, recording: Recording, folder: &Path) -> Launch {
    Launch {
        capture: (recording == Recording::Tracked).then(|| capture(folder)),
        stage: Some(folder.to_owned()),
        stdout: Output::File(stdout(folder)),
        stderr: Output::File(stderr(folder)),
        ..version.launch.clone()
    }
}

fn capture(folder: &Path) -> PathBuf {
    folder.join("capture")
}

fn stdout(folder: &Path) -> PathBuf {
    folder.join("stdout")
}

fn stderr(folder: &Path) -> PathBuf {
    folder.join("stderr")
}

fn check(ended: &Ended, run: &RunFolder) -> Result<(), ProveError> {
    if let Some(signal) = ended.received {
        return Err(ProveError::Interrupted(signal));
    }
    let refused = run.records()?.into_iter().find_map(|record| match record {
        Record::Refused { path, reason } => Some(ProveError::CannotKeep { path, reason }),
        _ => None,
    });
    refused.map_or(Ok(()), Err)
}

fn observe(
    ended: &Ended,
    run: &RunFolder,
    compared_with: Option<&Behaviour>,
) -> Result<Trial, ProveError> {
    let folder = run.path();
    let failed = || ProveError::place(folder);
    let records = run.records()?;
    let outputs = outputs::collect(&records);
    let mut behaviour =
        Behaviour::new(ended.exit, &stdout(folder), &stderr(folder), outputs).map_err(failed())?;
    let difference = if let Some(reference) = compared_with {
        reference.first_difference(&behaviour).map_err(failed())?
    } else {
        behaviour.set_aside(&folder.join("outputs")).map_err(failed())?;
        None
    };
    let capture = capture(folder);
    Ok(Trial {
        peak_rss: ended.peak_rss,
        time: Elapsed(ended.duration),
        profile: if ended.recorded { Profile::read(&capture).ok() } else { None },
        capture,
        effects: effects(&records),
        behaviour,
        difference,
    })
}

fn effects(records: &[Record]) -> Vec<Effect> {
    let mut effects: Vec<Effect> = records
        .iter()
        .filter_map(|record| match record {
            Record::Effect(effect) => Some(effect.clone()),
            _ => None,
        })
        .collect();
    effects.sort();
    effects.dedup();
    effects
}
