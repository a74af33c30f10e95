//! What of a program's standard error is behaviour, and what is clock, address space or source layout.

use regex::Regex;
use std::sync::LazyLock;

/// Matched in this order and replaced.
static NOISE: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
        (r"\b0x[0-9a-fA-F]+\b", "<address>"),
        (r"\b\d{4}-\d\d-\d\d\b", "<date>"),
        (r"\b\d{1,3}:\d\d(:\d\d)?([.,]\d+)?\b", "<time>"),
        (
            r"\b\d+(\.\d+)?(e[-+]?\d+)? ?(ns|us|µs|ms|s|sec|secs|seconds?|min|minutes?|hours?)\b",
            "<duration>",
        ),
        (r"\b\d+(\.\d+)? ?([kKMG]?i?B|it|[a-z]+)/s\b", "<rate>"),
        (r"\b(pid|PID|process|Process|thread|Thread)([ =:#-]+)\d+\b", "$1$2<id>"),
        (r"(?m)^\S.*:\d+: (\w*Warning: )", "<source>: $1"),
    ]
    .into_iter()
    .filter_map(|(pattern, instead)| Some((Regex::new(pattern).ok()?, instead)))
    .collect()
});

const TRACEBACK: &str = "Traceback (most recent call last):";

/// The text without times, addresses, process ids, source lines and the frames of tracebacks: a rewrite may move a line
/// or add a generator's frame, but not change what is reported.
pub(crate) fn comparable(standard_error: &str) -> String {
    let mut kept = Vec::new();
    let mut lines = standard_error.split('\n').map(last_redrawn).peekable();
    while let Some(line) = lines.next() {
        kept.push(line);
        // Python quotes a source line below a warning, and frames below a traceback's head.
        let quotes_source = begins_frames(line) || line.contains("Warning: ");
        while quotes_source && lines.next_if(|line| line.starts_with(' ')).is_some() {}
    }
    without_noise(&kept.join("\n"))
}

/// Type and message of the exception that the last traceback reports.
pub(crate) fn exception(standard_error: &str) -> Option<String> {
    let lines: Vec<&str> = standard_error.lines().collect();
    let start = lines.iter().rposition(|line| begins_frames(line))?;
    let message: Vec<&str> =
        lines[start + 1..].iter().copied().skip_while(|line| line.starts_with(' ')).collect();
    (!message.is_empty()).then(|| without_noise(&message.join("\n")))
}

/// A syntax error of the program itself comes without a head.
fn begins_frames(line: &str) -> bool {
    line.trim_end().ends_with(TRACEBACK) || line.starts_with("  File \"")
}

/// A progress bar draws over itself after a carriage return; only its last state was meant to stay.
fn last_redrawn(line: &str) -> &str {
    let line = line.strip_suffix('\r').unwrap_or(line);
    line.rsplit_once('\r').map_or(line, |(_, last)| last)
}

fn without_noise(text: &str) -> String {
    NOISE.iter().fold(text.to_owned(), |text, (noise, instead)| {
        noise.replace_all(&text, *instead).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_noise_pattern_is_valid() {
        assert_eq!(NOISE.len(), 8);
    }

    fn assert_same(before: &str, after: &str) {
        assert_eq!(comparable(before), comparable(after));
    }

    #[test]
    fn times_addresses_and_ids_are_no_behaviour() {
        assert_same(
            "done in 1.52 s, 2026-11-23 10:11:12,345",
            "done in 0.9 s, 2026-11-24 00:00:00,001",
        );
        assert_same("<Foo object at 0x7f00aa>", "<Foo object at 0x55bb>");
        assert_same("worker pid=123 up", "worker pid=99 up");
        assert_same(
            "\r 10%|# | 1/9 [00:01<00:08, 1.2it/s]\r100%|##| 9/9 [00:02<00:00, 4.4it/s]",
            "\r100%|##| 9/9 [00:01<00:00, 9.1it/s]",
        );
    }

    #[test]
    fn numbers_and_words_are_behaviour() {
        assert_ne!(comparable("3 rows skipped"), comparable("4 rows skipped"));
        assert_ne!(comparable("ValueError: a"), comparable("ValueError: b"));
        assert_ne!(comparable(""), comparable("\n"));
    }

    #[test]
    fn frames_and_quoted_lines_are_no_behaviour() {
        let before = "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    x = [g(y) for y in z]\n         ^^^^\nValueError: no\n";
        let after = "Traceback (most recent call last):\n  File \"a.py\", line 9, in <genexpr>\n    g(y)\n  File \"a.py\", line 1, in g\nValueError: no\n";
        assert_same(before, after);
        assert_same(
            "/a/b.py:3: UserWarning: old\n  f(x)\n",
            "/a/b.py:4: UserWarning: old\n  f(y)\n",
        );
    }

    #[test]
    fn the_exception_is_the_one_that_ended_the_program() {
        let text = "Traceback (most recent call last):\n  File \"a\", line 1\nKeyError: 1\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a\", line 2\nValueError: two\nlines at 0xff\n";
        assert_eq!(exception(text).as_deref(), Some("ValueError: two\nlines at <address>"));
        assert_eq!(exception("all is well"), None);
        let syntax =
            "  File \"a.py\", line 1\n    print(\n         ^\nSyntaxError: '(' was never closed\n";
        assert_eq!(exception(syntax).as_deref(), Some("SyntaxError: '(' was never closed"));
    }
}
