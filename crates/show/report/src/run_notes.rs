use crate::estimated::sampling_note;
use crate::page::{Page, wrap};
use crate::signal_name;
use crate::style::{CAUTION, COMMAND, paint};
use lowtide_profile::{Exit, Profile, Recording};

/// What the reader has to know before trusting the figures.
pub fn run_notes(profile: &Profile, page: &Page) -> Vec<String> {
    let sampled = sampling_note(profile).map(|text| Note { text, hint: None });
    let notes = recording_note(profile).into_iter().chain(sampled);
    let lines = notes.flat_map(|note| {
        let hints = note.hint.into_iter().flat_map(|hint| labelled("hint:", &hint, page));
        labelled("note:", &note.text, page).into_iter().chain(hints).collect::<Vec<_>>()
    });
    lines.collect()
}

struct Note {
    text: String,
    hint: Option<String>,
}

fn recording_note(profile: &Profile) -> Option<Note> {
    const UP_TO_THEN: &str = "the figures are up to then";
    let note = |text: String, hint: Option<String>| Some(Note { text, hint });
    if profile.became_another() {
        let what = "the process executed another program in its place";
        return note(format!("{what}; {UP_TO_THEN}"), None);
    }
    match (profile.recording(), profile.exit()) {
        (Recording::Complete, Exit::Status(_) | Exit::Unknown) => None,
        (Recording::Complete | Recording::CutOff, Exit::Signal(signal)) => note(
            format!("the program was killed by {}; {UP_TO_THEN}", signal_name(signal)),
            (signal == 9)
                .then(|| "if nobody killed it, the machine or its memory limit ran out".to_owned()),
        ),
        (Recording::CutOff, Exit::Status(_)) => note(
            format!("the program left without clean-up (os._exit or os.exec); {UP_TO_THEN}"),
            None,
        ),
        (Recording::CutOff, Exit::Unknown) => {
            note(format!("the program was killed, or is still running; {UP_TO_THEN}"), None)
        }
        (Recording::Stopped(Some(reason)), _) => note(
            format!("recording stopped early: {}; {UP_TO_THEN}", reason.message()),
            Some(reason.hint().to_owned()),
        ),
        (Recording::Stopped(None), _) => note(
            format!(
                "recording stopped early, for a reason that this lowtide does not know; {UP_TO_THEN}"
            ),
            Some("read the capture with the lowtide that wrote it".to_owned()),
        ),
    }
}

fn labelled(label: &str, text: &str, page: &Page) -> Vec<String> {
    let indent = label.len() + 1;
    let style = if label == "hint:" { COMMAND } else { CAUTION };
    wrap(text, page.width.saturating_sub(indent))
        .into_iter()
        .enumerate()
        .map(|(index, line)| match index {
            0 => format!("{} {line}", paint(style, label)),
            _ => format!("{}{line}", " ".repeat(indent)),
        })
        .collect()
}
