//! Pure. Finds tags that run into a comma, such as the one in `[!a,b]`, which the scanner of the YAML library panics at.
//!
//! Only a scanner knows whether a `!` begins a tag or stands in a text. So where it matters one scans the text with anchors in the
//! place of all tags: they may stand in the same places.

use std::collections::HashSet;

use libyaml_safer::{Encoding, Scanner, TokenData};

/// Whether a tag of the text is followed by a comma.
pub fn runs_into_comma(text: &str) -> bool {
    let Some(masked) = Masked::new(text) else {
        return false;
    };
    let mut bytes = masked.text.as_bytes();
    let mut scanner = Scanner::new();
    scanner.set_encoding(Encoding::Utf8);
    scanner.set_input_string(&mut bytes);
    let mut tokens = scanner.map_while(Result::ok);
    tokens.any(|token| matches!(&token.data, TokenData::Anchor { value } if masked.suspects.contains(value)))
}

/// A text with an anchor of its own name for every run of exclamation marks.
struct Masked {
    text: String,
    /// Names of those that would be tags with a comma behind them.
    suspects: HashSet<String>,
}

impl Masked {
    /// None where there is nothing to suspect.
    fn new(text: &str) -> Option<Masked> {
        let mut masked = Masked {
            text: String::with_capacity(text.len() * 2),
            suspects: HashSet::new(),
        };
        let mut count = 0;
        for line in text.split_inclusive('\n') {
            let mut rest = line;
            // A directive defines what tags mean and holds none.
            while !line.starts_with('%')
                && let Some(at) = rest.find('!')
            {
                let behind = rest[at..].trim_start_matches('!');
                let name = format!("TAG-{count}");
                count += 1;
                masked.text.push_str(&rest[..at]);
                masked.text.push_str(&format!("&{name} "));
                if behind_tag(behind).starts_with(',') {
                    masked.suspects.insert(name);
                }
                rest = behind;
            }
            masked.text.push_str(rest);
        }
        // The scanner also panics where the text ends within a block.
        masked.text.push('\n');
        (!masked.suspects.is_empty()).then_some(masked)
    }
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
        ] {
            assert!(runs_into_comma(text), "{text}");
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
            assert!(!runs_into_comma(text), "{text}");
        }
    }
}
