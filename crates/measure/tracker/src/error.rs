use lowtide_capture::{CreateError, SnapshotError};
use lowtide_cpython::UnsupportedPython;
use lowtide_interpose::InterposeError;
use lowtide_unwind::NoUnwinder;

/// Why a process is not recorded, or not as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Its Python is not one that the tracker knows.
    #[error(transparent)]
    Unsupported(#[from] UnsupportedPython),
    /// No capture could be begun.
    #[error(transparent)]
    Capture(#[from] CreateError),
    /// Native code could not be hooked.
    #[error(transparent)]
    Interpose(#[from] InterposeError),
    /// Native frames were asked for, and cannot be had.
    #[error(transparent)]
    NoUnwinder(#[from] NoUnwinder),
    /// A recording is going on.
    #[error("this process is being recorded already")]
    AlreadyStarted,
    /// No recording is going on.
    #[error("this process is not being recorded")]
    NotStarted,
    /// A snapshot would take the place of the capture itself.
    #[error("this file is the capture that is being written")]
    OwnCapture,
    /// The capture could not be copied.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

impl StartError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unsupported(error) => error.hint(),
            Self::Capture(CreateError::Begin(reason)) => reason.hint(),
            Self::Capture(_) => {
                "put the capture into a folder that exists and may be written, with --out"
            }
            Self::Interpose(error) => error.hint(),
            Self::NoUnwinder(_) => "measure without --native, or on a newer system",
            Self::AlreadyStarted => "stop the first recording before another begins",
            Self::NotStarted => "start a recording first",
            Self::OwnCapture => "give the snapshot a name of its own",
            Self::Snapshot(error) => error.hint(),
        }
    }
}
