//! Pure. What an unquoted scalar means: Go's yaml v2 rules, which are YAML 1.1 with a few words and numbers more.

use crate::model::tree::Tree;

/// A scalar before it became JSON data.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Float(f64),
    Timestamp,
    /// Only ever by an explicit tag: base64 of the text meant.
    Binary,
    Text,
}

/// What a plain scalar means. `Timestamp` and `Text` both stay text; they differ in whether a writer must quote them.
pub fn plain(text: &str) -> Scalar {
    let Some(&first) = text.as_bytes().first() else {
        return Scalar::Null;
    };
    match first {
        b'+' | b'-' | b'0'..=b'9' => sign_or_digit(text),
        b'.' => word(text).or_else(|| float(text)).unwrap_or(Scalar::Text),
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => {
            word(text).unwrap_or(Scalar::Text)
        }
        _ => Scalar::Text,
    }
}

fn word(text: &str) -> Option<Scalar> {
    Some(match text {
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        _ => return None,
    })
}

fn sign_or_digit(text: &str) -> Scalar {
    if let Some(scalar) = word(text) {
        return scalar;
    }
    if is_timestamp(text) {
        return Scalar::Timestamp;
    }
    let digits: std::borrow::Cow<str> = match text.contains('_') {
        true => text.replace('_', "").into(),
        false => text.into(),
    };
    integer(&digits)
        .or_else(|| decimal_float(&digits))
        .unwrap_or(Scalar::Text)
}

/// Integers in base 2, 8 (`0o17` or `017`), 10 and 16, as far as 64 bits go.
fn integer(text: &str) -> Option<Scalar> {
    let (negative, unsigned) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, radix) = radix_of(unsigned);
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(magnitude).map(Scalar::Int);
    }
    match i64::try_from(magnitude) {
        Ok(value) => Some(Scalar::Int(value)),
        // Go's parser of unsigned numbers takes no sign.
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Scalar::Unsigned(magnitude)),
    }
}

fn radix_of(digits: &str) -> (&str, u32) {
    let bytes = digits.as_bytes();
    if bytes.len() < 2 || bytes[0] != b'0' {
        return (digits, 10);
    }
    match bytes[1] {
        b'x' | b'X' => (&digits[2..], 16),
        b'b' | b'B' => (&digits[2..], 2),
        b'o' | b'O' => (&digits[2..], 8),
        _ => (&digits[1..], 8),
    }
}

/// Floats of digits, a point and an exponent, nothing fancier: what is left of `08` is one too.
fn decimal_float(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mantissa_end = unsigned.find(['e', 'E']).unwrap_or(unsigned.len());
    let (mantissa, exponent) = unsigned.split_at(mantissa_end);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    let exponent_digits = exponent.get(1..).map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
    let exponent_fine = exponent_digits.is_none_or(|digits| !digits.is_empty() && all_digits(digits));
    (has_digits && all_digits(whole) && all_digits(fraction) && exponent_fine).then(|| float(text))?
}

/// Any float Go's own parser takes after a point; beyond the range of a float there is none.
fn float(text: &str) -> Option<Scalar> {
    text.parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
        .map(Scalar::Float)
}

/// A date, alone or with a time of day: Go's yaml reads it as text but quotes text that looks like it.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let mut cursor = Cursor(&text[5..]);
    let year: u32 = text[..4].parse().unwrap_or(0);
    let Some(month) = cursor.number(1..=12) else {
        return false;
    };
    if !cursor.take('-') || cursor.number(1..=days_in_month(year, month)).is_none() {
        return false;
    }
    if cursor.0.is_empty() {
        return true;
    }
    if cursor.take('T') || cursor.take('t') {
        return cursor.time_of_day() && cursor.zone() && cursor.0.is_empty();
    }
    cursor.take(' ') && cursor.time_of_day() && cursor.0.is_empty()
}

/// Days of a month of the Gregorian calendar, counted from one.
pub fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn take(&mut self, wanted: char) -> bool {
        let rest = self.0.strip_prefix(wanted);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// One or two digits within a range.
    fn number(&mut self, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let length = self.0.bytes().take(2).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        digits.parse().ok().filter(|value| range.contains(value))
    }

    fn time_of_day(&mut self) -> bool {
        self.number(0..=23).is_some()
            && self.take(':')
            && self.number(0..=59).is_some()
            && self.take(':')
            && self.number(0..=59).is_some()
            && self.fraction()
    }

    fn fraction(&mut self) -> bool {
        if !self.take('.') {
            return true;
        }
        let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
        self.0 = &self.0[length..];
        length > 0
    }

    fn zone(&mut self) -> bool {
        self.take('Z') || {
            let bytes = self.0.as_bytes();
            let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
            let zone =
                bytes.len() == 6 && matches!(bytes[0], b'+' | b'-') && digits(1..3) && bytes[3] == b':' && digits(4..6);
            self.0 = if zone { "" } else { self.0 };
            zone
        }
    }
}

/// The number JSON has for a float, or none: JSON writes `3.0` as `3`, and who reads that gets an integer.
pub fn json_number(value: f64) -> Option<Tree> {
    const EXACT: f64 = 9_223_372_036_854_775_808.0;
    if !value.is_finite() {
        return None;
    }
    if value.fract() != 0.0 || value.abs() >= 1e21 {
        return Some(Tree::Float(value));
    }
    Some(match value {
        0.0 => Tree::Int(0),
        _ if (-EXACT..EXACT).contains(&value) => Tree::Int(value as i64),
        _ if (0.0..EXACT * 2.0).contains(&value) => Tree::Big((value as u64).to_string().into()),
        _ => Tree::Float(value),
    })
}

/// Base 60 numbers of YAML 1.1 (`12:30`): text here, but quoted for the sake of other readers.
pub fn looks_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let mut parts = unsigned.split(':');
    let first_fine = parts
        .next()
        .is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit() || b == b'_'));
    let rest: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest.split_last() else {
        return false;
    };
    let (last, fraction) = last.split_once('.').unwrap_or((last, ""));
    let sixtieth = |part: &str| match part.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [tens, digit] => (b'0'..=b'5').contains(tens) && digit.is_ascii_digit(),
        _ => false,
    };
    first_fine
        && middle.iter().copied().all(sixtieth)
        && sixtieth(last)
        && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_resolve_as_in_go_yaml_v2() {
        use Scalar::*;
        let table: &[(&str, Scalar)] = &[
            ("", Null),
            ("~", Null),
            ("null", Null),
            ("NULL", Null),
            ("nULL", Text),
            ("nil", Text),
            ("y", Bool(true)),
            ("Yes", Bool(true)),
            ("on", Bool(true)),
            ("TRUE", Bool(true)),
            ("yES", Text),
            ("n", Bool(false)),
            ("No", Bool(false)),
            ("OFF", Bool(false)),
            ("false", Bool(false)),
            ("0", Int(0)),
            ("-0", Int(0)),
            ("+12", Int(12)),
            ("1_000", Int(1000)),
            ("010", Int(8)),
            ("0o17", Int(15)),
            ("0x1F", Int(31)),
            ("-0x1f", Int(-31)),
            ("0b101", Int(5)),
            ("-0b11", Int(-3)),
            ("0X_1", Int(1)),
            ("08", Float(8.0)),
            ("09.5", Float(9.5)),
            ("0x", Text),
            ("0b2", Text),
            ("-", Text),
            ("+", Text),
            ("--1", Text),
            ("9223372036854775807", Int(i64::MAX)),
            ("-9223372036854775808", Int(i64::MIN)),
            ("9223372036854775808", Unsigned(1 << 63)),
            ("18446744073709551616", Float(18446744073709551616.0)),
            ("1.5", Float(1.5)),
            ("1.", Float(1.0)),
            (".5", Float(0.5)),
            ("-.5", Float(-0.5)),
            ("1e3", Float(1000.0)),
            ("1E-2", Float(0.01)),
            ("1e", Text),
            ("1e999", Text),
            ("1.2.3", Text),
            (".", Text),
            ("..", Text),
            ("1.5x", Text),
            (".inf", Float(f64::INFINITY)),
            ("-.INF", Float(f64::NEG_INFINITY)),
            ("+.inf", Float(f64::INFINITY)),
            ("inf", Text),
            ("nan", Text),
            ("infinity", Text),
            ("2001-01-02", Timestamp),
            ("2001-1-2", Timestamp),
            ("2001-13-02", Text),
            ("2001-02-29", Text),
            ("2001-01-02T03:04:05Z", Timestamp),
            ("2001-01-02t03:04:05.5+01:00", Timestamp),
            ("2001-01-02 03:04:05", Timestamp),
            ("2001-01-02 03:04", Text),
            ("12:30:45", Text),
            ("80:8000", Text),
            ("1Gi", Text),
            ("100m", Text),
            ("=", Text),
            ("<<", Text),
            ("yes please", Text),
        ];
        for (text, expected) in table {
            assert_eq!(plain(text), *expected, "{text:?}");
        }
        assert!(matches!(plain(".nan"), Float(value) if value.is_nan()));
    }

    #[test]
    fn json_has_no_integral_floats_and_nothing_infinite() {
        assert_eq!(json_number(3.0), Some(Tree::Int(3)));
        assert_eq!(json_number(-0.0), Some(Tree::Int(0)));
        assert_eq!(json_number(1e19), Some(Tree::Big("10000000000000000000".into())));
        assert_eq!(json_number(1e20), Some(Tree::Float(1e20)));
        assert_eq!(json_number(1e21), Some(Tree::Float(1e21)));
        assert_eq!(json_number(0.5), Some(Tree::Float(0.5)));
        assert_eq!(json_number(f64::NAN), None);
        assert_eq!(json_number(f64::NEG_INFINITY), None);
    }

    #[test]
    fn times_of_day_look_like_base_60() {
        for text in ["12:30", "1:2:3.5", "-1:30", "+190:20:30", "1_0:00"] {
            assert!(looks_base_60(text), "{text}");
        }
        for text in ["80:8000", "a:1", "1:", ":1", "12", "1:60", "1:2:3:x"] {
            assert!(!looks_base_60(text), "{text}");
        }
    }
}
