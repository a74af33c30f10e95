/// Sections one blank line apart; empty ones are left out.
pub fn joined(sections: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = String::new();
    for section in sections.into_iter().filter(|section| !section.is_empty()) {
        if !text.is_empty() {
            text.push('\n');
        }
        for line in section {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}
