//! Pure. Where one document of a stream ends: Kubernetes cuts the text at `---` lines before any YAML parser sees it.

/// The pieces between separator lines, as Kubernetes' reader cuts them: a line of `---` and nothing else but blanks or
/// a comment. One that opens a piece stays in it, so lines count from the top in errors about a first document.
///
/// `--- !tag`, `---text` and `...` do not separate: a parser reads the first document of the piece and ignores the rest.
pub fn documents(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = cut(rest);
        rest = after;
        Some(piece)
    })
}

fn cut(text: &str) -> (&str, &str) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if start > 0 && is_separator(line) {
            return (&text[..start], &text[start + line.len()..]);
        }
        start += line.len();
    }
    (text, "")
}

fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|tail| {
        let tail = tail.trim();
        tail.is_empty() || tail.starts_with('#')
    })
}

#[cfg(test)]
mod tests {
    use super::documents;

    #[test]
    fn streams_are_cut_where_kubernetes_cuts_them() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a: 1\n", &["a: 1\n"]),
            ("a: 1\n---\nb: 2\n", &["a: 1\n", "b: 2\n"]),
            ("---\na: 1\n--- # next\nb: 2", &["---\na: 1\n", "b: 2"]),
            ("---\n---\n---\na: 1\n", &["---\n", "---\na: 1\n"]),
            ("a: 1\n--- \t\r\nb: 2\n---", &["a: 1\n", "b: 2\n"]),
            ("a: |\n  ---\n  x\n", &["a: |\n  ---\n  x\n"]),
            ("a: 1\n--- !x\nb: 2\n---more\n", &["a: 1\n--- !x\nb: 2\n---more\n"]),
        ];
        for (text, pieces) in table {
            assert_eq!(documents(text).collect::<Vec<_>>(), *pieces, "{text:?}");
        }
    }
}
