//! Pure. Points in time as Kubernetes and the API write them: RFC 3339 in UTC, to the second or to the microsecond.

use std::time::Duration;

use crate::model::yaml::days_in_month;

/// Go's complaint about a time it cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parsing time {text:?} as {layout:?}: cannot parse {text:?} as \"2006\"")]
pub struct Malformed {
    text: Box<str>,
    layout: &'static str,
}

/// A time as `metav1.Time` prints it; a fraction of a second is cut off.
pub fn canonical(text: &str) -> Result<String, Malformed> {
    let moment = parse(text).ok_or_else(|| malformed(text, "2006-01-02T15:04:05Z07:00"))?;
    Ok(format!("{}Z", moment.seconds_text()))
}

/// A time as `metav1.MicroTime` prints it.
pub fn canonical_micro(text: &str) -> Result<String, Malformed> {
    let moment = parse(text).ok_or_else(|| malformed(text, "2006-01-02T15:04:05.000000Z07:00"))?;
    Ok(format!("{}.{:06}Z", moment.seconds_text(), moment.micros))
}

/// Seconds since 1970, as `metav1.Time` prints them.
pub fn of_seconds(seconds: i64) -> String {
    format!("{}Z", Moment::of_seconds(seconds).seconds_text())
}

/// A point in time: microseconds since 1970, UTC. It enters as data; only `world/clock` knows what time it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    pub const fn from_micros(micros: i64) -> Time {
        Time(micros)
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    /// What `metav1.Time` and `metav1.MicroTime` print.
    pub fn parse(text: &str) -> Option<Time> {
        let moment = parse(text)?;
        let minutes = moment.minutes - days_before(1970, 1, 1) * 1440;
        Some(Time(
            (minutes * 60 + i64::from(moment.second)) * 1_000_000 + i64::from(moment.micros),
        ))
    }

    /// As `metav1.Time` prints it: to the second.
    pub fn to_seconds_text(self) -> String {
        of_seconds(self.0.div_euclid(1_000_000))
    }

    /// As `metav1.MicroTime` prints it.
    pub fn to_micros_text(self) -> String {
        let moment = Moment::of_seconds(self.0.div_euclid(1_000_000));
        format!("{}.{:06}Z", moment.seconds_text(), self.0.rem_euclid(1_000_000))
    }

    /// How long ago `earlier` was; nothing if it lies ahead, as it may when somebody sets the clock.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or_default())
    }
}

impl std::ops::Add<Duration> for Time {
    type Output = Time;

    fn add(self, later: Duration) -> Time {
        Time(
            self.0
                .saturating_add(i64::try_from(later.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

/// Microseconds since 1970, to the microsecond.
pub fn of_micros(micros: i64) -> String {
    let seconds = of_seconds(micros.div_euclid(1_000_000));
    format!("{}.{:06}Z", seconds.trim_end_matches('Z'), micros.rem_euclid(1_000_000))
}

fn malformed(text: &str, layout: &'static str) -> Malformed {
    Malformed {
        text: text.into(),
        layout,
    }
}

struct Moment {
    /// Since the year 0 in the proleptic Gregorian calendar, UTC.
    minutes: i64,
    second: u32,
    micros: u32,
}

impl Moment {
    fn of_seconds(seconds: i64) -> Moment {
        Moment {
            minutes: days_before(1970, 1, 1) * 1440 + seconds.div_euclid(60),
            second: seconds.rem_euclid(60) as u32,
            micros: 0,
        }
    }

    fn seconds_text(&self) -> String {
        let (year, month, day) = date_of(self.minutes.div_euclid(1440));
        let minute = self.minutes.rem_euclid(1440);
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
            minute / 60,
            minute % 60,
            self.second
        )
    }
}

fn parse(text: &str) -> Option<Moment> {
    let fixed = text.get(..19)?;
    let separators: Vec<u8> = [4, 7, 10, 13, 16].iter().map(|at| fixed.as_bytes()[*at]).collect();
    let number = |range: std::ops::Range<usize>, allowed: std::ops::RangeInclusive<u32>| {
        let digits = fixed
            .get(range)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
        digits.parse::<u32>().ok().filter(|value| allowed.contains(value))
    };
    if separators != *b"--T::" {
        return None;
    }
    let (year, month) = (number(0..4, 0..=9999)?, number(5..7, 1..=12)?);
    let day = number(8..10, 1..=days_in_month(year, month))?;
    let (hour, minute, second) = (
        number(11..13, 0..=23)?,
        number(14..16, 0..=59)?,
        number(17..19, 0..=59)?,
    );
    let (micros, zone) = fraction(&text[19..])?;
    let minutes = days_before(year, month, day) * 1440 + i64::from(hour * 60 + minute) - offset(zone)?;
    Some(Moment {
        minutes,
        second,
        micros,
    })
}

fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(digits) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let micros = format!("{:0<6.6}", &digits[..length]).parse().ok()?;
    (length > 0).then_some((micros, &digits[length..]))
}

/// Minutes east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.strip_prefix(['+', '-'])?.split_once(':')?;
    let two_digits = |text: &str| {
        (text.len() == 2)
            .then(|| text.parse::<u8>().ok())
            .flatten()
            .map(i64::from)
    };
    Some(sign * (two_digits(hours)? * 60 + two_digits(minutes)?))
}

fn days_before(year: u32, month: u32, day: u32) -> i64 {
    let earlier = i64::from(year) - 1;
    let years = earlier * 365 + earlier.div_euclid(4) - earlier.div_euclid(100) + earlier.div_euclid(400);
    let months: u32 = (1..month).map(|month| days_in_month(year, month)).sum();
    years + i64::from(months + day - 1)
}

fn date_of(day: i64) -> (i64, u32, i64) {
    // 400 years have 146,097 days: a guess from that is at most a year off.
    let mut year = (day * 400).div_euclid(146_097) as u32 + 2;
    while year > 0 && days_before(year, 1, 1) > day {
        year -= 1;
    }
    let mut month = 12;
    while days_before(year, month, 1) > day {
        month -= 1;
    }
    (i64::from(year), month, day - days_before(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_in_utc() {
        let table = [
            ("2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z"),
            ("2020-01-02T03:04:05.999Z", "2020-01-02T03:04:05Z"),
            ("2020-01-01T00:30:00+01:00", "2019-12-31T23:30:00Z"),
            ("2020-02-28T23:30:00-01:00", "2020-02-29T00:30:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ];
        for (text, expected) in table {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(
            canonical_micro("2020-01-02T03:04:05.1234567Z").as_deref(),
            Ok("2020-01-02T03:04:05.123456Z")
        );
    }

    #[test]
    fn seconds_count_from_1970() {
        assert_eq!(of_seconds(0), "1970-01-01T00:00:00Z");
        assert_eq!(of_seconds(1_795_244_975), "2026-11-21T07:09:35Z");
    }

    #[test]
    fn a_point_in_time_prints_and_parses_to_the_microsecond() {
        let time = Time::from_micros(1_795_244_975_000_042);
        assert_eq!(time.to_seconds_text(), "2026-11-21T07:09:35Z");
        assert_eq!(time.to_micros_text(), "2026-11-21T07:09:35.000042Z");
        assert_eq!(Time::parse(&time.to_micros_text()), Some(time));
        assert_eq!(Time::from_micros(-1).to_micros_text(), "1969-12-31T23:59:59.999999Z");
        assert_eq!((time + Duration::from_millis(3)).since(time), Duration::from_millis(3));
        assert_eq!(time.since(time + Duration::from_secs(1)), Duration::ZERO);
    }

    #[test]
    fn microseconds_count_from_1970() {
        assert_eq!(of_micros(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(of_micros(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(of_micros(1_795_244_975_201_381), "2026-11-21T07:09:35.201381Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2020-01-02",
            "2020-13-02T03:04:05Z",
            "2021-02-29T00:00:00Z",
            "2020-01-02T03:04:05",
            "2020-01-02T03:04:05é",
        ] {
            assert!(canonical(text).is_err(), "{text}");
        }
    }
}
