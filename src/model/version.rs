//! Pure. Semantic versions, and the ranges of them that `version_settings(constraint=…)` takes: `>=0.20.0 <1.0.0 || 2.x`.
//!
//! The notation and the messages are those of Go's blang/semver: a version needs all three numbers, an `x` at its end
//! stands for any.

use crate::model::quote::quoted;
use std::cmp::Ordering;
use std::fmt;
use thiserror::Error;

/// A version. Build metadata is checked and forgotten: it takes no part in any comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    pre: Vec<Identifier>,
}

/// Part of a pre-release; numbers come before words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VersionError {
    #[error("Version string empty")]
    Empty,
    #[error("No Major.Minor.Patch elements found")]
    TooFewNumbers,
    #[error("Invalid character(s) found in {part} {}", quoted(text))]
    InvalidCharacters { part: &'static str, text: String },
    #[error("{part} must not contain leading zeroes {}", quoted(text))]
    LeadingZeroes { part: &'static str, text: String },
    #[error("{part} is empty")]
    EmptyPart { part: &'static str },
}

impl Version {
    pub const fn new(major: u64, minor: u64, patch: u64) -> Version {
        Version {
            major,
            minor,
            patch,
            pre: Vec::new(),
        }
    }

    pub fn parse(text: &str) -> Result<Version, VersionError> {
        if text.is_empty() {
            return Err(VersionError::Empty);
        }
        let parts: Vec<&str> = text.splitn(3, '.').collect();
        let [major, minor, rest] = parts.as_slice() else {
            return Err(VersionError::TooFewNumbers);
        };
        let (rest, build) = split_mark(rest, '+');
        let (patch, pre) = split_mark(rest, '-');
        let version = Version {
            major: number(major, ["major number", "Major number"])?,
            minor: number(minor, ["minor number", "Minor number"])?,
            patch: number(patch, ["patch number", "Patch number"])?,
            pre: pre.map_or(Ok(Vec::new()), pre_release)?,
        };
        build.map_or(Ok(()), check_build)?;
        Ok(version)
    }
}

fn split_mark(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn number(text: &str, [part, start]: [&'static str; 2]) -> Result<u64, VersionError> {
    let leading_zero = text.len() > 1 && text.starts_with('0');
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && leading_zero {
        return Err(VersionError::LeadingZeroes {
            part: start,
            text: text.to_owned(),
        });
    }
    // `parse` alone would take a sign.
    let value = if digits { text.parse().ok() } else { None };
    value.ok_or_else(|| VersionError::InvalidCharacters {
        part,
        text: text.to_owned(),
    })
}

fn pre_release(text: &str) -> Result<Vec<Identifier>, VersionError> {
    text.split('.').map(identifier).collect()
}

fn identifier(text: &str) -> Result<Identifier, VersionError> {
    if text.is_empty() {
        return Err(VersionError::EmptyPart { part: "Prerelease" });
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let part = ["prerelease", "Numeric PreRelease version"];
        return number(text, part).map(Identifier::Number);
    }
    check_characters(text, "prerelease")?;
    Ok(Identifier::Word(text.to_owned()))
}

fn check_build(text: &str) -> Result<(), VersionError> {
    for part in text.split('.') {
        if part.is_empty() {
            return Err(VersionError::EmptyPart {
                part: "Build meta data",
            });
        }
        check_characters(part, "build meta data")?;
    }
    Ok(())
}

fn check_characters(text: &str, part: &'static str) -> Result<(), VersionError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if text.bytes().all(allowed) {
        return Ok(());
    }
    Err(VersionError::InvalidCharacters {
        part,
        text: text.to_owned(),
    })
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let numbers = |it: &Version| (it.major, it.minor, it.patch);
        // A pre-release comes before its release; among pre-releases the parts decide, then their number.
        let release = |it: &Version| it.pre.is_empty();
        numbers(self)
            .cmp(&numbers(other))
            .then_with(|| release(self).cmp(&release(other)))
            .then_with(|| self.pre.cmp(&other.pre))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        for (i, part) in self.pre.iter().enumerate() {
            f.write_str(if i == 0 { "-" } else { "." })?;
            match part {
                Identifier::Number(number) => write!(f, "{number}")?,
                Identifier::Word(word) => f.write_str(word)?,
            }
        }
        Ok(())
    }
}

/// A range of versions: alternatives, each a list of conditions that hold together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint(Vec<Vec<Condition>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Any,
    Compared(Comparison, Version),
    /// From the first version up to but without the second one.
    Within(Version, Version),
    Outside(Version, Version),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConstraintError {
    #[error("First element in range is '||'")]
    FirstAlternativeEmpty,
    #[error("Last element in range is '||'")]
    LastAlternativeEmpty,
    #[error("Could not get version from string: {}", quoted(text))]
    NoVersion { text: String },
    #[error(
        "Could not parse Range {0}: Could not parse comparator {1} in {0}",
        quoted(text),
        quoted(comparator)
    )]
    BadComparator { comparator: String, text: String },
    #[error(
        "Could not parse Range {0}: Could not parse version {1} in {0}: {source}",
        quoted(text),
        quoted(version)
    )]
    BadVersion {
        version: String,
        text: String,
        source: VersionError,
    },
}

impl Constraint {
    pub fn parse(text: &str) -> Result<Constraint, ConstraintError> {
        let text = text.trim();
        let alternatives: Vec<&str> = text.split("||").map(str::trim).collect();
        if let [first, _, ..] = alternatives.as_slice()
            && first.is_empty()
        {
            return Err(ConstraintError::FirstAlternativeEmpty);
        }
        if alternatives.iter().any(|it| it.is_empty()) {
            return Err(ConstraintError::LastAlternativeEmpty);
        }
        let parse = |it: &&str| conditions(it).iter().map(|it| condition(it)).collect();
        let parsed: Result<_, _> = alternatives.iter().map(parse).collect();
        parsed.map(Constraint)
    }

    pub fn allows(&self, version: &Version) -> bool {
        let holds = |conditions: &Vec<Condition>| conditions.iter().all(|it| it.allows(version));
        self.0.iter().any(holds)
    }
}

/// Splits at spaces, except behind an operator: `> 1.0.0 <2.0.0` are two conditions.
fn conditions(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match out.last_mut() {
            Some(last) if last.ends_with(['>', '<', '=', '!']) => last.push_str(word),
            _ => out.push(word.to_owned()),
        }
    }
    out
}

fn condition(text: &str) -> Result<Condition, ConstraintError> {
    if matches!(text, "*" | "x" | "X") {
        return Ok(Condition::Any);
    }
    let start = text.find(|c: char| c.is_ascii_digit());
    let Some(start) = start else {
        return Err(ConstraintError::NoVersion { text: text.to_owned() });
    };
    let (operator, version) = text.split_at(start);
    let comparison = comparison(operator).ok_or_else(|| ConstraintError::BadComparator {
        comparator: operator.to_owned(),
        text: text.to_owned(),
    })?;
    let bad = |source| ConstraintError::BadVersion {
        version: version.to_owned(),
        text: text.to_owned(),
        source,
    };
    match wildcard(version).map_err(bad)? {
        Some((low, high)) => Ok(comparison.with_range(low, high)),
        None => Version::parse(version)
            .map(|version| Condition::Compared(comparison, version))
            .map_err(bad),
    }
}

fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        "" | "=" | "==" => Comparison::Equal,
        "!" | "!=" => Comparison::Unequal,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        _ => return None,
    })
}

/// `1.x` and `1.2.x` as the first version that they cover and the first one behind that they do not.
fn wildcard(text: &str) -> Result<Option<(Version, Version)>, VersionError> {
    let parts: Vec<&str> = text.split('.').collect();
    let major = |text| number(text, ["major number", "Major number"]);
    Ok(match parts.as_slice() {
        [first, "x"] | [first, "x", "x"] => {
            let first = major(first)?;
            let next = first.saturating_add(1);
            Some((Version::new(first, 0, 0), Version::new(next, 0, 0)))
        }
        [first, second, "x"] => {
            let first = major(first)?;
            let second = number(second, ["minor number", "Minor number"])?;
            let next = second.saturating_add(1);
            Some((Version::new(first, second, 0), Version::new(first, next, 0)))
        }
        _ => None,
    })
}

impl Comparison {
    fn with_range(self, low: Version, high: Version) -> Condition {
        match self {
            Comparison::Equal => Condition::Within(low, high),
            Comparison::Unequal => Condition::Outside(low, high),
            Comparison::Greater => Condition::Compared(Comparison::GreaterOrEqual, high),
            Comparison::GreaterOrEqual => Condition::Compared(self, low),
            Comparison::Less => Condition::Compared(self, low),
            Comparison::LessOrEqual => Condition::Compared(Comparison::Less, high),
        }
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Comparison::Equal => ordering.is_eq(),
            Comparison::Unequal => ordering.is_ne(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterOrEqual => ordering.is_ge(),
            Comparison::Less => ordering.is_lt(),
            Comparison::LessOrEqual => ordering.is_le(),
        }
    }
}

impl Condition {
    fn allows(&self, version: &Version) -> bool {
        match self {
            Condition::Any => true,
            Condition::Compared(comparison, other) => comparison.holds(version.cmp(other)),
            Condition::Within(low, high) => (low..high).contains(&version),
            Condition::Outside(low, high) => !(low..high).contains(&version),
        }
    }
}

#[cfg(test)]
mod tests;
