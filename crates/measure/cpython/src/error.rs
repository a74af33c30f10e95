use lowtide_units::PythonVersion;

/// Why the frames of a Python cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsupportedPython {
    /// Older than 3.10.
    #[error("Python {version} is too old to be measured")]
    TooOld {
        /// What runs.
        version: PythonVersion,
    },
    /// Newer than what lowtide knows.
    #[error("Python {version} is newer than what this lowtide knows")]
    TooNew {
        /// What runs.
        version: PythonVersion,
    },
    /// An alpha, a beta or a release candidate of a version whose releases are known.
    #[error("this is no release of Python {version} but a version from before it")]
    PreRelease {
        /// What runs.
        version: PythonVersion,
    },
    /// A build without the global interpreter lock.
    #[error("free-threaded Python {version} cannot be measured yet")]
    FreeThreaded {
        /// What runs.
        version: PythonVersion,
    },
    /// The interpreter does not publish where it keeps its frames.
    #[error("this build of Python {version} does not say where it keeps its frames")]
    NoDebugOffsets {
        /// What runs.
        version: PythonVersion,
    },
    /// What was read does not agree with `sys._getframe()`.
    #[error(
        "this build of Python {version} keeps its frames in another way than CPython {version} does"
    )]
    FramesDiffer {
        /// What runs.
        version: PythonVersion,
    },
}

impl UnsupportedPython {
    /// What the user can do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::TooOld { .. } => "use CPython 3.10 to 3.15",
            Self::TooNew { .. } => "use CPython 3.10 to 3.15, or update lowtide",
            Self::FreeThreaded { .. } => {
                "use the build with the GIL, such as python3.14 rather than python3.14t"
            }
            Self::PreRelease { .. } => "use a release of CPython, such as 3.14.0 or 3.15.0",
            Self::NoDebugOffsets { .. } | Self::FramesDiffer { .. } => {
                "use an unmodified release build of CPython 3.10 to 3.15"
            }
        }
    }
}
