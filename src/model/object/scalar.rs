//! Pure. Durations and times as their texts: read as Go reads them, written as the API writes them.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use thiserror::Error;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ScalarError {
    #[error("time: invalid duration {0:?}")]
    Duration(String),
    #[error("time: missing unit in duration {0:?}, for example `30s`")]
    MissingUnit(String),
    #[error("time: unknown unit {unit:?} in duration {text:?}, expected ns, us, ms, s, m or h")]
    UnknownUnit { unit: String, text: String },
    #[error("expected an RFC 3339 time such as `2006-01-02T15:04:05Z`, got {0:?}")]
    Time(String),
}

const SECOND: i128 = 1_000_000_000;

/// `90s` → `1m30s`: any duration that Go's `time.ParseDuration` reads, in the one form that it prints.
pub fn duration(text: &str) -> Result<String, ScalarError> {
    Ok(show_duration(parse_duration(text)?))
}

fn parse_duration(text: &str) -> Result<i64, ScalarError> {
    static PART: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^(\d*)(?:\.(\d*))?([^\d.]*)").expect("this pattern is valid"));
    let invalid = || ScalarError::Duration(text.to_owned());
    let (negative, mut rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut nanos: i128 = 0;
    while !rest.is_empty() {
        let part = PART.captures(rest).ok_or_else(invalid)?;
        nanos = nanos.saturating_add(duration_part(&part, text)?);
        rest = &rest[part[0].len()..];
    }
    i64::try_from(if negative { -nanos } else { nanos }).map_err(|_| invalid())
}

/// One number and its unit, in nanoseconds.
fn duration_part(part: &Captures, text: &str) -> Result<i128, ScalarError> {
    let invalid = || ScalarError::Duration(text.to_owned());
    let (whole, fraction) = (&part[1], part.get(2).map_or("", |digits| digits.as_str()));
    if whole.is_empty() && fraction.is_empty() {
        return Err(invalid());
    }
    let unit = match &part[3] {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        "" => return Err(ScalarError::MissingUnit(text.to_owned())),
        unit => {
            return Err(ScalarError::UnknownUnit {
                unit: unit.to_owned(),
                text: text.to_owned(),
            });
        }
    };
    let number = |digits: &str| format!("0{digits}").parse::<i128>().map_err(|_| invalid());
    // Nanoseconds of an hour have 13 digits, so no further digit of a fraction can count.
    let fraction = &fraction[..fraction.len().min(18)];
    let below_one = number(fraction)? * unit / 10_i128.pow(fraction.len() as u32);
    Ok(number(whole)?.saturating_mul(unit).saturating_add(below_one))
}

fn show_duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let all = i128::from(nanos).abs();
    if all == 0 {
        return "0s".into();
    }
    if all < SECOND {
        let (unit, name) = [(1_000_000, "ms"), (1_000, "µs"), (1, "ns")]
            .into_iter()
            .find(|(unit, _)| all >= *unit)
            .expect("a duration that is not zero has at least one nanosecond");
        return format!("{sign}{}{name}", decimal(all, unit));
    }
    let (hours, minutes) = (all / (3600 * SECOND), all / (60 * SECOND) % 60);
    let seconds = decimal(all % (60 * SECOND), SECOND);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// `amount / unit` in decimal digits, exactly; the unit is a power of ten.
fn decimal(amount: i128, unit: i128) -> String {
    let digits = unit.ilog10() as usize;
    let fraction = format!("{:0digits$}", amount % unit);
    match fraction.trim_end_matches('0') {
        "" => format!("{}", amount / unit),
        fraction => format!("{}.{fraction}", amount / unit),
    }
}

/// An RFC 3339 time in UTC and whole seconds, as Kubernetes' `Time` is written.
pub fn time(text: &str) -> Result<String, ScalarError> {
    static RFC_3339: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$")
            .expect("this pattern is valid")
    });
    let parts = RFC_3339
        .captures(text)
        .ok_or_else(|| ScalarError::Time(text.to_owned()))?;
    seconds(&parts)
        .map(show_seconds)
        .ok_or_else(|| ScalarError::Time(text.to_owned()))
}

/// Seconds since 1970 in UTC, if every part is in its range.
fn seconds(parts: &Captures) -> Option<i64> {
    let number = |i: usize| {
        parts
            .get(i)
            .map_or(0, |digits| digits.as_str().parse::<i64>().unwrap_or(i64::MAX))
    };
    let (year, month, day) = (number(1), number(2), number(3));
    let (hour, minute, second) = (number(4), number(5), number(6));
    let (offset_hours, offset_minutes) = (number(8), number(9));
    let in_range = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && [
            (hour, 24),
            (minute, 60),
            (second, 60),
            (offset_hours, 24),
            (offset_minutes, 60),
        ]
        .iter()
        .all(|(value, limit)| value < limit);
    let east = if parts.get(7).is_some_and(|sign| sign.as_str() == "-") {
        -1
    } else {
        1
    };
    let local = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    in_range.then_some(local - east * (offset_hours * 60 + offset_minutes) * 60)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_before_year(year: i64) -> i64 {
    let past = year - 1;
    past * 365 + past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400)
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before_month: i64 = (1..month.min(13)).map(|month| days_in_month(year, month)).sum();
    days_before_year(year) - days_before_year(1970) + before_month + day - 1
}

/// Seconds since 1970 as RFC 3339, in UTC.
pub fn show_seconds(seconds: i64) -> String {
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Never too early a year: forwards no year is shorter than 365 days, backwards none is longer than 366.
    let mut year = 1970 + days.div_euclid(if days < 0 { 366 } else { 365 });
    while days_since_1970(year, 1, 1) > days {
        year -= 1;
    }
    let (mut month, mut day) = (1, days - days_since_1970(year, 1, 1) + 1);
    while day > days_in_month(year, month) {
        day -= days_in_month(year, month);
        month += 1;
    }
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_go_writes_them() {
        for (given, written) in [
            ("30s", "30s"),
            ("90s", "1m30s"),
            ("1h", "1h0m0s"),
            ("1.5h", "1h30m0s"),
            ("1h2m3.5s", "1h2m3.5s"),
            ("300ms", "300ms"),
            ("1.5ms", "1.5ms"),
            ("2us", "2µs"),
            ("7ns", "7ns"),
            (".5s", "500ms"),
            ("1.s", "1s"),
            ("-5m", "-5m0s"),
            ("0", "0s"),
            ("0s", "0s"),
        ] {
            assert_eq!(duration(given).as_deref(), Ok(written), "{given}");
        }
    }

    #[test]
    fn a_text_that_is_no_duration_says_why() {
        for (given, message) in [
            ("", r#"time: invalid duration """#),
            ("-", r#"time: invalid duration "-""#),
            ("soon", r#"time: invalid duration "soon""#),
            (".s", r#"time: invalid duration ".s""#),
            ("9999999999h", r#"time: invalid duration "9999999999h""#),
            (
                "99999999999999999999999999999999999999999s",
                r#"time: invalid duration "99999999999999999999999999999999999999999s""#,
            ),
            ("30", r#"time: missing unit in duration "30", for example `30s`"#),
            (
                "3 days",
                r#"time: unknown unit " days" in duration "3 days", expected ns, us, ms, s, m or h"#,
            ),
        ] {
            assert_eq!(duration(given).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn times_are_written_in_utc_and_whole_seconds() {
        for (given, written) in [
            ("2026-11-21T07:11:40Z", "2026-11-21T07:11:40Z"),
            ("2026-11-21T07:11:40.123456Z", "2026-11-21T07:11:40Z"),
            ("2026-01-01T00:30:00+02:00", "2025-12-31T22:30:00Z"),
            ("2024-02-28T23:30:00-01:00", "2024-02-29T00:30:00Z"),
            ("2100-02-28T23:30:00-01:00", "2100-03-01T00:30:00Z"),
            ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(time(given).as_deref(), Ok(written), "{given}");
        }
    }

    #[test]
    fn a_text_that_is_no_time_is_shown_an_example() {
        for given in [
            "",
            "now",
            "2026-11-21",
            "2026-11-21 07:11:40Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
        ] {
            assert_eq!(
                time(given).unwrap_err().to_string(),
                format!("expected an RFC 3339 time such as `2006-01-02T15:04:05Z`, got {given:?}")
            );
        }
    }
}
