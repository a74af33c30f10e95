use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Longer quotations are cut.
const QUOTED_CHARACTERS: usize = 80;

/// The first thing in which two runs were not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub place: Place,
    /// What was there in the run that others are compared with.
    pub before: String,
    /// What was there in the other run.
    pub after: String,
}

/// Something that two runs of a program are compared in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Exit status or signal.
    Exit,
    /// Type and message of the exception that ended the program.
    Exception,
    /// Standard output, at this line.
    StandardOutput(u64),
    /// Standard error without times, addresses and frames, at this line.
    StandardError(u64),
    /// Whether a path exists, what it is, or its permissions.
    Path(PathBuf),
    /// The content of a file that the program wrote, at this line.
    Content(PathBuf, u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit => f.write_str("the exit status"),
            Self::Exception => f.write_str("the exception"),
            Self::StandardOutput(line) => write!(f, "line {line} of the standard output"),
            Self::StandardError(line) => write!(f, "line {line} of the standard error"),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Content(path, line) => write!(f, "line {line} of {}", path.display()),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was {} and then {}", self.place, self.before, self.after)
    }
}

impl Difference {
    /// `None` if the two are the same.
    pub(crate) fn between<T: PartialEq + fmt::Display>(
        place: Place,
        before: &T,
        after: &T,
    ) -> Option<Self> {
        (before != after).then(|| Self {
            place,
            before: before.to_string(),
            after: after.to_string(),
        })
    }

    /// The first line in which two texts differ.
    pub(crate) fn between_texts(
        place: fn(u64) -> Place,
        before: &str,
        after: &str,
    ) -> Option<Self> {
        let found = first_difference(before.as_bytes(), after.as_bytes());
        // Reading from memory does not fail.
        found.ok().flatten().map(|found| found.at(place))
    }

    /// The first line in which two files differ.
    pub(crate) fn between_files(
        place: impl Fn(u64) -> Place,
        before: &Path,
        after: &Path,
    ) -> io::Result<Option<Self>> {
        let found = first_difference(
            BufReader::new(File::open(before)?),
            BufReader::new(File::open(after)?),
        )?;
        Ok(found.map(|found| found.at(place)))
    }
}

struct DifferentLine {
    number: u64,
    before: String,
    after: String,
}

impl DifferentLine {
    fn at(self, place: impl Fn(u64) -> Place) -> Difference {
        Difference { place: place(self.number), before: self.before, after: self.after }
    }
}

fn first_difference(
    mut before: impl BufRead,
    mut after: impl BufRead,
) -> io::Result<Option<DifferentLine>> {
    let mut number = 1;
    let mut line: Vec<u8> = Vec::new();
    loop {
        let (left, right) = (before.fill_buf()?, after.fill_buf()?);
        let common = left.iter().zip(right).take_while(|(left, right)| left == right).count();
        if common == 0 {
            if left.is_empty() && right.is_empty() {
                return Ok(None);
            }
            return Ok(Some(DifferentLine {
                number,
                before: quoted(&line, before)?,
                after: quoted(&line, after)?,
            }));
        }
        let same = &left[..common];
        number += newlines(same);
        remember_line(&mut line, same);
        before.consume(common);
        after.consume(common);
    }
}

fn newlines(text: &[u8]) -> u64 {
    text.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// Keeps the beginning of the line that the reader stands in, for the quotation.
fn remember_line(line: &mut Vec<u8>, text: &[u8]) {
    let rest = match text.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => {
            line.clear();
            &text[end + 1..]
        }
        None => text,
    };
    let room = (4 * QUOTED_CHARACTERS).saturating_sub(line.len());
    line.extend_from_slice(&rest[..rest.len().min(room)]);
}

fn quoted(start: &[u8], rest: impl BufRead) -> io::Result<String> {
    let mut line = start.to_vec();
    let read = rest.take(4 * QUOTED_CHARACTERS as u64).read_until(b'\n', &mut line)?;
    if line.is_empty() && read == 0 {
        return Ok("at its end".to_owned());
    }
    let text = String::from_utf8_lossy(&line);
    let mut shown: String = text.trim_end_matches('\n').chars().take(QUOTED_CHARACTERS).collect();
    if shown.len() < text.trim_end_matches('\n').len() {
        shown.push('…');
    }
    Ok(format!("`{shown}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(before: &str, after: &str) -> Option<(u64, String, String)> {
        let found = first_difference(before.as_bytes(), after.as_bytes()).unwrap();
        found.map(|found| (found.number, found.before, found.after))
    }

    #[test]
    fn the_first_different_line_is_quoted_whole() {
        assert_eq!(found("a\nbcd\n", "a\nbxd\n"), Some((2, "`bcd`".into(), "`bxd`".into())));
        assert_eq!(found("a\n", "a\nb\n"), Some((2, "at its end".into(), "`b`".into())));
        assert_eq!(found("a", "a\n"), Some((1, "`a`".into(), "`a`".into())));
        assert_eq!(found("same\n", "same\n"), None);
    }

    #[test]
    fn a_very_long_line_is_cut() {
        let (_, before, _) =
            found(&"x".repeat(10_000), &format!("{}y", "x".repeat(9_999))).unwrap();
        assert_eq!(before.chars().count(), QUOTED_CHARACTERS + 3);
    }

    proptest! {
        #[test]
        fn buffers_do_not_matter(before in "[ab\n]{0,40}", after in "[ab\n]{0,40}", size in 1_usize..9) {
            let small = |text: &str| BufReader::with_capacity(size, io::Cursor::new(text.to_owned()));
            let buffered = first_difference(small(&before), small(&after)).unwrap();
            let whole = first_difference(before.as_bytes(), after.as_bytes()).unwrap();
            prop_assert_eq!(buffered.is_none(), before == after);
            prop_assert_eq!(buffered.map(|found| found.number), whole.map(|found| found.number));
        }
    }
}
