//! Made-up input for everything that reads what a person or a program wrote: nothing may panic, hang or grow without an end.
//!
//! A plain run tries the same few hundred inputs each time. `TILT_FUZZ_CASES=100000 cargo test --test suite fuzz` tries so many of
//! each kind, other ones each time, and prints the smallest that fails.

mod editor;
mod texts;
mod tiltfiles;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};

/// Tries `usual` inputs, or as many as the environment asks for.
#[track_caller]
fn fuzz<S: Strategy>(usual: u32, inputs: S, test: impl Fn(S::Value) -> TestCaseResult) {
    let asked: Option<u32> = std::env::var("TILT_FUZZ_CASES")
        .ok()
        .map(|cases| cases.parse().expect("TILT_FUZZ_CASES is a number"));
    let config = Config {
        cases: asked.unwrap_or(usual),
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = match asked {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    match runner.run(&inputs, test) {
        Ok(()) => {}
        Err(TestError::Fail(why, input)) => panic!("{why}\ninput: {input:#?}"),
        Err(error) => panic!("{error}"),
    }
}

/// Text made of pieces that mean something to whoever reads it.
fn soup(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(pieces), 0..most).prop_map(|pieces| pieces.concat())
}

fn piece(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        20 => proptest::sample::select(pieces).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-z0-9]{1,3}",
    ]
}

/// One small change to a text.
#[derive(Clone, Debug)]
enum Change {
    Cut { at: usize, length: usize },
    Repeat { at: usize, length: usize },
    Insert { at: usize, text: String },
}

fn change(pieces: &'static [&'static str]) -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<usize>(), 1..30_usize).prop_map(|(at, length)| Change::Cut { at, length }),
        (any::<usize>(), 1..30_usize).prop_map(|(at, length)| Change::Repeat { at, length }),
        (any::<usize>(), piece(pieces)).prop_map(|(at, text)| Change::Insert { at, text }),
    ]
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for change in changes {
        let count = letters.len() + 1;
        match change {
            Change::Cut { at, length } => {
                let at = at % count;
                letters.drain(at..(at + length).min(letters.len()));
            }
            Change::Repeat { at, length } => {
                let at = at % count;
                let again: Vec<char> = letters[at..(at + length).min(letters.len())].to_vec();
                letters.splice(at..at, again);
            }
            Change::Insert { at, text } => {
                let at = at % count;
                letters.splice(at..at, text.chars());
            }
        }
    }
    letters.into_iter().collect()
}
