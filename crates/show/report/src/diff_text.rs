use crate::style::{BAD, COMMAND, GOOD, HEADING, paint};

/// A unified diff with its lines painted: without the paint it is the same patch, byte for byte.
#[must_use]
pub fn diff_text(diff: &str) -> String {
    diff.split_inclusive('\n').map(painted).collect()
}

fn painted(line: &str) -> String {
    let style = match line.as_bytes() {
        [b'-', b'-', b'-', b' ', ..] | [b'+', b'+', b'+', b' ', ..] => HEADING,
        [b'@', b'@', ..] => COMMAND,
        [b'-', ..] => BAD,
        [b'+', ..] => GOOD,
        _ => return line.to_owned(),
    };
    // The paint ends before the line does, so that it cannot run over into the next.
    let text = line.trim_end_matches(['\r', '\n']);
    format!("{}{}", paint(style, text), &line[text.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripped_of_paint_it_is_the_same_patch() {
        let diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\r\n+b\n\\ No newline at end of file\n";
        assert_eq!(anstream::adapter::strip_str(&diff_text(diff)).to_string(), diff);
        assert!(diff_text(diff).contains("\u{1b}["));
    }
}
