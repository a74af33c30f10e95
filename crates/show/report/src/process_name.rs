//! What a process is called by people: what it works for, or what it runs, or who forked it.

use crate::page::{Page, fit_end, visible};
use crate::run_text::program;
use lowtide_profile::{Birth, Descendant, Frame};
use std::path::Path;

/// Columns of a file's name and a line.
const SHORTEST_PLACE: usize = 16;

/// One line. Where it names a place, it has no more than `room` columns, if that leaves any for the place.
pub fn process_name(descendant: &Descendant, page: &Page, room: usize) -> String {
    match &descendant.birth {
        Birth::Forked(frames) => forked(frames, page, room),
        Birth::Started => started(descendant),
        Birth::Became => format!("became {}", started(descendant)),
    }
}

/// Files of the standard library that fork, and what for; the first that is found tells most.
const WORKERS: [(&str, &str); 4] = [
    ("concurrent/futures/process.py", "ProcessPoolExecutor worker"),
    ("multiprocessing/pool.py", "multiprocessing Pool worker"),
    ("multiprocessing/forkserver.py", "multiprocessing forkserver worker"),
    ("multiprocessing/process.py", "multiprocessing Process"),
];

fn forked(frames: &[Frame], page: &Page, room: usize) -> String {
    let is_from = |name: &str| frames.iter().any(|frame| frame.file.ends_with(name));
    let worker = WORKERS.iter().find(|(name, _)| is_from(name));
    let (Some((_, kind)), Some(frame)) = (worker, innermost_of_program(frames)) else {
        let kind = worker.map_or("forked", |(_, kind)| kind);
        let frame = frames.last().filter(|_| worker.is_none());
        return frame.map_or(kind.to_owned(), |frame| at(kind, frame, page, room));
    };
    at(kind, frame, page, room)
}

fn at(kind: &str, frame: &Frame, page: &Page, room: usize) -> String {
    let left = room.saturating_sub(kind.len() + " at ".len()).max(SHORTEST_PLACE);
    format!("{kind} at {}", fit_end(&page.place(&frame.file, frame.line), left))
}

/// Not of Python's own library, and no code without a file.
fn innermost_of_program(frames: &[Frame]) -> Option<&Frame> {
    frames.iter().rev().find(|frame| frame.file.is_absolute() && !is_of_library(&frame.file))
}

fn is_of_library(file: &Path) -> bool {
    let mut names = file.iter().filter_map(|name| name.to_str());
    let is_in_lib = names.any(|name| name.starts_with("python3."));
    is_in_lib && !names.any(|name| name == "site-packages" || name == "dist-packages")
}

/// Code that multiprocessing gives to a Python that it starts (`multiprocessing/spawn.py`, `forkserver.py`,
/// `resource_tracker.py`), and what for.
const HELPERS: [(&str, &str); 3] = [
    ("from multiprocessing.forkserver import", "multiprocessing forkserver"),
    ("from multiprocessing.resource_tracker import", "multiprocessing resource tracker"),
    ("from multiprocessing.spawn import", "multiprocessing spawn worker"),
];

fn started(descendant: &Descendant) -> String {
    let process = descendant.profile.process();
    let is_code = |start: &str| process.argv.iter().any(|word| word.starts_with(start));
    match HELPERS.iter().find(|(start, _)| is_code(start)) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("python {}", visible(&program(process))),
    }
}
