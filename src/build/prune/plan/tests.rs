//! What goes and what stays, as tables.

use crate::build::prune::plan::{Candidate, Live, Policy, caches, containers, images, size};
use crate::model::duration::Duration;
use crate::model::settings::DockerPrune;

const NOW: i64 = 1_000_000;
const HOUR: i64 = 3600;

/// `id age-in-hours name…`
fn candidate(text: &str) -> Candidate {
    let mut words = text.split_whitespace();
    let id = words.next().unwrap().to_owned();
    let hours: f64 = words.next().unwrap().parse().unwrap();
    Candidate {
        id,
        names: words.map(str::to_owned).collect(),
        created: NOW - (hours * HOUR as f64) as i64,
        bytes: 1,
    }
}

fn policy(max_age_hours: i64, keep_recent: usize) -> Policy {
    Policy {
        max_age: Duration::from_secs(max_age_hours * HOUR),
        keep_recent,
        keep_at_most: keep_recent.max(5),
    }
}

fn gone(all: &[&str], live: &[&str], policy: &Policy) -> Vec<String> {
    let all: Vec<Candidate> = all.iter().map(|text| candidate(text)).collect();
    let live = Live::new(live.iter().map(|name| (*name).to_owned()));
    images(&all, &live, policy, NOW)
        .into_iter()
        .map(|image| image.id)
        .collect()
}

#[test]
fn old_images_go_but_the_newest_of_each_name_stay() {
    let all = [
        "a1 1 a:1",
        "a2 7 a:2",
        "a3 8 a:3",
        "a4 9 a:4",
        "b1 20 b:1",
        "b2 21 b:2",
        "b3 22 b:3",
    ];
    assert_eq!(gone(&all, &[], &policy(6, 2)), ["b3", "a4", "a3"]);
    assert_eq!(gone(&all, &[], &policy(6, 0)), ["b3", "b2", "b1", "a4", "a3", "a2"]);
    assert_eq!(gone(&all, &[], &policy(100, 2)), Vec::<String>::new());
}

#[test]
fn a_day_of_saving_is_bounded_however_young_the_images_are() {
    let all: Vec<String> = (0..8).map(|n| format!("i{n} 0.{n} web:tilt-{n}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(gone(&all, &[], &policy(6, 2)), ["i7", "i6", "i5"]);
    assert_eq!(gone(&all, &[], &policy(6, 7)), ["i7"]);
    assert_eq!(gone(&all, &["web:tilt-7"], &policy(6, 2)), ["i6", "i5"]);
}

#[test]
fn what_is_live_stays_by_whatever_name_it_is_known() {
    let all = [
        "sha256:a 9 web:1 other:1",
        "sha256:b 9 web:2",
        "sha256:c 9 web:3",
        "sha256:d 9",
    ];
    let live = ["docker.io/library/other:1", "sha256:b", "sha256:d"];
    assert_eq!(gone(&all, &live, &policy(6, 0)), ["sha256:c"]);
}

#[test]
fn an_image_goes_only_when_no_name_has_a_use_for_it() {
    let all = ["a 1 web:new", "b 8 web:old", "c 9 web:older kept:latest"];
    assert_eq!(gone(&all, &[], &policy(6, 1)), ["b"]);
}

#[test]
fn images_under_a_shared_name_are_told_apart_by_their_tags() {
    let all = [
        "a 8 r.io/dev:web-tilt-1",
        "b 9 r.io/dev:web-tilt-2",
        "c 10 r.io/dev:api-tilt-1",
        "d 11 r.io/dev:api-tilt-2",
    ];
    assert_eq!(gone(&all, &[], &policy(6, 1)), ["d", "b"]);
}

#[test]
fn older_generations_without_a_name_go_soon_but_not_at_once() {
    let all = ["fresh 0.1", "later 0.2", "old 9"];
    assert_eq!(gone(&all, &[], &policy(6, 2)), ["old", "later"]);
    assert_eq!(gone(&all, &[], &policy(0, 2)), ["old", "later", "fresh"]);
}

#[test]
fn a_negative_age_makes_everything_old() {
    let all = ["a 0 web:1", "b -1 web:2", "c 0"];
    let everything = Policy {
        max_age: Duration::from_mins(-1),
        ..policy(0, 0)
    };
    assert_eq!(gone(&all, &[], &everything), ["a", "c", "b"]);
    let one = Policy {
        keep_recent: 1,
        ..everything
    };
    assert_eq!(gone(&all, &[], &one), ["a", "c"]);
}

#[test]
fn settings_make_a_policy() {
    let settings = DockerPrune::default();
    assert_eq!(Policy::of(&settings), policy(6, 2));
    let many = DockerPrune {
        keep_recent: 9,
        ..settings
    };
    assert_eq!(Policy::of(&many).keep_at_most, 9);
}

#[test]
fn stopped_containers_go_by_age() {
    let stopped = vec![candidate("a 1"), candidate("b 7")];
    let ids = |policy: &Policy| -> Vec<String> {
        let gone = containers(stopped.clone(), policy, NOW);
        gone.into_iter().map(|container| container.id).collect()
    };
    assert_eq!(ids(&policy(6, 2)), ["b"]);
    let everything = Policy {
        max_age: Duration::from_mins(-1),
        ..policy(0, 0)
    };
    assert_eq!(ids(&everything), ["a", "b"]);
}

#[test]
fn the_cache_keeps_what_is_young_and_what_is_little() {
    let pieces = || {
        vec![
            ("new".to_owned(), 50, NOW - HOUR),
            ("older".to_owned(), 30, NOW - 8 * HOUR),
            ("oldest".to_owned(), 20, NOW - 9 * HOUR),
        ]
    };
    let going = |hours: i64, keep: u64| -> Vec<String> {
        let going = caches(pieces(), Duration::from_secs(hours * HOUR), keep, NOW);
        going.into_iter().map(|(id, _)| id).collect()
    };
    assert_eq!(going(6, 0), ["oldest", "older"]);
    assert_eq!(going(6, 80), ["oldest"]);
    assert_eq!(going(6, 100), Vec::<String>::new());
    assert_eq!(going(0, 0), ["oldest", "older", "new"]);
}

#[test]
fn sizes_are_for_people() {
    for (bytes, text) in [
        (0, "0B"),
        (999, "999B"),
        (1_000, "1kB"),
        (1_500, "1.5kB"),
        (1_979_712, "1.98MB"),
        (100_000_000, "100MB"),
        (12_345_678_901, "12.35GB"),
    ] {
        assert_eq!(size(bytes), text, "{bytes}");
    }
}
