use std::path::PathBuf;

/// Replaces the bytes `start..end` by `text`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextEdit {
    /// First byte replaced.
    pub start: u32,
    /// One past the last byte replaced.
    pub end: u32,
    /// The new text; empty deletes.
    pub text: String,
}

/// Text replacements in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEdits {
    /// The file.
    pub file: PathBuf,
    /// Non-overlapping, sorted by start.
    pub edits: Vec<TextEdit>,
}

impl TextEdit {
    /// Replaces `range` by `text`.
    #[must_use]
    pub fn replace(range: ruff_text_size::TextRange, text: impl Into<String>) -> Self {
        Self { start: range.start().into(), end: range.end().into(), text: text.into() }
    }

    /// Inserts `text` before the byte `offset`.
    #[must_use]
    pub fn insert(offset: ruff_text_size::TextSize, text: impl Into<String>) -> Self {
        Self::replace(ruff_text_size::TextRange::empty(offset), text)
    }

    /// Deletes `range`.
    #[must_use]
    pub fn delete(range: ruff_text_size::TextRange) -> Self {
        Self::replace(range, "")
    }
}

/// `text` with `edits` made; `None` if they overlap, are out of order, or do not fall on characters.
///
/// ```
/// use lowtide_source::{TextEdit, apply_edits};
/// let edit = TextEdit { start: 0, end: 1, text: "(".into() };
/// assert_eq!(apply_edits("[x)", &[edit]).as_deref(), Some("(x)"));
/// ```
#[must_use]
pub fn apply_edits(text: &str, edits: &[TextEdit]) -> Option<String> {
    let mut edited = String::with_capacity(text.len());
    let mut copied_to = 0;
    for edit in edits {
        let (start, end) = (edit.start as usize, edit.end as usize);
        if end < start {
            return None;
        }
        edited.push_str(text.get(copied_to..start)?);
        edited.push_str(&edit.text);
        copied_to = end;
    }
    edited.push_str(text.get(copied_to..)?);
    Some(edited)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: u32, end: u32, text: &str) -> TextEdit {
        TextEdit { start, end, text: text.into() }
    }

    #[test]
    fn overlapping_edits_are_refused() {
        assert_eq!(apply_edits("abc", &[edit(0, 2, ""), edit(1, 3, "")]), None);
    }

    #[test]
    fn edits_inside_a_character_are_refused() {
        assert_eq!(apply_edits("é", &[edit(1, 2, "")]), None);
    }

    #[test]
    fn touching_edits_are_both_made() {
        assert_eq!(
            apply_edits("abc", &[edit(0, 1, "x"), edit(1, 1, "y"), edit(2, 3, "")]).as_deref(),
            Some("xyb")
        );
    }
}
