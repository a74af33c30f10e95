use lowtide_capture::CreateError;
use lowtide_cpython::UnsupportedPython;
use lowtide_interpose::InterposeError;

/// Why a process is not recorded.
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
    /// A recording is going on.
    #[error("this process is being recorded already")]
    AlreadyStarted,
}

impl StartError {
    /// What the user can do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unsupported(error) => error.hint(),
            Self::Capture(CreateError::Begin(reason)) => reason.hint(),
            Self::Capture(_) => {
                "put the capture into a folder that exists and may be written, with --out"
            }
            Self::Interpose(error) => error.hint(),
            Self::AlreadyStarted => "stop the first recording before another begins",
        }
    }
}
