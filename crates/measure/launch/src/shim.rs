use crate::environment::{self, Variable};
use crate::outcome::{Counted, Outcome};
use crate::signals::Guard;
use crate::{LaunchError, raw};
use std::ffi::{CString, OsStr, OsString};
use std::io::{self, Write};
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// The first argument of a program that is to act as the shim.
pub(crate) const SUBCOMMAND: &str = "__spawn";

/// What the shim is to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// The absolute path of the program.
    pub program: PathBuf,
    /// What the program sees of the command line, its own name included.
    pub argv: Vec<OsString>,
    /// What is changed in the environment.
    pub changes: Vec<Variable>,
}

/// Acts as the process between launcher and program, if `words` (the arguments after the program's own name) say so:
/// the body of the hidden subcommand `__spawn`. To be called first in `main`: all that is in memory here counts as the
/// program's peak.
///
/// It starts the program, waits, and tells the launcher through an inherited pipe how it ended.
#[must_use]
pub fn serve(words: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut words = words.into_iter();
    if words.next()? != SUBCOMMAND {
        return None;
    }
    Some(match serve_order(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

fn serve_order(mut words: impl Iterator<Item = OsString>) -> io::Result<()> {
    let malformed = || io::Error::from(io::ErrorKind::InvalidInput);
    let descriptor: RawFd = number(words.next()).ok_or_else(malformed)?;
    let launcher = number(words.next()).ok_or_else(malformed)?;
    let order = Order::from_words(words).ok_or_else(malformed)?;
    let mut report = raw::adopt(descriptor)?;
    let outcome = order
        .carry_out(launcher)
        .unwrap_or_else(|error| Outcome::NotStarted(error.raw_os_error().unwrap_or(libc::EINVAL)));
    report.write_all(&outcome.encode())
}

fn number<T: std::str::FromStr>(word: Option<OsString>) -> Option<T> {
    word?.to_str()?.parse().ok()
}

impl Order {
    /// As arguments of the shim, after the descriptor and the launcher's process id.
    pub(crate) fn words(&self) -> impl Iterator<Item = OsString> {
        let count = OsString::from(self.changes.len().to_string());
        let changes = self.changes.iter().map(assignment);
        [count]
            .into_iter()
            .chain(changes)
            .chain([self.program.clone().into()])
            .chain(self.argv.iter().cloned())
    }

    fn from_words(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let count: usize = number(words.next())?;
        let changes: Vec<Variable> =
            words.by_ref().take(count).map_while(|word| split_assignment(&word)).collect();
        (changes.len() == count).then_some(())?;
        Some(Self { changes, program: words.next()?.into(), argv: words.collect() })
    }

    fn carry_out(&self, launcher: i32) -> io::Result<Outcome> {
        let guard = Guard::of_shim(launcher);
        let program = c_string(self.program.as_os_str())?;
        let argv = self.argv.iter().map(|word| c_string(word)).collect::<io::Result<Vec<_>>>()?;
        let environment = environment::changed(std::env::vars_os(), &self.changes);
        let envp = environment
            .iter()
            .map(|pair| c_string(&assignment(pair)))
            .collect::<io::Result<Vec<_>>>()?;
        let start = Instant::now();
        let pid = raw::spawn(&program, &argv, &envp)?;
        guard.pass_to(pid);
        raw::wait_for_end(pid)?;
        let duration_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        // Nothing is passed on to a process id that may be somebody else's a moment later.
        drop(guard);
        let (wait_status, usage) = raw::reap(pid)?;
        Ok(Outcome::Ended(counted(wait_status, duration_ns, &usage)))
    }
}

fn counted(wait_status: i32, duration_ns: u64, usage: &libc::rusage) -> Counted {
    let nanoseconds =
        |time: libc::timeval| (time.tv_sec * 1_000_000_000 + time.tv_usec * 1_000).cast_unsigned();
    Counted {
        wait_status,
        duration_ns,
        peak_rss_bytes: usage.ru_maxrss.cast_unsigned() * 1024,
        user_ns: nanoseconds(usage.ru_utime),
        system_ns: nanoseconds(usage.ru_stime),
    }
}

fn assignment((name, value): &Variable) -> OsString {
    let mut word = name.clone();
    word.push("=");
    word.push(value);
    word
}

fn split_assignment(word: &OsStr) -> Option<Variable> {
    let bytes = word.as_bytes();
    // A name may begin with `=` (some shells make such), as the standard library reads the environment.
    let at = bytes.iter().skip(1).position(|&byte| byte == b'=')? + 1;
    let (name, value) = bytes.split_at_checked(at)?;
    Some((OsString::from_vec(name.into()), OsString::from_vec(value.get(1..)?.into())))
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    CString::new(text.as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// Why a program was not started, from the error number that the shim sent.
pub(crate) fn not_started(program: PathBuf, errno: i32) -> LaunchError {
    LaunchError::NotStarted { program, source: io::Error::from_raw_os_error(errno) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_order_survives_its_words(
            program in "/[^\0]+",
            argv in proptest::collection::vec("[^\0]*", 0..5),
            changes in proptest::collection::vec(("[^\0=]+", "[^\0]*"), 0..5),
        ) {
            let order = Order {
                program: program.into(),
                argv: argv.into_iter().map(Into::into).collect(),
                changes: changes.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            };
            prop_assert_eq!(Order::from_words(order.words()), Some(order));
        }
    }

    #[test]
    fn other_arguments_are_not_for_the_shim() {
        assert!(serve(["run", "program.py"].map(OsString::from)).is_none());
        assert!(serve([]).is_none());
    }

    #[test]
    fn a_short_order_is_refused() {
        assert_eq!(
            Order::from_words(["2", "A=1", "/bin/true"].into_iter().map(OsString::from)),
            None
        );
    }
}
