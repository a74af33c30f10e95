use crate::SourceError;
use crate::encoding::decode;
use ruff_python_ast::ModModule;
use ruff_python_ast::PySourceType;
use ruff_python_ast::token::Tokens;
use ruff_python_parser::{Parsed, parse_unchecked_source};
use ruff_source_file::{LineIndex, OneIndexed};
use ruff_text_size::{Ranged, TextRange, TextSize};
use std::path::{Path, PathBuf};

/// One parsed Python file, its text untouched.
#[derive(Debug)]
pub struct SourceFile {
    path: PathBuf,
    text: String,
    parsed: Parsed<ModModule>,
    lines: LineIndex,
}

impl SourceFile {
    /// Parses `text`.
    ///
    /// # Errors
    /// The text is not Python that the parser knows, declares an encoding other than UTF-8, or is too large.
    pub fn parse(path: impl Into<PathBuf>, text: impl Into<String>) -> Result<Self, SourceError> {
        let text: String = text.into();
        Self::from_bytes(path, text.into_bytes())
    }

    /// Decodes and parses the content of a file; a byte order mark and the line ends stay as they are.
    ///
    /// # Errors
    /// As [`SourceFile::parse`], and when the bytes are not UTF-8.
    pub fn from_bytes(path: impl Into<PathBuf>, bytes: Vec<u8>) -> Result<Self, SourceError> {
        let path = path.into();
        let text = decode(&path, bytes)?;
        let lines = LineIndex::from_source_text(&text);
        let parsed = parse_unchecked_source(&text, PySourceType::Python);
        if let Some(error) = parsed.errors().first() {
            let line = line_number(&lines, error.location.start());
            return Err(SourceError::Syntax { path, line, message: error.error.to_string() });
        }
        Ok(Self { path, text, parsed, lines })
    }

    /// The path as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The syntax tree.
    #[must_use]
    pub fn syntax(&self) -> &ModModule {
        self.parsed.syntax()
    }

    /// All tokens, comments included.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        self.parsed.tokens()
    }

    /// The 1-based line of a byte offset.
    #[must_use]
    pub fn line_of(&self, offset: TextSize) -> u32 {
        line_number(&self.lines, offset)
    }

    /// First and last line of a node, 1-based.
    #[must_use]
    pub fn lines_of(&self, node: impl Ranged) -> (u32, u32) {
        (self.line_of(node.start()), self.line_of(node.end()))
    }

    /// The text of a node.
    #[must_use]
    pub fn slice(&self, node: impl Ranged) -> &str {
        &self.text[node.range()]
    }

    /// The bytes from the start of the line of `offset` up to and including its line end.
    #[must_use]
    pub fn full_line(&self, offset: TextSize) -> TextRange {
        self.lines.line_range(self.lines.line_index(offset), &self.text)
    }
}

fn line_number(lines: &LineIndex, offset: TextSize) -> u32 {
    let line: OneIndexed = lines.line_index(offset);
    u32::try_from(line.get()).unwrap_or(u32::MAX)
}
