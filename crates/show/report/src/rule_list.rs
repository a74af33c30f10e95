use crate::page::{Page, wrap};
use crate::style::{COMMAND, STRONG, paint};
use lowtide_rules::Rule;

/// Blanks before a rule's summary.
const INDENT: &str = "  ";

/// All rules, each with its first paragraph.
#[must_use]
pub fn rule_list(rules: &[&Rule], page: &Page) -> String {
    let mut text = String::new();
    for rule in rules {
        let head = format!("{} {}", paint(COMMAND, rule.code), paint(STRONG, rule.name));
        text.extend([head.as_str(), "\n"]);
        for line in wrap(rule.summary(), page.width - INDENT.len()) {
            text.extend([INDENT, line.as_str(), "\n"]);
        }
    }
    text
}
