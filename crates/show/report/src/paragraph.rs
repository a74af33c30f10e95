use crate::page::{columns, visible};
use crate::style::paint;
use anstyle::Style;

/// Words in several styles, to be filled into lines.
#[derive(Default)]
pub struct Paragraph {
    words: Vec<Word>,
    /// Whether the last word may still grow.
    open: bool,
}

#[derive(Default)]
struct Word {
    painted: String,
    columns: usize,
}

impl Paragraph {
    /// Adds text; it joins the word before it unless a blank lies between.
    pub fn push(&mut self, text: &str, style: Style) {
        for piece in text.split_inclusive(char::is_whitespace) {
            let word = visible(piece.trim_end());
            if !word.is_empty() {
                if !self.open {
                    self.words.push(Word::default());
                }
                if let Some(last) = self.words.last_mut() {
                    last.columns += columns(&word);
                    last.painted.push_str(&paint(style, word));
                }
            }
            self.open = !piece.ends_with(char::is_whitespace);
        }
    }

    /// The lines, and an empty paragraph again.
    pub fn take_lines(&mut self, width: usize) -> Vec<String> {
        let mut lines: Vec<Word> = Vec::new();
        for word in std::mem::take(&mut self.words) {
            match lines.last_mut() {
                Some(line) if line.columns + 1 + word.columns <= width => {
                    line.columns += 1 + word.columns;
                    line.painted.push(' ');
                    line.painted.push_str(&word.painted);
                }
                _ => lines.push(word),
            }
        }
        self.open = false;
        lines.into_iter().map(|line| line.painted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::{COMMAND, HEADING};

    #[test]
    fn words_in_two_styles_stay_together_and_fill_lines() {
        let mut paragraph = Paragraph::default();
        paragraph.push("call ", Style::new());
        paragraph.push("f(x)", COMMAND);
        paragraph.push(", then ", Style::new());
        paragraph.push("stop here", HEADING);
        let lines = paragraph.take_lines(12);
        let plain: Vec<String> =
            lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        assert_eq!(plain, ["call f(x),", "then stop", "here"]);
        assert!(paragraph.take_lines(12).is_empty());
    }
}
