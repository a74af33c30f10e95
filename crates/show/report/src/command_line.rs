/// Words as a shell would read them again, quoted where they have to be.
#[must_use]
pub fn command_line(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "_-./=,:@%+".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_split_or_expand_are_quoted() {
        let words = ["a.py", "x y", "", "it's", "$HOME", "--n=3"].map(str::to_owned);
        assert_eq!(command_line(&words), r"a.py 'x y' '' 'it'\''s' '$HOME' --n=3");
    }
}
