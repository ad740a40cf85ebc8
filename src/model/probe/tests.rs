//! Thresholds and pace, by table.

use super::Outcome::{Failure, Success};
use super::*;
use crate::model::local::ProbeAction;

fn probe(numbers: [i32; 5]) -> Probe {
    let [
        initial_delay_secs,
        timeout_secs,
        period_secs,
        success_threshold,
        failure_threshold,
    ] = numbers;
    Probe {
        action: ProbeAction::Exec(vec!["true".to_owned()]),
        initial_delay_secs,
        timeout_secs,
        period_secs,
        success_threshold,
        failure_threshold,
    }
}

fn timing(success_threshold: u32, failure_threshold: u32) -> Timing {
    Timing {
        success_threshold,
        failure_threshold,
        ..Timing::of(&probe([0; 5]))
    }
}

/// The tries after which a change is reported, by index.
fn changes(timing: Timing, tries: &[Outcome]) -> Vec<(usize, Outcome)> {
    let mut readiness = Readiness::new(timing);
    let tries = tries.iter().copied().enumerate();
    tries.filter(|(_, outcome)| readiness.record(*outcome)).collect()
}

#[test]
fn unset_and_senseless_numbers_take_kubernetes_defaults() {
    let seconds = Duration::from_secs;
    for numbers in [[0; 5], [-1; 5]] {
        let got = Timing::of(&probe(numbers));
        assert_eq!(
            (got.initial_delay, got.timeout, got.period),
            (seconds(0), seconds(1), seconds(10))
        );
        assert_eq!((got.success_threshold, got.failure_threshold), (1, 3));
    }
    let got = Timing::of(&probe([5, 2, 7, 4, 6]));
    assert_eq!(
        (got.initial_delay, got.timeout, got.period),
        (seconds(5), seconds(2), seconds(7))
    );
    assert_eq!((got.success_threshold, got.failure_threshold), (4, 6));
}

#[test]
fn only_rows_that_reach_the_threshold_change_anything_and_only_once() {
    assert_eq!(
        changes(timing(1, 3), &[Failure, Failure, Success, Success]),
        [(2, Success)]
    );
    assert_eq!(changes(timing(1, 3), &[Failure; 7]), [(2, Failure)]);
    assert_eq!(
        changes(
            timing(2, 2),
            &[
                Success, Failure, Success, Success, Failure, Success, Failure, Failure, Success, Success
            ]
        ),
        [(3, Success), (7, Failure), (9, Success)]
    );
}

#[test]
fn lines_say_what_happened_and_end_where_the_output_ends() {
    let line = |outcome, output: &str| {
        Change {
            outcome,
            output: output.to_owned(),
        }
        .line()
    };
    assert_eq!(line(Success, "ok\n"), "[readiness probe: success] ok");
    assert_eq!(line(Success, ""), "[readiness probe: success]");
    assert_eq!(
        line(Failure, "exit status 1"),
        "[readiness probe: failure] exit status 1"
    );
}

#[test]
fn failing_tries_come_quickly_at_first_and_the_regular_ones_stay_on_the_periods() {
    let mut pace = Pace::new(timing(1, 3));
    let mut now = Duration::ZERO;
    let mut turns = Vec::new();
    for _ in 0..14 {
        let turn = pace.next(now, Failure);
        now = turn.at;
        turns.push((now.as_millis(), turn.kind));
    }
    let eager: Vec<u128> = turns
        .iter()
        .filter(|(_, kind)| *kind == TurnKind::Eager)
        .map(|turn| turn.0)
        .collect();
    assert_eq!(eager, [10, 30, 70, 150, 310, 630, 1270, 2550, 5110, 15_120]);
    let regular: Vec<u128> = turns
        .iter()
        .filter(|(_, kind)| *kind == TurnKind::Regular)
        .map(|turn| turn.0)
        .collect();
    assert_eq!(regular, [10_000, 20_000, 30_000, 40_000]);
}

#[test]
fn after_a_success_there_is_one_try_a_period_whatever_comes() {
    let mut pace = Pace::new(timing(1, 3));
    let ms = Duration::from_millis;
    assert_eq!(pace.next(ms(70), Success).at, ms(10_000));
    assert_eq!(pace.next(ms(10_001), Failure).at, ms(20_000));
    assert_eq!(pace.next(ms(35_000), Failure).at, ms(40_000));
}
