//! Pure. Text between double quotes as Go's `%q` prints it: the form that upstream's messages, and so ours, show.

use std::fmt::Write;

/// `text` in double quotes, with control characters, quotes and unprintable characters escaped.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        push_escaped(&mut out, c);
    }
    out.push('"');
    out
}

fn push_escaped(out: &mut String, c: char) {
    let short = match c {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\x07' => "\\a",
        '\x08' => "\\b",
        '\x0c' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\x0b' => "\\v",
        _ => return push_rare(out, c),
    };
    out.push_str(short);
}

fn push_rare(out: &mut String, c: char) {
    let code = u32::from(c);
    // Writing to a string cannot fail, so the results say nothing.
    let _ = match code {
        0x20..0x7f => out.write_char(c),
        0..0x80 => write!(out, "\\x{code:02x}"),
        _ if is_printable(c) => out.write_char(c),
        0x80..0x1_0000 => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// `str::escape_debug` treats only the first character of a text as if it had nothing to combine with, hence the `a`.
fn is_printable(c: char) -> bool {
    format!("a{c}").escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn text_is_quoted_as_go_does_it() {
        let table = [
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("it's \"x\" \\", r#""it's \"x\" \\""#),
            ("a\tb\nc\x07", r#""a\tb\nc\a""#),
            ("\x01\x7f", r#""\x01\x7f""#),
            ("é☺e\u{301}", "\"é☺e\u{301}\""),
            ("\u{a0}\u{200b}\u{10ffff}", r#""\u00a0\u200b\U0010ffff""#),
        ];
        for (text, expected) in table {
            assert_eq!(quoted(text), expected, "{text:?}");
        }
    }
}
