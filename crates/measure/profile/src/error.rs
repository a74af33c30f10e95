use lowtide_capture::CaptureError;

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The capture could not be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
}

impl ProfileError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Capture(error) => error.hint(),
        }
    }
}
