//! Pure. Durations as Go reads and prints them: `1m30s`, `1.5h`, `-2ms`. They are the notation of settings and objects.

use std::fmt;
use thiserror::Error;

/// A number of nanoseconds, negative ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DurationError {
    #[error("time: invalid duration {}", quoted(text))]
    Invalid { text: String },
    #[error("time: missing unit in duration {}", quoted(text))]
    MissingUnit { text: String },
    #[error("time: unknown unit {} in duration {}", quoted(unit), quoted(text))]
    UnknownUnit { unit: String, text: String },
}

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000 * MICROSECOND;
const SECOND: u64 = 1_000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The largest magnitude: that of the most negative duration.
const LIMIT: u64 = i64::MIN.unsigned_abs();

impl Duration {
    pub const ZERO: Duration = Duration(0);

    pub const fn from_nanos(nanos: i64) -> Duration {
        Duration(nanos)
    }

    pub const fn from_secs(secs: i64) -> Duration {
        Duration(secs.saturating_mul(SECOND as i64))
    }

    pub const fn from_mins(mins: i64) -> Duration {
        Duration(mins.saturating_mul(MINUTE as i64))
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds, the rest cut off.
    pub const fn secs(self) -> i64 {
        self.0 / SECOND as i64
    }

    /// As the standard library has it; nothing for a negative duration.
    pub fn to_std(self) -> Option<std::time::Duration> {
        let nanos = u64::try_from(self.0).ok()?;
        Some(std::time::Duration::from_nanos(nanos))
    }

    pub fn from_std(duration: std::time::Duration) -> Duration {
        Duration(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }

    pub fn parse(text: &str) -> Result<Duration, DurationError> {
        let negative = text.starts_with('-');
        let body = text.strip_prefix(['-', '+']).unwrap_or(text);
        if body == "0" {
            return Ok(Duration::ZERO);
        }
        let magnitude = magnitude(body).map_err(|fault| fault.of(text))?;
        let nanos = if negative {
            0_i64.checked_sub_unsigned(magnitude)
        } else {
            0_i64.checked_add_unsigned(magnitude)
        };
        nanos.map(Duration).ok_or_else(|| Fault::Invalid.of(text))
    }
}

/// What is wrong with a text, before it is known which text.
enum Fault<'a> {
    Invalid,
    MissingUnit,
    UnknownUnit(&'a str),
}

impl Fault<'_> {
    fn of(self, text: &str) -> DurationError {
        let text = text.to_owned();
        match self {
            Fault::Invalid => DurationError::Invalid { text },
            Fault::MissingUnit => DurationError::MissingUnit { text },
            Fault::UnknownUnit(unit) => DurationError::UnknownUnit {
                unit: unit.to_owned(),
                text,
            },
        }
    }
}

fn magnitude(body: &str) -> Result<u64, Fault<'_>> {
    if body.is_empty() {
        return Err(Fault::Invalid);
    }
    let mut rest = body;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (part, after) = one_part(rest)?;
        total = total.checked_add(part).ok_or(Fault::Invalid)?;
        if total > LIMIT {
            return Err(Fault::Invalid);
        }
        rest = after;
    }
    Ok(total)
}

/// Reads a number with its unit.
fn one_part(text: &str) -> Result<(u64, &str), Fault<'_>> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(Fault::Invalid);
    }
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit());
    let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
    if name.is_empty() {
        return Err(Fault::MissingUnit);
    }
    let unit = unit(name).ok_or(Fault::UnknownUnit(name))?;
    let value = whole_part(whole, unit)
        .and_then(|nanos| nanos.checked_add(fraction_part(fraction, unit)))
        .ok_or(Fault::Invalid)?;
    Ok((value, rest))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

fn unit(name: &str) -> Option<u64> {
    Some(match name {
        "ns" => 1,
        // The micro sign and the Greek letter mu look alike.
        "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    })
}

fn whole_part(digits: &str, unit: u64) -> Option<u64> {
    if digits.is_empty() {
        return Some(0);
    }
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// The value of the digits behind a point. In floating point, as Go does it: then a third of an hour is twenty minutes.
fn fraction_part(digits: &str, unit: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0);
    for digit in digits.bytes() {
        let next = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(u64::from(digit - b'0')))
            .filter(|next| *next <= LIMIT);
        // Digits that do not fit are too small to matter.
        let Some(next) = next else { break };
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match nanos {
            0 => f.write_str("0s"),
            1..MICROSECOND => write!(f, "{nanos}ns"),
            MICROSECOND..MILLISECOND => write!(f, "{}µs", decimal(nanos, MICROSECOND)),
            MILLISECOND..SECOND => write!(f, "{}ms", decimal(nanos, MILLISECOND)),
            _ => write_clock(f, nanos),
        }
    }
}

fn write_clock(f: &mut fmt::Formatter<'_>, nanos: u64) -> fmt::Result {
    let (hours, minutes) = (nanos / HOUR, nanos % HOUR / MINUTE);
    if hours > 0 {
        write!(f, "{hours}h")?;
    }
    if hours > 0 || minutes > 0 {
        write!(f, "{minutes}m")?;
    }
    write!(f, "{}s", decimal(nanos % MINUTE, SECOND))
}

/// `nanos` in units of `unit`, with as many digits behind the point as it takes.
fn decimal(nanos: u64, unit: u64) -> String {
    let (whole, fraction) = (nanos / unit, nanos % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// Go's `time` has its own way of quoting: whatever is not plain ASCII is shown byte by byte.
fn quoted(text: &str) -> String {
    let shown = text.bytes().fold(String::new(), |mut shown, byte| {
        match byte {
            b'"' | b'\\' => shown.extend(['\\', char::from(byte)]),
            b' '..=b'~' => shown.push(char::from(byte)),
            _ => shown.push_str(&format!("\\x{byte:02x}")),
        }
        shown
    });
    format!("\"{shown}\"")
}

#[cfg(test)]
mod tests;
