use std::path::{Path, PathBuf};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns a tab is shown as, inside a line of source.
const TAB: &str = "    ";

/// What a text is laid out on.
pub struct Page<'a> {
    /// Columns.
    pub width: usize,
    /// Files beneath this folder are shown by their path from here.
    pub folder: PathBuf,
    /// The text of a line (1-based) of a file, where it can be had.
    pub source: &'a dyn Fn(&Path, u32) -> Option<String>,
}

impl Page<'_> {
    /// For names that are no part of a page.
    #[must_use]
    pub fn without_source() -> Self {
        Self { width: usize::MAX, folder: PathBuf::new(), source: &|_, _| None }
    }

    /// The shortest name that leads to the file from the page's folder.
    #[must_use]
    pub fn name(&self, file: &Path) -> String {
        visible(&file.strip_prefix(&self.folder).unwrap_or(file).display().to_string())
    }

    /// `file:line`, or the file alone where no line is known.
    #[must_use]
    pub fn place(&self, file: &Path, line: u32) -> String {
        match line {
            0 => self.name(file),
            _ => format!("{}:{line}", self.name(file)),
        }
    }

    /// A line of source without its indentation, fit to be shown; `None` where it is blank or unknown.
    #[must_use]
    pub fn source_line(&self, file: &Path, line: u32) -> Option<String> {
        let text = (self.source)(file, line)?;
        let text = visible(text.trim());
        (!text.is_empty()).then_some(text)
    }
}

/// The text without what would move a terminal's cursor or change its colours.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => shown.push_str(TAB),
            _ if character.is_control() => shown.push('\u{fffd}'),
            _ => shown.push(character),
        }
    }
    shown
}

/// Columns that a text takes.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.width()
}

/// The beginning of a text, in at most `width` columns.
#[must_use]
pub fn fit_start(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let kept = keep(text.chars(), width);
    format!("{}…", kept.into_iter().collect::<String>().trim_end())
}

/// The end of a text, in at most `width` columns: of a path, the end tells most.
#[must_use]
pub fn fit_end(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let kept = keep(text.chars().rev(), width);
    format!("…{}", kept.into_iter().rev().collect::<String>())
}

/// As many characters as leave one column of `width` free.
fn keep(characters: impl Iterator<Item = char>, width: usize) -> Vec<char> {
    let mut left = width.saturating_sub(1);
    characters
        .map_while(|character| {
            left = left.checked_sub(character.width().unwrap_or(0))?;
            Some(character)
        })
        .collect()
}

/// Words filled into lines of at most `width` columns; a longer word has a line of its own.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_where_they_tell_least() {
        assert_eq!(fit_start("items = [f(x)]", 8), "items =…");
        assert_eq!(fit_end("/usr/lib/python3/json/decoder.py", 12), "…/decoder.py");
        assert_eq!(fit_start("short", 5), "short");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(fit_start("数据数据", 5), "数据…");
        assert_eq!(fit_end("数据数据", 5), "…数据");
    }

    #[test]
    fn source_cannot_drive_the_terminal() {
        assert_eq!(visible("a\u{1b}[31m\tb"), "a\u{fffd}[31m    b");
    }

    #[test]
    fn words_are_filled_into_lines() {
        assert_eq!(wrap("one two  three\nfour", 9), ["one two", "three", "four"]);
    }
}
