use std::ffi::CStr;

/// Why functions could not be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InterposeError {
    /// No loaded object defines the symbol.
    #[error("no loaded object defines {}", symbol.to_string_lossy())]
    Undefined {
        /// The symbol.
        symbol: &'static CStr,
    },
    /// The kernel did not let a read-only slot be written.
    #[error("a relocation slot could not be made writable (errno {errno})")]
    Protected {
        /// Why `mprotect` failed.
        errno: i32,
    },
    /// The list of objects already seen could not be grown.
    #[error("no memory for the list of loaded objects")]
    OutOfMemory,
}

impl InterposeError {
    /// What the user can do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Undefined { .. } => "lowtide needs a dynamically linked Python on glibc",
            Self::Protected { .. } => {
                "a security policy forbids it: run without that policy (SELinux execmod, seccomp)"
            }
            Self::OutOfMemory => "raise the process's memory limit",
        }
    }
}
