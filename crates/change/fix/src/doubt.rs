use std::path::PathBuf;

/// Why a rewrite was not made, or was taken back.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    /// The code is not there any more.
    #[error("another fix has changed this code")]
    Gone,
    /// A blocker holds.
    #[error("the source does not allow it")]
    Blocked,
    /// The edits speak of a file that the project does not have.
    #[error("it would change {}, which is not among the files given", .0.display())]
    ForeignFile(PathBuf),
    /// The edits do not fit the text.
    #[error("its edits do not fit {}", .0.display())]
    Misfit(PathBuf),
    /// The new text is not valid Python.
    #[error("the rewritten file would not parse: {0}")]
    Unparsable(String),
    /// The rule still sees what it wanted changed.
    #[error("the rewrite would leave the waste where it is")]
    StillThere,
    /// The new text reads a name that nothing binds.
    #[error("the rewritten file would read `{0}`, which it does not define")]
    Undefined(String),
}
