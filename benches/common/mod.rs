//! What benchmarks share: a program run to its end, and the figures of its runs.

use std::process::{Command, Stdio};
use std::time::Instant;

use wait4::Wait4;

#[derive(Clone, Copy)]
pub struct Run {
    pub seconds: f64,
    pub kib: u64,
}

/// Runs a command that must go well.
pub fn run(command: &mut Command) -> Run {
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let ended = child.wait4().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    assert!(ended.status.success(), "{command:?} failed");
    Run {
        seconds,
        kib: ended.rusage.maxrss / 1024,
    }
}

pub struct Figures {
    pub median: f64,
    pub min: f64,
    pub kib: u64,
}

impl Figures {
    pub fn of(runs: &[Run]) -> Figures {
        let seconds = sorted(runs.iter().map(|run| run.seconds).collect());
        Figures {
            median: percentile(&seconds, 50),
            min: seconds[0],
            kib: runs.iter().map(|run| run.kib).max().unwrap_or_default(),
        }
    }
}

pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// Of values in order.
pub fn percentile(values: &[f64], percent: usize) -> f64 {
    values[(values.len() * percent / 100).min(values.len() - 1)]
}
