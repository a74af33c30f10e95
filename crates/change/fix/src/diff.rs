use similar::TextDiff;
use std::fmt::Write as _;

/// Lines shown around a change.
const CONTEXT_LINES: usize = 3;

/// A unified diff of one file, as `patch -p1` and `git apply` read it; empty when nothing changed.
///
/// Line ends are kept as they are, and a missing one at the end of the file is marked.
#[must_use]
pub fn unified_diff(path: &str, before: &str, after: &str) -> String {
    // Only `\n` ends a line of a patch: a lone `\r` is left inside.
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let lines = TextDiff::configure().newline_terminated(true).diff_slices(&old, &new);
    let mut text = String::new();
    for hunk in lines.unified_diff().context_radius(CONTEXT_LINES).iter_hunks() {
        if text.is_empty() {
            text = header(path);
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{hunk}");
    }
    text
}

fn header(path: &str) -> String {
    // A tab ends a name with spaces, else patch would take what follows the space for a date.
    let end = if path.contains(' ') { "\t" } else { "" };
    format!("--- a/{path}{end}\n+++ b/{path}{end}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_change_is_shown_with_its_surroundings() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = before.replace("5\n", "five\n");
        assert_eq!(
            unified_diff("dir/a.py", before, &after),
            "--- a/dir/a.py\n+++ b/dir/a.py\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
    }

    #[test]
    fn nothing_changed_is_no_diff() {
        assert_eq!(unified_diff("a.py", "x\n", "x\n"), "");
    }

    #[test]
    fn carriage_returns_stay_in_the_lines() {
        assert_eq!(
            unified_diff("a.py", "x\r\ny\r\n", "x\r\nz\r\n"),
            "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n x\r\n-y\r\n+z\r\n"
        );
    }

    #[test]
    fn a_missing_newline_at_the_end_is_marked() {
        assert_eq!(
            unified_diff("a.py", "x", "y"),
            "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n\\ No newline at end of file\n"
        );
    }

    /// A small `patch`: follows the hunks of a unified diff.
    fn patch(before: &str, diff: &str) -> String {
        let old: Vec<&str> = before.split_inclusive('\n').collect();
        let (mut patched, mut next) = (String::new(), 0);
        for line in diff.split_inclusive('\n').skip(2) {
            let (mark, rest) = line.split_at(1);
            match mark {
                "@" => {
                    let range = rest.split(' ').nth(1).unwrap();
                    let mut numbers = range[1..].split(',');
                    let first: usize = numbers.next().unwrap().parse().unwrap();
                    let start = if numbers.next() == Some("0") { first } else { first - 1 };
                    patched.extend(old[next..start].iter().copied());
                    next = start;
                }
                " " | "-" => {
                    assert_eq!(old[next].trim_end_matches('\n'), rest.trim_end_matches('\n'));
                    next += 1;
                    if mark == " " {
                        patched.push_str(rest);
                    }
                }
                "+" => patched.push_str(rest),
                "\\" => {
                    patched.truncate(patched.trim_end_matches('\n').len().max(patched.len() - 1));
                }
                _ => panic!("not a diff line: {line:?}"),
            }
        }
        patched.extend(old[next..].iter().copied());
        patched
    }

    proptest! {
        #[test]
        fn patching_the_old_text_gives_the_new_one(
            before in "([ab]\r?\n){0,24}",
            after in "([ab]\r?\n){0,24}",
        ) {
            prop_assert_eq!(patch(&before, &unified_diff("a.py", &before, &after)), after);
        }
    }
}
