//! A rule's Markdown page, for a terminal.

use crate::diff_text;
use crate::markdown_table::MarkdownTable;
use crate::page::{Page, visible};
use crate::paragraph::Paragraph;
use crate::style::{COMMAND, DIM, HEADING, STRONG, paint};
use anstyle::Style;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Longer lines of prose are hard to follow.
const WIDEST_PROSE: usize = 100;
/// Blanks before code.
const CODE_INDENT: &str = "    ";

/// The page with its headings, code and lists laid out.
#[must_use]
pub fn rule_page(markdown: &str, page: &Page) -> String {
    let mut rendering = Rendering { width: page.width.min(WIDEST_PROSE), ..Rendering::default() };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        rendering.take(event);
    }
    rendering.text
}

#[derive(Default)]
struct Rendering {
    width: usize,
    text: String,
    paragraph: Paragraph,
    styles: Vec<Style>,
    /// For each open list, the number of its next item if it is numbered.
    lists: Vec<Option<u64>>,
    /// What the next line of an item begins with.
    bullet: Option<String>,
    /// The language of the open code block.
    code: Option<String>,
    table: Option<MarkdownTable>,
}

impl Rendering {
    fn take(&mut self, event: Event) {
        match event {
            Event::Start(tag) => self.open(tag),
            Event::End(tag) => self.close(tag),
            Event::Text(text) => self.take_text(&text, self.style()),
            Event::Code(code) => self.take_text(&code, COMMAND),
            Event::SoftBreak | Event::HardBreak => self.paragraph.push(" ", Style::new()),
            _ => {}
        }
    }

    fn take_text(&mut self, text: &str, style: Style) {
        if let Some(language) = &self.code {
            self.text.push_str(&code_block(text, language == "diff"));
        } else if let Some(table) = &mut self.table {
            table.push(text);
        } else {
            self.paragraph.push(text, style);
        }
    }

    fn open(&mut self, tag: Tag) {
        match tag {
            Tag::Heading { .. } => {
                self.blank_line();
                self.styles.push(HEADING);
            }
            Tag::Strong => self.styles.push(STRONG),
            Tag::Emphasis => self.styles.push(Style::new().italic()),
            Tag::Paragraph if self.bullet.is_none() => self.blank_line(),
            Tag::List(start) => {
                self.flush();
                if self.lists.is_empty() {
                    self.blank_line();
                }
                self.lists.push(start);
            }
            Tag::Item => self.bullet = Some(self.next_bullet()),
            Tag::Table(_) => {
                self.blank_line();
                self.table = Some(MarkdownTable::default());
            }
            Tag::TableHead | Tag::TableRow => {
                self.table.iter_mut().for_each(MarkdownTable::start_row);
            }
            Tag::TableCell => self.table.iter_mut().for_each(MarkdownTable::start_cell),
            Tag::CodeBlock(kind) => {
                self.blank_line();
                self.code = Some(match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                });
            }
            _ => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.flush();
                self.styles.pop();
            }
            TagEnd::Strong | TagEnd::Emphasis => {
                self.styles.pop();
            }
            TagEnd::Paragraph | TagEnd::Item => self.flush(),
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::CodeBlock => self.code = None,
            TagEnd::Table => {
                let lines =
                    self.table.take().map(|table| table.lines(self.width)).unwrap_or_default();
                self.text.extend(lines.into_iter().map(|line| line + "\n"));
            }
            _ => {}
        }
    }

    fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or_default()
    }

    fn next_bullet(&mut self) -> String {
        match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => "- ".to_owned(),
        }
    }

    fn flush(&mut self) {
        let indent = "  ".repeat(self.lists.len());
        let bullet = self.bullet.take().unwrap_or_default();
        let first = format!("{}{bullet}", "  ".repeat(self.lists.len().saturating_sub(1)));
        for (index, line) in self.paragraph.take_lines(self.width - indent.len()).iter().enumerate()
        {
            let start = if index == 0 && !bullet.is_empty() { &first } else { &indent };
            self.text.extend([start, line.as_str(), "\n"]);
        }
    }

    fn blank_line(&mut self) {
        self.flush();
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }
}

fn code_block(code: &str, is_diff: bool) -> String {
    let mut block = String::new();
    for line in code.lines() {
        let line = visible(line);
        let painted = match is_diff {
            _ if line.is_empty() => String::new(),
            true => format!("{CODE_INDENT}{}", diff_text(&line)),
            false => format!("{CODE_INDENT}{}", paint(DIM, line)),
        };
        block.push_str(&painted);
        block.push('\n');
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(markdown: &str) -> String {
        let page = Page { width: 40, folder: "/".into(), source: &|_, _| None };
        anstream::adapter::strip_str(&rule_page(markdown, &page)).to_string()
    }

    #[test]
    fn headings_prose_lists_and_code_are_laid_out() {
        let markdown = "# LT1 name\n\nOne `f(x)`,\ntwo.\n\n## Why\n\n- first item that is longer than a line can be\n- **second**\n\n```python\ndef f():\n\tpass\n```\n\nEnd.\n";
        assert_eq!(
            rendered(markdown),
            "LT1 name\n\nOne f(x), two.\n\nWhy\n\n- first item that is longer than a line\n  can be\n- second\n\n    def f():\n        pass\n\nEnd.\n"
        );
    }

    #[test]
    fn a_wide_table_is_wrapped_into_its_columns() {
        let markdown = "| who | stays |\n|---|---|\n| `for`, sum, any, all, min, max, zip, chain | about 0 |\n";
        assert_eq!(
            rendered(markdown),
            "who                            stays\nfor, sum, any, all, min, max,  about 0\nzip, chain\n"
        );
    }

    #[test]
    fn a_numbered_list_counts() {
        assert_eq!(rendered("1. one\n2. two\n"), "1. one\n2. two\n");
    }
}
