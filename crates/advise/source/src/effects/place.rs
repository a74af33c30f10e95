use crate::Definition;
use std::fmt;

/// Something that code may read or change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// What a variable is bound to.
    Variable {
        /// The variable.
        definition: Definition,
        /// Its name.
        name: String,
        /// Whether code elsewhere can reach it: it is global or captured by a closure.
        exposed: bool,
    },
    /// The items of a container, or the position of an iterator.
    Content(Root),
    /// The attribute of this name, of any object.
    Attribute(String),
    /// Standard output and standard error.
    Terminal,
    /// Standard input.
    Input,
    /// Files, as seen through the file system or a handle of unknown mode.
    Files,
    /// What goes into a file that was opened to be written anew.
    Output(Definition),
    /// State of the system or of code outside the project: random numbers, clocks, environment, connections.
    Hidden,
    /// Whatever unknown code can reach.
    Anything,
}

/// Whose content it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// A container that is reachable through this variable alone.
    Own {
        /// The variable.
        definition: Definition,
        /// Its name.
        name: String,
    },
    /// Any other container.
    Shared,
}

impl Place {
    /// Whether a change of one may be a change of the other.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Anything, place) | (place, Self::Anything) => place.is_reachable(),
            (own, other) => own == other,
        }
    }

    /// Whether unknown code can get at it.
    fn is_reachable(&self) -> bool {
        match self {
            Self::Variable { exposed, .. } => *exposed,
            Self::Content(Root::Own { .. }) => false,
            _ => true,
        }
    }

    /// Whether a change of it can be seen from outside the program, in its order with other such changes.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        matches!(self, Self::Terminal | Self::Files | Self::Output(_) | Self::Anything)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { name, .. } => write!(f, "`{name}`"),
            Self::Content(Root::Own { name, .. }) => write!(f, "the content of `{name}`"),
            Self::Content(Root::Shared) => f.write_str("the content of a shared object"),
            Self::Attribute(name) => write!(f, "the attribute `{name}`"),
            Self::Terminal => f.write_str("the terminal"),
            Self::Input => f.write_str("standard input"),
            Self::Files | Self::Output(_) => f.write_str("files"),
            Self::Hidden => f.write_str("state outside the program"),
            Self::Anything => f.write_str("anything that unknown code can reach"),
        }
    }
}
