//! Versions, their order, and the ranges of published Tiltfiles.

use super::*;

fn version(text: &str) -> Version {
    Version::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn versions_are_ordered_as_semver_says() {
    let rising = [
        "0.9.9",
        "1.0.0-1",
        "1.0.0-2",
        "1.0.0-10",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-beta",
        "1.0.0",
        "1.0.1",
        "1.10.0",
    ];
    for pair in rising.windows(2) {
        assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
    }
    for text in rising {
        assert_eq!(version(text).to_string(), text);
    }
    assert_eq!(version("1.0.0+build.5"), version("1.0.0"));
}

#[test]
fn texts_that_are_no_versions_say_why() {
    let table = [
        ("", "Version string empty"),
        ("1.2", "No Major.Minor.Patch elements found"),
        ("v1.2.3", "Invalid character(s) found in major number \"v1\""),
        ("1.+2.3", "Invalid character(s) found in minor number \"+2\""),
        ("1.02.3", "Minor number must not contain leading zeroes \"02\""),
        ("1.2.3.4", "Invalid character(s) found in patch number \"3.4\""),
        ("1.2.3-", "Prerelease is empty"),
        ("1.2.3+", "Build meta data is empty"),
        ("1.2.3-ä", "Invalid character(s) found in prerelease \"ä\""),
        (
            "1.2.3-01",
            "Numeric PreRelease version must not contain leading zeroes \"01\"",
        ),
    ];
    for (text, expected) in table {
        let error = Version::parse(text).expect_err(text);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn constraints_allow_the_versions_in_their_range() {
    let table = [
        (">=0.20.0", "0.38.0", true),
        (">=0.5.4", "0.5.3", false),
        ("<=0.5.2", "0.5.3", false),
        (">=0.5.0 <0.5.3", "0.5.3", false),
        (">= 0.5.0 < 0.5.4", "0.5.3", true),
        ("=0.5.3", "0.5.3", true),
        ("0.5.3", "0.5.3", true),
        ("!=0.5.3", "0.5.3", false),
        ("!0.5.3", "0.5.4", true),
        (">0.4.1", "0.5.3", true),
        ("0.5.x", "0.5.3", true),
        ("0.5.x", "0.6.0", false),
        ("0.x", "0.6.0", true),
        ("1.x.x", "1.6.0", true),
        (">1.x", "1.9.9", false),
        (">1.x", "2.0.0", true),
        ("<=1.x", "1.9.9", true),
        ("<1.x", "1.0.0", false),
        ("!=1.x", "1.5.0", false),
        ("<1.0.0 || >=2.0.0", "1.5.0", false),
        ("<1.0.0 || >=2.0.0", "2.5.0", true),
        ("*", "0.5.3", true),
    ];
    for (range, text, expected) in table {
        let constraint = Constraint::parse(range).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(constraint.allows(&version(text)), expected, "{range} {text}");
    }
}

#[test]
fn broken_constraints_say_what_could_not_be_read() {
    let table = [
        (
            ">=9.0",
            "Could not parse Range \">=9.0\": Could not parse version \"9.0\" in \">=9.0\": \
             No Major.Minor.Patch elements found",
        ),
        (
            "~>1.0.0",
            "Could not parse Range \"~>1.0.0\": Could not parse comparator \"~>\" in \"~>1.0.0\"",
        ),
        ("latest", "Could not get version from string: \"latest\""),
        ("|| 1.0.0", "First element in range is '||'"),
        ("1.0.0 ||", "Last element in range is '||'"),
        ("", "Last element in range is '||'"),
    ];
    for (text, expected) in table {
        let error = Constraint::parse(text).expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
    }
}
