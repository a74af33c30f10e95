//! What `--out` stands for: containers that are configured alike shall not write into one file.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// The name with `{pid}` (lowtide's own), `{host}` and `{time}` (seconds since 1970) filled in. All else in braces stays.
pub fn filled_in(name: &OsStr) -> PathBuf {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let values = [
        ("{pid}", std::process::id().to_string()),
        ("{host}", host.trim().replace('/', "-")),
        ("{time}", seconds.to_string()),
    ];
    with_values(name, &values)
}

fn with_values(name: &OsStr, values: &[(&str, String)]) -> PathBuf {
    let mut filled = Vec::new();
    let mut rest = name.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let known = values.iter().find_map(|(word, value)| {
            rest.strip_prefix(word.as_bytes()).map(|behind| (value, behind))
        });
        if let Some((value, behind)) = known {
            filled.extend_from_slice(value.as_bytes());
            rest = behind;
        } else {
            filled.push(first);
            rest = behind;
        }
    }
    OsString::from_vec(filled).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(name: &str) -> PathBuf {
        with_values(name.as_ref(), &[("{pid}", "12".into()), ("{host}", "web-{pid}".into())])
    }

    #[test]
    fn what_is_known_is_filled_in_and_all_else_stays() {
        assert_eq!(
            filled("/captures/{host}/{pid}.lowtide"),
            PathBuf::from("/captures/web-{pid}/12.lowtide")
        );
        assert_eq!(filled("{name}-{pid}{pid}.{"), PathBuf::from("{name}-1212.{"));
        assert_eq!(filled("plain.lowtide"), PathBuf::from("plain.lowtide"));
    }
}
