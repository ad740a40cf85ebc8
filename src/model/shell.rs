//! Pure. Quoting for a POSIX shell.

use std::borrow::Cow;

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

#[cfg(test)]
mod tests {
    use super::*;

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
