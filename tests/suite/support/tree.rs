//! Trees of files that change in every way, and what differs between two of them.

pub mod compare;
pub mod dice;
pub mod editor;

use std::path::Path;

use tilt::model::filter::{EPHEMERAL, Ignore};

/// What is left out of such trees, as an ignore file says it.
pub const LEFT_OUT: &[&str] = &["**/*.log", "!**/keep.log", "**/node_modules", "tmp", "**/.git"];

pub fn ignores(root: &Path) -> Vec<Ignore> {
    vec![
        Ignore::patterns("/", EPHEMERAL.iter().copied()),
        Ignore::patterns(root, LEFT_OUT.iter().copied()),
    ]
}

/// How many bursts, and what they follow from: `TILT_FUZZ_CASES` and `TILT_FUZZ_SEED`, else these.
pub fn bursts(usual: usize, seed: u64) -> (usize, u64) {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().expect("a number"))
    };
    let asked = number("TILT_FUZZ_SEED");
    match number("TILT_FUZZ_CASES") {
        Some(cases) => (
            cases as usize,
            asked.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0),
        ),
        None => (usual, asked.unwrap_or(seed)),
    }
}
