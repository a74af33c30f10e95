use serde::Serialize;

/// Indented, with a newline at the end.
pub fn pretty(record: &impl Serialize) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(record)?;
    text.push('\n');
    Ok(text)
}
