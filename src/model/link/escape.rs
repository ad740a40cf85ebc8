//! Pure. Percent-encoding: which bytes are encoded in which part of a URL, and the way back.

use crate::model::quote::quoted;
use std::fmt::Write;
use thiserror::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Path,
    Host,
    /// The part of an IPv6 host behind `%25`.
    Zone,
    User,
    Fragment,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EscapeError {
    #[error("invalid URL escape {}", quoted(text))]
    Malformed { text: String },
    #[error("invalid character {} in host name", quoted(text))]
    InHost { text: String },
}

/// Bytes that may stand for themselves in a host, besides those that may everywhere.
const IN_HOST: &[u8] = b"!$&'()*+,;=:[]<>\"";

fn must_escape(byte: u8, part: Part) -> bool {
    let in_host = matches!(part, Part::Host | Part::Zone);
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => false,
        _ if in_host && IN_HOST.contains(&byte) => false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match part {
            Part::Path => byte == b'?',
            Part::User => matches!(byte, b'@' | b'/' | b'?' | b':'),
            Part::Fragment => false,
            Part::Host | Part::Zone => true,
        },
        b'!' | b'(' | b')' | b'*' => part != Part::Fragment,
        _ => true,
    }
}

pub fn escaped(text: &str, part: Part) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if must_escape(byte, part) {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        } else {
            out.push(char::from(byte));
        }
        out
    })
}

/// Whether `text` may stand in a URL as it is.
pub fn is_valid_encoded(text: &str, part: Part) -> bool {
    let always = |byte: u8| b"!$&'()*+,;=:@[]%".contains(&byte);
    text.bytes().all(|byte| always(byte) || !must_escape(byte, part))
}

/// The decoded text; what decodes to no UTF-8 is replaced, as it could not be shown anyway.
pub fn unescaped(text: &str, part: Part) -> Result<String, EscapeError> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        if byte == b'%' {
            out.push(escape_at(text, at, part)?);
            at += 3;
            continue;
        }
        let in_host = matches!(part, Part::Host | Part::Zone);
        if in_host && byte.is_ascii() && must_escape(byte, part) {
            let text = char::from(byte).to_string();
            return Err(EscapeError::InHost { text });
        }
        out.push(byte);
        at += 1;
    }
    Ok(String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn escape_at(text: &str, at: usize, part: Part) -> Result<u8, EscapeError> {
    let rest = &text.as_bytes()[at..];
    let shown = &rest[..rest.len().min(3)];
    let malformed = || EscapeError::Malformed {
        text: String::from_utf8_lossy(shown).into_owned(),
    };
    let [_, high, low] = shown else {
        return Err(malformed());
    };
    let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
        return Err(malformed());
    };
    let byte = high * 16 + low;
    // Hosts may only hold encoded bytes outside ASCII; behind a zone's mark a few more make sense.
    let allowed = match part {
        Part::Host => byte == b'%' || !byte.is_ascii(),
        Part::Zone => byte == b'%' || byte == b' ' || !must_escape(byte, Part::Host),
        _ => true,
    };
    if allowed { Ok(byte) } else { Err(malformed()) }
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}
