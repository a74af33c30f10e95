//! Where runs that are compared take place, and what they read.

use crate::failure::{self, Failure};
use crate::terminal::Terminal;
use anyhow::{Context, Result};
use lowtide_launch::Input;
use lowtide_prove::Area;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Input that takes longer is perhaps waited for in vain.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens an area, after putting back what a killed lowtide left changed.
pub fn open(terminal: &Terminal) -> Result<Area> {
    for folder in Area::clear_abandoned()? {
        let what = format!(
            "an earlier run was killed; the files that it had changed are put back ({})",
            folder.display()
        );
        failure::warn(&Failure::with_hint(what, "nothing is left to do"), terminal);
    }
    Ok(Area::create()?)
}

/// Reads standard input once, so that every run gets the same. What is typed at a terminal is not read.
pub fn shared_input(area: &Area, terminal: &Terminal) -> Result<Input> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(Input::Nothing);
    }
    let path = area.path().join("stdin");
    let mut file =
        File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let (sender, done) = mpsc::channel();
    thread::spawn(move || sender.send(io::copy(&mut io::stdin(), &mut file)));
    let copied = match done.recv_timeout(PATIENCE) {
        Err(RecvTimeoutError::Timeout) => {
            terminal.note(
                "lowtide: reading standard input to its end, since every run gets the same\n",
            );
            done.recv()
        }
        Ok(copied) => Ok(copied),
        Err(RecvTimeoutError::Disconnected) => Err(mpsc::RecvError),
    };
    copied?.context("cannot read standard input")?;
    Ok(Input::File(path))
}
