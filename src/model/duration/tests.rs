//! Durations both ways, and what is said of texts that are none.

use super::*;
use proptest::prelude::*;

#[test]
fn durations_print_as_go_prints_them() {
    let table = [
        ("0", "0s"),
        ("0s", "0s"),
        ("30m", "30m0s"),
        ("60s", "1m0s"),
        ("10s", "10s"),
        ("1.5h", "1h30m0s"),
        ("1h2m3.004s", "1h2m3.004s"),
        ("+5s", "5s"),
        ("-2ms", "-2ms"),
        (".5s", "500ms"),
        ("5.s", "5s"),
        ("1500us", "1.5ms"),
        ("1µs", "1µs"),
        ("2μs", "2µs"),
        ("999ns", "999ns"),
        ("100h", "100h0m0s"),
        ("0.3333333333333333333h", "20m0s"),
        ("9223372036854775807ns", "2562047h47m16.854775807s"),
        ("-9223372036854775808ns", "-2562047h47m16.854775808s"),
    ];
    for (text, expected) in table {
        let duration = Duration::parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(duration.to_string(), expected, "{text}");
    }
}

#[test]
fn other_texts_are_refused_in_gos_words() {
    let table = [
        ("", "time: invalid duration \"\""),
        ("x", "time: invalid duration \"x\""),
        ("-", "time: invalid duration \"-\""),
        (".s", "time: invalid duration \".s\""),
        ("5", "time: missing unit in duration \"5\""),
        ("1h5", "time: missing unit in duration \"1h5\""),
        ("5y", "time: unknown unit \"y\" in duration \"5y\""),
        ("1é", "time: unknown unit \"\\xc3\\xa9\" in duration \"1\\xc3\\xa9\""),
        ("5 s", "time: unknown unit \" s\" in duration \"5 s\""),
        (
            "9223372036854775808ns",
            "time: invalid duration \"9223372036854775808ns\"",
        ),
        ("9999999h", "time: invalid duration \"9999999h\""),
    ];
    for (text, expected) in table {
        let error = Duration::parse(text).expect_err(text);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn negative_durations_have_no_counterpart_in_the_standard_library() {
    assert_eq!(Duration::from_secs(-1).to_std(), None);
    let two = std::time::Duration::from_secs(2);
    assert_eq!(Duration::from_secs(2).to_std(), Some(two));
    assert_eq!(Duration::from_std(two).secs(), 2);
    assert_eq!(Duration::from_mins(30).to_string(), "30m0s");
}

proptest! {
    #[test]
    fn every_duration_reads_back_from_what_it_prints(nanos: i64) {
        let duration = Duration::from_nanos(nanos);
        prop_assert_eq!(Duration::parse(&duration.to_string()), Ok(duration));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[-+0-9.nuµmsh ]{0,40}|.{0,40}") {
        drop(Duration::parse(&text));
    }
}
