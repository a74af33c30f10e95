use std::path::PathBuf;

/// Why a file cannot be read as Python source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The bytes are not UTF-8 and the file declares no other encoding.
    #[error("{path}: not UTF-8: byte {byte:#04x} at offset {offset}", path = path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Offset of the first offending byte.
        offset: usize,
        /// That byte.
        byte: u8,
    },
    /// The file declares an encoding other than UTF-8 (PEP 263).
    #[error("{path}:{line}: declared encoding is {encoding}, only UTF-8 is supported", path = path.display())]
    OtherEncoding {
        /// The file.
        path: PathBuf,
        /// The line of the declaration.
        line: u32,
        /// The declared name.
        encoding: String,
    },
    /// The text is not valid Python.
    #[error("{path}:{line}: syntax error: {message}", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: u32,
        /// What the parser says.
        message: String,
    },
    /// The file is larger than text offsets can say.
    #[error("{path}: larger than 4 GiB", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

impl SourceError {
    /// What a user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotUtf8 { .. } | Self::OtherEncoding { .. } => {
                "save the file as UTF-8, or leave it out"
            }
            Self::Syntax { .. } => {
                "lowtide reads Python 3 source; check the file with `python -m py_compile`"
            }
            Self::TooLarge { .. } => "leave the file out",
        }
    }
}
