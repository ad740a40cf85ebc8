//! Pure. Quoting for a POSIX shell.

use std::borrow::Cow;

use thiserror::Error;

/// Why a line is no list of words.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SplitError {
    #[error("a single quote is not closed")]
    SingleQuote,
    #[error("a double quote is not closed")]
    DoubleQuote,
    #[error("nothing stands after the last backslash")]
    Backslash,
}

/// `text` as one word of a shell command: as it is if a shell gives it no meaning, else between single quotes.
pub fn quote(text: &str) -> Cow<'_, str> {
    if text.is_empty() {
        return Cow::Borrowed("''");
    }
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r#"'"'"'"#)))
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte)
}

/// The words as one command line that a shell splits into the same words again.
pub fn join<S: AsRef<str>>(words: &[S]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| quote(word.as_ref())).collect();
    quoted.join(" ")
}

/// The words of a line, as a shell splits it; nothing is expanded.
pub fn split(line: &str) -> Result<Vec<String>, SplitError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter.is_whitespace() => words.extend(word.take()),
            '\'' => quoted_plainly(&mut letters, word.get_or_insert_default())?,
            '"' => quoted_with_escapes(&mut letters, word.get_or_insert_default())?,
            '\\' => word
                .get_or_insert_default()
                .push(letters.next().ok_or(SplitError::Backslash)?),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted_plainly(letters: &mut std::str::Chars, word: &mut String) -> Result<(), SplitError> {
    for letter in letters {
        match letter {
            '\'' => return Ok(()),
            letter => word.push(letter),
        }
    }
    Err(SplitError::SingleQuote)
}

fn quoted_with_escapes(letters: &mut std::str::Chars, word: &mut String) -> Result<(), SplitError> {
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return Ok(()),
            '\\' => match letters.next().ok_or(SplitError::DoubleQuote)? {
                escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            letter => word.push(letter),
        }
    }
    Err(SplitError::DoubleQuote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_as_a_shell_splits_it() {
        let table: [(&str, &[&str]); 7] = [
            ("", &[]),
            ("  a   b ", &["a", "b"]),
            ("'a b' \"c d\"", &["a b", "c d"]),
            ("a'b'\"c\"d", &["abcd"]),
            ("''", &[""]),
            (r#"a\ b "x\"y\z" 'p\q'"#, &["a b", r#"x"y\z"#, r"p\q"]),
            ("--env='it s'", &["--env=it s"]),
        ];
        for (line, words) in table {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(split(line).as_deref(), Ok(words.as_slice()), "{line}");
            assert_eq!(split(&join(&words)), Ok(words));
        }
        assert_eq!(split("'a"), Err(SplitError::SingleQuote));
        assert_eq!(split("\"a\\"), Err(SplitError::DoubleQuote));
        assert_eq!(split("a\\"), Err(SplitError::Backslash));
    }

    #[test]
    fn only_words_with_a_meaning_to_the_shell_are_quoted() {
        let table = [
            ("", "''"),
            ("plain_word-1.2", "plain_word-1.2"),
            ("a@b%c+d=e:f,g.h/i", "a@b%c+d=e:f,g.h/i"),
            ("it's", r#"'it'"'"'s'"#),
            ("a b", "'a b'"),
            ("$HOME", "'$HOME'"),
            ("~", "'~'"),
            ("a\nb", "'a\nb'"),
            ("é", "'é'"),
        ];
        for (text, expected) in table {
            assert_eq!(quote(text), expected, "{text:?}");
        }
    }

    #[test]
    fn joined_words_stay_apart() {
        assert_eq!(join(&["sh", "-c", "echo hi"]), "sh -c 'echo hi'");
        assert_eq!(join::<&str>(&[]), "");
    }
}
