//! Indentation, line ends and comments: what an edit must keep.

use crate::SourceFile;
use ruff_python_ast::token::TokenKind;
use ruff_python_ast::{AnyNodeRef, ExprRef};
use ruff_text_size::{Ranged, TextRange, TextSize};

impl SourceFile {
    /// The white space before the first character of the line of `offset`.
    #[must_use]
    pub fn indentation_at(&self, offset: TextSize) -> &str {
        let line = self.slice(self.full_line(offset)).trim_start_matches('\u{feff}');
        let content = line.trim_start_matches([' ', '\t', '\x0c']);
        &line[..line.len() - content.len()]
    }

    /// Whether nothing but white space stands before `offset` on its line.
    #[must_use]
    pub fn starts_its_line(&self, offset: TextSize) -> bool {
        let start = self.full_line(offset).start();
        self.slice(TextRange::new(start, offset))
            .trim_matches([' ', '\t', '\x0c', '\u{feff}'])
            .is_empty()
    }

    /// The line end that the file uses first, `\n` if it has none.
    #[must_use]
    pub fn newline(&self) -> &'static str {
        match self.text().find(['\n', '\r']).map(|at| &self.text()[at..]) {
            Some(rest) if rest.starts_with("\r\n") => "\r\n",
            Some(rest) if rest.starts_with('\r') => "\r",
            _ => "\n",
        }
    }

    /// One step of indentation as the file makes it, four spaces if it never indents.
    #[must_use]
    pub fn indentation_step(&self) -> &str {
        let indent = self.tokens().iter().find(|token| token.kind() == TokenKind::Indent);
        indent.map_or("    ", |token| self.slice(token.range())).trim_start_matches('\x0c')
    }

    /// The comments that stand inside `range`, in order.
    pub fn comments_in(&self, range: TextRange) -> impl Iterator<Item = TextRange> + '_ {
        let comments = self.tokens().iter().filter(|token| token.kind() == TokenKind::Comment);
        comments.map(Ranged::range).filter(move |comment| range.contains_range(*comment))
    }

    /// An expression with the parentheses around it that are its own, not its parent's.
    #[must_use]
    pub fn with_parentheses(&self, expr: ExprRef<'_>, parent: AnyNodeRef<'_>) -> TextRange {
        ruff_python_ast::token::parenthesized_range(expr, parent, self.tokens())
            .unwrap_or_else(|| expr.range())
    }

    /// The whole lines from the first of `range` to its last, line ends included.
    #[must_use]
    pub fn full_lines(&self, range: TextRange) -> TextRange {
        TextRange::new(self.full_line(range.start()).start(), self.full_line(range.end()).end())
    }

    /// Starts of the lines inside `range` that may be indented anew: not blank, and not inside a string.
    #[must_use]
    pub fn line_starts_in(&self, range: TextRange) -> Vec<TextSize> {
        let mut starts = Vec::new();
        let mut at = self.full_line(range.start()).start();
        while at < range.end() {
            let line = self.full_line(at);
            if !self.slice(line).trim().is_empty() && !self.is_inside_string(at) {
                starts.push(at);
            }
            at = line.end().max(at + TextSize::from(1));
        }
        starts
    }

    /// Whether `offset` lies strictly inside a string literal, so that white space there is data.
    #[must_use]
    pub fn is_inside_string(&self, offset: TextSize) -> bool {
        let mut depth = 0_u32;
        for token in self.tokens().iter().take_while(|token| token.start() < offset) {
            match token.kind() {
                TokenKind::String if token.end() > offset => return true,
                TokenKind::FStringStart | TokenKind::TStringStart => depth += 1,
                TokenKind::FStringEnd | TokenKind::TStringEnd => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        depth > 0
    }
}
