//! `tilt alpha tiltfile-result`: evaluates a Tiltfile and prints what it declares.

use std::io::{IsTerminal, Write};

use crate::cli::args::{Global, TiltfileResult};
use crate::cli::exit::Exit;
use crate::cli::{output, result, runaway, tiltfile_args};
use crate::model::duration::Duration;
use crate::model::project::{BuiltinTiming, Evaluation};
use crate::model::report::Failure;
use crate::tiltfile::{self, Timed};
use crate::ui::report;
use crate::world::clock;

/// The Tiltfile failed; anything else that fails is a 1.
const TILTFILE_FAILED: u8 = 5;

pub fn run(args: &TiltfileResult, global: &Global) -> Result<(), Exit> {
    let threshold = Duration::parse(&args.dur_threshold)
        .map_err(|error| Exit::error(format!("invalid argument for --dur-threshold: {error}")))?;
    let timed = if args.builtin_timings { Timed::Yes } else { Timed::No };
    let request = tiltfile_args::request(&args.tiltfile, "alpha tiltfile-result", timed)?;
    let verbose = global.verbose || global.debug;
    let tiltfile = request.tiltfile.clone();
    let started = clock::now();
    if verbose {
        output::say(format_args!("Loading Tiltfile at: {}", tiltfile.display()));
    }
    let guard = runaway::guard(&tiltfile, TILTFILE_FAILED).map_err(Exit::error)?;
    let evaluation = tiltfile::evaluate(request, |line| {
        if verbose {
            output::say(&line.text);
        }
    });
    drop(guard);
    if args.builtin_timings {
        print_timings(&evaluation.timings, threshold);
    }
    if let Err(failure) = &evaluation.project {
        print_failure(failure);
        return Err(Exit::silent(TILTFILE_FAILED));
    }
    if verbose {
        let took = Duration::from_std(clock::now() - started);
        output::say(format_args!("Successfully loaded Tiltfile ({took})"));
    }
    print_result(&evaluation)
}

/// A person at a terminal gets the line and a caret, a log gets a traceback.
pub fn print_failure(failure: &Failure) {
    match std::io::stderr().is_terminal() {
        true => output::say(report::caret(failure, tiltfile_args::style()).trim_end()),
        false => output::say(report::traceback(failure)),
    }
}

fn print_result(evaluation: &Evaluation) -> Result<(), Exit> {
    let stdout = std::io::stdout();
    let mut out = std::io::BufWriter::with_capacity(1 << 16, stdout.lock());
    output::written(result::write(evaluation, &mut out).and_then(|()| out.flush()))
}

fn print_timings(timings: &[BuiltinTiming], threshold: Duration) {
    let slow = timings
        .iter()
        .filter(|timing| Duration::from_std(timing.duration).nanos() >= threshold.nanos());
    for timing in slow {
        output::say(format_args!(
            "{:>10}  {}  {}({})",
            Duration::from_std(timing.duration).to_string(),
            timing.position,
            timing.name,
            shortened(&timing.argument)
        ));
    }
}

fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
