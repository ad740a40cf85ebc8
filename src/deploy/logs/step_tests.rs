//! Which run is read next.

use super::*;

fn progress(reading: &str, done: &str) -> Progress {
    Progress {
        reading: reading.into(),
        done: done.into(),
    }
}

fn ran(id: &str, finished: i64) -> Option<LastRun> {
    Some(LastRun {
        id: id.into(),
        finished: Some(Time::from_micros(finished * 1_000_000)),
        ..LastRun::default()
    })
}

fn run(id: &str, has_ended: bool, last: Option<LastRun>) -> Now {
    Now {
        id: id.into(),
        has_ended,
        last,
        is_gone: false,
    }
}

#[test]
fn every_run_that_can_be_read_is_read() {
    let gone = |now: Now| Now { is_gone: true, ..now };
    let table = [
        ("nothing runs", progress("", ""), run("", false, None), Step::Wait),
        ("the first runs", progress("", ""), run("a", false, None), Step::Begin),
        ("it runs on", progress("a", ""), run("a", false, None), Step::Follow),
        ("it ended", progress("a", ""), run("a", true, None), Step::ReadRest),
        (
            "it ended before we looked",
            progress("", ""),
            run("a", true, None),
            Step::Begin,
        ),
        ("it was read", progress("", "a"), run("a", true, None), Step::Wait),
        (
            "another runs",
            progress("", "a"),
            run("b", false, ran("a", 50)),
            Step::Begin,
        ),
        (
            "another runs and it was not read",
            progress("a", ""),
            run("b", false, ran("a", 50)),
            Step::ReadRestOfPrevious,
        ),
        (
            "one was missed",
            progress("", "a"),
            run("c", false, ran("b", 50)),
            Step::BeginPrevious,
        ),
        (
            "it is out of reach",
            progress("a", ""),
            run("c", false, ran("b", 50)),
            Step::GiveUp,
        ),
        (
            "one was missed before we looked",
            progress("", ""),
            run("b", false, ran("a", 100)),
            Step::BeginPrevious,
        ),
        (
            "one ended before our time",
            progress("", ""),
            run("b", false, ran("a", 99)),
            Step::Begin,
        ),
        (
            "it waits to run again",
            progress("", ""),
            run("a", true, ran("a", 100)),
            Step::Begin,
        ),
        (
            "the pod is gone",
            progress("", "a"),
            gone(run("a", true, None)),
            Step::End,
        ),
        (
            "the pod is gone too soon",
            progress("a", ""),
            gone(run("a", false, None)),
            Step::GiveUp,
        ),
    ];
    for (what, progress, now, expected) in table {
        assert_eq!(
            next(&progress, &now, Some(Time::from_micros(100_500_000))),
            expected,
            "{what}"
        );
    }
}

#[test]
fn between_two_runs_the_one_that_ended_is_the_latest() {
    let waiting = |id: &str| Container {
        id: id.into(),
        state: ContainerState::Waiting {
            reason: "CrashLoopBackOff".into(),
            message: "".into(),
        },
        last: ran("a", 1),
        ..Container::default()
    };
    for id in ["a", ""] {
        assert_eq!(of_container(&waiting(id)), run("a", true, ran("a", 1)));
    }
}
