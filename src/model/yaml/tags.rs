//! Pure. Finds tags that run into a comma, such as the one in `[!a,b]`, which the scanner of the YAML library panics at.
//!
//! Only a scanner knows whether a `!` begins a tag or stands in a text. So one scans the text with anchors put in the place of what
//! may be such a tag: they may stand in the same places, and within a text they are as harmless.

use libyaml_safer::{Encoding, Scanner, TokenData};

use super::Error;
use super::faults::{parser_error, syntax};

/// Refuses a text with a tag that is followed by a comma.
pub fn check(text: &str) -> Result<(), Error> {
    let Some(masked) = masked(text) else {
        return Ok(());
    };
    let mut bytes = masked.as_bytes();
    let mut scanner = Scanner::new();
    scanner.set_encoding(Encoding::Utf8);
    scanner.set_input_string(&mut bytes);
    for token in scanner {
        // The scanner reads ahead: what it complains of may stand behind the tag that it has not told us of yet.
        let token = token.map_err(|error| parser_error(&error))?;
        match token.data {
            TokenData::Anchor { value } if value == MARK => {
                return Err(syntax("did not find expected whitespace or line break"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The name of an anchor that nobody writes.
const MARK: &str = "-TAG-BEFORE-COMMA-";

/// The text with an anchor in front of a plain word for every tag with a comma behind it, or what would be one. None where there is
/// nothing of the kind.
fn masked(text: &str) -> Option<String> {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        // A directive defines what tags mean and holds none.
        while !line.starts_with('%')
            && let Some(at) = rest.find('!')
        {
            let behind = rest[at..].trim_start_matches('!');
            if behind_tag(behind).starts_with(',') {
                out.push_str(&format!("{}&{MARK} x", &rest[..at]));
            } else {
                out.push_str(&rest[..rest.len() - behind.len()]);
            }
            rest = behind;
        }
        out.push_str(rest);
    }
    // The scanner also panics where the text ends within a block.
    out.push('\n');
    out.contains(MARK).then_some(out)
}

/// What follows a tag whose exclamation marks were read already.
fn behind_tag(text: &str) -> &str {
    if let Some((_, behind)) = text.strip_prefix('<').and_then(|verbatim| verbatim.split_once('>')) {
        return behind;
    }
    text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "-_;/?:@&=+$.%!~*'()".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tags_are_found() {
        for text in [
            "[!a,b]",
            "[!!str,b]",
            "[!,b]",
            "{!a,b: 1}",
            "[!<a>,b]",
            "[!<a,b>,c]",
            "[!a'b,c]",
            "['x!', !a,b]",
            "[&x !a,b]",
            "a: [b, !c!d%20,e]",
            "- !a b\n- [ !c,\n d]",
            "\"x\\\"\": [!a,b]",
            "!!str [a\n{!,b}]",
            "[!'a,b]",
            "{!, !<",
            "[!a'b 'c', !!d,e]",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
        for text in [
            "[!a ,b]",
            "Hello!, world",
            "a: 'see [!b,c]'",
            "a: \"[!b,c]\"",
            "a: |\n  [!b,c]",
            "# [!a,b]",
            "[a!,b]",
            "[a !b,c]",
            "%TAG ! !x,\n---\na: !b c",
            "a: [b, 'it''s !c, d']",
            "!!map {a: !b 'c!', d: e}",
            "",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }
}
