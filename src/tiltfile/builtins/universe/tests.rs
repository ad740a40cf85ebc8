//! Numbers from texts, and hashes.

use super::*;
use crate::tiltfile::testing::Tiltfile;

#[test]
fn digits_are_read_in_their_base() {
    for (text, base, want) in [
        ("-0123", 10, Some(-123)),
        ("0x12", 16, Some(18)),
        ("0x12", 10, None),
        ("+0o123", 0, Some(83)),
        ("0b0101", 0, Some(5)),
        ("00", 0, Some(0)),
        ("0123", 0, None),
        ("--4", 10, None),
        ("0x-4", 16, None),
        ("1_000", 10, None),
        (" 1", 10, None),
        ("", 10, None),
        ("z", 36, Some(35)),
    ] {
        assert_eq!(literal(text, base), want.map(BigInt::from), "{text} in base {base}");
    }
}

#[test]
fn floats_lose_their_fraction_exactly() {
    assert_eq!(truncated(-3.9), Ok(BigInt::from(-3)));
    assert_eq!(
        truncated(1e23).map(|n| n.to_string()),
        Ok("99999999999999991611392".to_owned())
    );
    assert_eq!(
        truncated(f64::NAN),
        Err("cannot convert float NaN to integer".to_owned())
    );
}

#[test]
fn hashes_are_those_that_the_language_promises() {
    let log = Tiltfile::new("print(hash('abc'), hash(''), hash(b'a'), int('7'), int(True), int('-1f', 16))\n").eval();
    assert_eq!(log.log(), "96354 0 3826002220 7 1 -31\n");
}

#[test]
fn sets_are_compared_by_what_they_hold() {
    let text =
        "a, b, c = set([1]), set([2, 1]), set([3])\nprint(a < b, b > a, a <= a, a < a, b >= a, a < c, a > c, a <= c)\n";
    assert_eq!(
        Tiltfile::new(text).eval().log(),
        "True True True False True False False False\n"
    );
}

#[test]
fn printable_characters_are_printed_as_they_are() {
    let said = Tiltfile::new(r#"print(["'", '"', 'é', '✨', '\u2028', '\x7f', ' '])"#)
        .eval()
        .said();
    assert_eq!(
        said,
        "[\"'\", \"\\\"\", \"é\", \"✨\", \"\\u2028\", \"\\x7f\", \" \"]\n"
    );
}
