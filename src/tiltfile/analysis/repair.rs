//! Pure. Text that parses, as much like a document as its mistakes allow.
//!
//! A statement that does not parse alone is blotted out in place: every other byte keeps its offset, so the names that the rest of the
//! document defines are known while one line of it is being typed.

use starlark::syntax::AstModule;

use crate::tiltfile::analysis::tokens::{Kind, Statement, Token};
use crate::tiltfile::loader::DIALECT;
use crate::tiltfile::source::Source;

/// A text in the parser's and in the user's form.
pub struct Parsed {
    pub source: Source,
    pub ast: AstModule,
}

/// Parses a text; nothing if it cannot be done.
pub fn parse(text: &str) -> Option<Parsed> {
    let source = Source::new(text).ok()?;
    let ast = AstModule::parse("", source.rewritten.clone(), &DIALECT).ok()?;
    Some(Parsed { source, ast })
}

/// Parses what is left of a text when its mistakes are blotted out.
pub fn parse_repaired(text: &str, tokens: &[Token], statements: &[Statement]) -> Option<Parsed> {
    let mut bytes = text.as_bytes().to_vec();
    for (index, statement) in statements.iter().enumerate() {
        let own = &tokens[statement.tokens.clone()];
        if !stands_alone(text, own) {
            let opens_block = statements
                .get(index + 1)
                .is_some_and(|next| next.indent > statement.indent);
            blot(&mut bytes, text, own, opens_block);
        }
    }
    let repaired = String::from_utf8(bytes).ok()?;
    parse(&repaired).or_else(|| parse_top_blocks(repaired, tokens, statements))
}

/// The last resort: statements of the top level stay only if they and their blocks parse.
fn parse_top_blocks(text: String, tokens: &[Token], statements: &[Statement]) -> Option<Parsed> {
    let mut bytes = text.as_bytes().to_vec();
    let tops: Vec<usize> = statements
        .iter()
        .filter(|s| s.indent == 0)
        .map(|s| tokens[s.tokens.start].start)
        .collect();
    let mut start = 0;
    for end in tops.into_iter().chain([text.len()]) {
        let continues = ["else", "elif"].iter().any(|word| text[end..].starts_with(word));
        if continues {
            continue;
        }
        if parse(&text[start..end]).is_none() {
            blank(&mut bytes[start..end]);
        }
        start = end;
    }
    parse(&String::from_utf8(bytes).ok()?)
}

fn stands_alone(text: &str, tokens: &[Token]) -> bool {
    let (Some(first), Some(last)) = (tokens.first(), tokens.iter().rfind(|t| t.kind != Kind::Comment)) else {
        return true;
    };
    let written = &text[first.start..last.end];
    let opens = last.is(text, ":");
    let body = if opens { " pass" } else { "" };
    let around = match first.of(text) {
        "load" => String::new(),
        "else" | "elif" => "def f():\n  for x in y:\n    if x: pass\n    ".to_owned(),
        _ => "def f():\n  for x in y:\n    ".to_owned(),
    };
    parse(&format!("{around}{written}{body}\n")).is_some()
}

/// Overwrites a statement with one that means nothing, of the same length and with the same line breaks.
fn blot(bytes: &mut [u8], text: &str, tokens: &[Token], opens_block: bool) {
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
        return;
    };
    let stays_bound = tokens.len() > 2 && first.kind == Kind::Word && tokens[1].is(text, "=");
    let kept = if stays_bound { tokens[1].end } else { first.start };
    let hole = &mut bytes[kept..last.end];
    blank(hole);
    let filling: &[u8] = if opens_block && !stays_bound { b"if 0:" } else { b"0" };
    if let Some(place) = hole.get_mut(..filling.len()) {
        place.copy_from_slice(filling);
    }
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// What can still be known of a text with mistakes, from its tokens.
pub fn parse_leniently(text: &str, tokens: &[Token], statements: &[Statement]) -> Option<Parsed> {
    parse(text).or_else(|| parse_repaired(text, tokens, statements))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiltfile::analysis::tokens;

    fn lenient(text: &str) -> Option<Parsed> {
        let tokens = tokens::tokens(text);
        parse_leniently(text, &tokens, &tokens::statements(text, &tokens))
    }

    fn repaired(text: &str) -> String {
        let parsed = lenient(text).expect("some text that parses");
        assert_eq!(parsed.source.original.len(), text.len());
        parsed
            .source
            .original
            .lines()
            .map(str::trim_end)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn only_the_statement_with_the_mistake_goes() {
        let table = [
            ("a = 1\nos.\nb = 2", "a = 1\n0\nb = 2"),
            ("docker_build('x', \nb = 2", "0\nb = 2"),
            (
                "def f(a):\n  x = 1\n  x.\n  return x\n",
                "def f(a):\n  x = 1\n  0\n  return x",
            ),
            ("if a.:\n  b = 1\nelse:\n  c = 1", "if 0:\n  b = 1\nelse:\n  c = 1"),
            ("x = foo(\ny = 1", "x =0\ny = 1"),
            ("s = 'abc\ny = 1", "s =0\ny = 1"),
            ("load('x', \ny = 1", "0\ny = 1"),
            ("return 1\ny = 1", "\ny = 1"),
            ("def f(:\n  x = 1\ny = 1", "0\n\ny = 1"),
            ("é = 'ü\ny = 1", "\ny = 1"),
        ];
        for (text, expected) in table {
            assert_eq!(repaired(text), expected, "{text}");
        }
    }

    #[test]
    fn whatever_is_typed_something_parses() {
        let text = "load('./x', 'y')\ndef f(a, b=[1, 2]):\n  '''doc'''\n  for i in a:\n    print(i)\n\nf(b={'k': \"v\"}, a=[x for x in y])\nwhile a:\n\tbreak\n";
        for end in 0..=text.len() {
            let part = &text[..end];
            assert!(lenient(part).is_some(), "{part:?}");
        }
    }
}
