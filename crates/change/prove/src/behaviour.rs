use crate::difference::{Difference, Place};
use crate::outputs::{self, Outputs};
use crate::standard_error;
use lowtide_launch::Exit;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a run did, as far as two runs are compared in it.
#[derive(Clone, Debug)]
pub struct Behaviour {
    exit: Exit,
    exception: Option<String>,
    standard_output: PathBuf,
    standard_error: String,
    outputs: Outputs,
}

impl Behaviour {
    /// From the files that took up the two streams, and what stands at the paths that the run changed.
    pub(crate) fn new(
        exit: Exit,
        stdout: &Path,
        stderr: &Path,
        outputs: Outputs,
    ) -> io::Result<Self> {
        let text = String::from_utf8_lossy(&fs::read(stderr)?).into_owned();
        Ok(Self {
            exit,
            exception: if exit.is_success() { None } else { standard_error::exception(&text) },
            standard_output: stdout.to_owned(),
            standard_error: standard_error::comparable(&text),
            outputs,
        })
    }

    /// Lets the behaviour outlive putting the run back.
    pub(crate) fn set_aside(&mut self, folder: &Path) -> io::Result<()> {
        outputs::set_aside(&mut self.outputs, folder)
    }

    /// Whether the program itself said that it failed.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        !self.exit.is_success()
    }

    /// The last line that says what went wrong, if the program failed: its exception, or how it ended.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.is_failure()
            .then(|| self.exception.clone().unwrap_or_else(|| Ending(self.exit).to_string()))
    }

    /// The first thing in which `other` is not the same.
    pub(crate) fn first_difference(&self, other: &Self) -> io::Result<Option<Difference>> {
        let ending = || Difference::between(Place::Exit, &Ending(self.exit), &Ending(other.exit));
        let exception = || {
            Difference::between(
                Place::Exception,
                &Raised(&self.exception),
                &Raised(&other.exception),
            )
        };
        if let Some(difference) = exception().or_else(ending) {
            return Ok(Some(difference));
        }
        let stdout = Difference::between_files(
            Place::StandardOutput,
            &self.standard_output,
            &other.standard_output,
        )?;
        if stdout.is_some() {
            return Ok(stdout);
        }
        if let Some(difference) = outputs::first_difference(&self.outputs, &other.outputs)? {
            return Ok(Some(difference));
        }
        Ok(Difference::between_texts(
            Place::StandardError,
            &self.standard_error,
            &other.standard_error,
        ))
    }
}

#[derive(PartialEq)]
struct Ending(Exit);

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Exit::Code(code) => write!(f, "exit status {code}"),
            Exit::Signal(signal) => write!(f, "killed by signal {signal}"),
        }
    }
}

#[derive(PartialEq)]
struct Raised<'a>(&'a Option<String>);

impl fmt::Display for Raised<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(exception) => write!(f, "`{exception}`"),
            None => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behaviour(place: &Path, exit: Exit, stdout: &str, stderr: &str) -> Behaviour {
        let files = ["stdout", "stderr"]
            .map(|name| place.join(format!("{name}-{}", stdout.len() + 31 * stderr.len())));
        fs::write(&files[0], stdout).unwrap();
        fs::write(&files[1], stderr).unwrap();
        Behaviour::new(exit, &files[0], &files[1], Outputs::new()).unwrap()
    }

    const RAISED: &str =
        "Traceback (most recent call last):\n  File \"a\", line 1\nValueError: one\n";

    #[test]
    fn the_exception_is_named_before_the_status() {
        let place = tempfile::tempdir().unwrap();
        let before = behaviour(place.path(), Exit::Code(0), "", "");
        let after = behaviour(place.path(), Exit::Code(1), "", RAISED);
        let difference = before.first_difference(&after).unwrap().unwrap();
        assert_eq!(difference.to_string(), "the exception was none and then `ValueError: one`");
        assert_eq!(after.failure().as_deref(), Some("ValueError: one"));
        assert_eq!(before.failure(), None);
    }

    #[test]
    fn a_signal_is_not_a_status() {
        let place = tempfile::tempdir().unwrap();
        let before = behaviour(place.path(), Exit::Code(9), "", "");
        let after = behaviour(place.path(), Exit::Signal(9), "", "");
        let difference = before.first_difference(&after).unwrap().unwrap();
        assert_eq!(
            difference.to_string(),
            "the exit status was exit status 9 and then killed by signal 9"
        );
    }

    #[test]
    fn each_stream_counts() {
        let place = tempfile::tempdir().unwrap();
        let before = behaviour(place.path(), Exit::Code(0), "a\nb\n", "note");
        let same = behaviour(place.path(), Exit::Code(0), "a\nb\n", "note");
        let other_output = behaviour(place.path(), Exit::Code(0), "a\nbc\n", "note");
        let other_error = behaviour(place.path(), Exit::Code(0), "a\nb\n", "notes");
        let place_of =
            |after: &Behaviour| before.first_difference(after).unwrap().map(|found| found.place);
        assert_eq!(place_of(&same), None);
        assert_eq!(place_of(&other_output), Some(Place::StandardOutput(2)));
        assert_eq!(place_of(&other_error), Some(Place::StandardError(1)));
    }
}
