use crate::SourceError;
use std::path::Path;

/// The text of a file's bytes; UTF-8 only, the byte order mark kept.
pub(crate) fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, SourceError> {
    if u32::try_from(bytes.len()).is_err() {
        return Err(SourceError::TooLarge { path: path.to_owned() });
    }
    if let Some((line, encoding)) = declared_encoding(&bytes)
        && !is_utf8_name(&encoding)
    {
        return Err(SourceError::OtherEncoding { path: path.to_owned(), line, encoding });
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let byte = error.as_bytes().get(offset).copied().unwrap_or_default();
        SourceError::NotUtf8 { path: path.to_owned(), offset, byte }
    })
}

/// The encoding named in a comment of the first two lines (PEP 263), with its line.
fn declared_encoding(bytes: &[u8]) -> Option<(u32, String)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (line, content) in (1..=2).zip(bytes.split(|&byte| byte == b'\n')) {
        let content = content.trim_ascii_start();
        let content = content.strip_prefix(b"\x0c").unwrap_or(content).trim_ascii_start();
        if let Some(name) = content.strip_prefix(b"#").and_then(encoding_in_comment) {
            return Some((line, name));
        }
        // Only blank and comment lines may precede the declaration.
        if !content.is_empty() && !content.starts_with(b"#") {
            return None;
        }
    }
    None
}

/// PEP 263: `coding[:=]\s*([-\w.]+)`.
fn encoding_in_comment(comment: &[u8]) -> Option<String> {
    let comment = String::from_utf8_lossy(comment);
    comment.match_indices("coding").find_map(|(at, word)| {
        let rest = comment[at + word.len()..].strip_prefix([':', '='])?;
        let name: String =
            rest.trim_start_matches([' ', '\t']).chars().take_while(|&c| is_name_char(c)).collect();
        (!name.is_empty()).then_some(name)
    })
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// The names CPython treats as UTF-8, and ASCII, which is a part of it.
fn is_utf8_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    name == "utf-8"
        || name.starts_with("utf-8-")
        || matches!(name.as_str(), "utf8" | "u8" | "cp65001" | "ascii" | "us-ascii")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(text: &str) -> Option<(u32, String)> {
        declared_encoding(text.as_bytes())
    }

    #[test]
    fn pep_263_spellings() {
        assert_eq!(declared("# -*- coding: latin-1 -*-\n"), Some((1, "latin-1".into())));
        assert_eq!(
            declared("#!/bin/python\n# vim: set fileencoding=cp1252 :\n"),
            Some((2, "cp1252".into()))
        );
        assert_eq!(declared("x = 1\n# coding: latin-1\n"), None);
        assert_eq!(declared("\n\n# coding: latin-1\n"), None);
    }

    #[test]
    fn a_declared_latin_1_is_refused_even_if_the_bytes_are_utf_8() {
        let error = decode(Path::new("a.py"), b"# coding: latin-1\n".to_vec());
        assert!(matches!(error, Err(SourceError::OtherEncoding { line: 1, .. })));
    }

    #[test]
    fn the_first_bad_byte_is_named() {
        let error = decode(Path::new("a.py"), b"x = '\xe9'\n".to_vec());
        assert!(matches!(error, Err(SourceError::NotUtf8 { offset: 5, byte: 0xe9, .. })));
    }
}
