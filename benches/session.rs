//! What a session costs and how fast it acts: from the save of a file to the command that runs, answers of `tilt get`, three hundred
//! idle servers, storms of log lines, and a whole `tilt ci`.
//!
//! Run with `cargo bench --bench session`. With `UPSTREAM_TILT=/path/to/tilt` the same is asked of the other binary, one after the
//! other; without it, ratios are against what is known of upstream. Linux only: it reads `/proc`.
#![allow(clippy::disallowed_methods, reason = "a benchmark runs programs and reads the clock")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

mod common;
#[path = "common/session.rs"]
mod session;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{Figures, percentile, sorted};
use session::{Home, Pipe, Session};

const SAVES: usize = 50;
const RUNS: usize = 15;
const SERVERS: usize = 300;
const LINES: usize = 500_000;
/// Between one thing that is measured and the next. Saves that follow an update sooner are taken for the update's own doing, and after
/// six of those in a row the resource is held back.
const PAUSE: Duration = Duration::from_millis(250);
/// Longer than idle threads are kept.
const REST: Duration = Duration::from_secs(6);

struct Row {
    name: String,
    value: f64,
    unit: &'static str,
    /// What is known of upstream.
    known: Option<f64>,
}

fn row(name: impl Into<String>, value: f64, unit: &'static str, known: Option<f64>) -> Row {
    Row {
        name: name.into(),
        value,
        unit,
        known,
    }
}

/// Measures with a program, and says what it found.
type Part = fn(&Path) -> Vec<Row>;

fn main() {
    let ours = measure(Path::new(env!("CARGO_BIN_EXE_tilt")));
    let other = std::env::var_os("UPSTREAM_TILT").map(|path| measure(&PathBuf::from(path)));
    let source = if other.is_some() { "measured" } else { "known" };
    println!(
        "{:<52} {:>15} {:>15} {:>8}",
        "",
        "here",
        format!("upstream ({source})"),
        "ratio"
    );
    for ours in ours {
        let upstream = match &other {
            Some(rows) => rows.iter().find(|row| row.name == ours.name).map(|row| row.value),
            None => ours.known,
        };
        println!("{}", line(&ours, upstream));
    }
}

fn line(ours: &Row, upstream: Option<f64>) -> String {
    let shown = |value: f64| format!("{value:.1} {}", ours.unit);
    let (here, there) = (shown(ours.value), upstream.map(shown).unwrap_or_default());
    let ratio = upstream
        .map(|upstream| format!("{:.1}x", upstream / ours.value))
        .unwrap_or_default();
    format!("{:<52} {here:>15} {there:>15} {ratio:>8}", ours.name)
}

fn measure(program: &Path) -> Vec<Row> {
    // One after the other, and some of them are chosen while this is worked on: `cargo bench --bench session -- idle`.
    let parts: [(&str, Part); 4] = [("saves", saves), ("idle", idle), ("storms", storms), ("start", start)];
    let chosen: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    parts
        .into_iter()
        .filter(|(name, _)| chosen.is_empty() || chosen.iter().any(|word| word == name))
        .flat_map(|(_, part)| part(program))
        .collect()
}

const SAVED: &str = "
v1alpha1.file_watch('watch', watched_paths=['command.txt'])
v1alpha1.cmd('command', args=['sh', '-c', 'printf x > command.pipe; exec sleep 1000'], dir='.',
             restart_on=v1alpha1.restart_on_spec(file_watches=['watch']))
local_resource('update', 'printf x > update.pipe', deps=['update.txt'])
local_resource('server', serve_cmd='printf x > server.pipe; exec sleep 1000', deps=['server.txt'])
";

fn saves(program: &Path) -> Vec<Row> {
    let home = Home::with(program, SAVED);
    let things = ["command", "update", "server"];
    for thing in things {
        home.write(&format!("{thing}.txt"), "before");
    }
    let mut pipes = things.map(|thing| home.pipe(&format!("{thing}.pipe")));
    let session = home.up();
    for pipe in &mut pipes {
        assert!(pipe.bytes(1), "not all commands started: {}", session.output());
    }
    thread::sleep(REST);
    let mut rows = Vec::new();
    for (thing, pipe) in things.iter().zip(&mut pipes) {
        let name = match *thing {
            "command" => "save to restarted Cmd",
            "update" => "save to cmd of a local_resource",
            _ => "save to restarted serve_cmd",
        };
        let took = sorted((0..SAVES).map(|number| save(&session, thing, number, pipe)).collect());
        rows.push(row(format!("{name}, p50"), percentile(&took, 50), "ms", Some(200.0)));
        rows.push(row(format!("{name}, p99"), percentile(&took, 99), "ms", Some(200.0)));
    }
    rows.extend(answers(&session, ""));
    rows
}

/// Milliseconds from a save to the first act of the command.
fn save(session: &Session, thing: &str, number: usize, pipe: &mut Pipe) -> f64 {
    thread::sleep(PAUSE);
    let started = Instant::now();
    session.home.write(&format!("{thing}.txt"), &format!("save {number}"));
    assert!(
        pipe.bytes(1),
        "save {number} of {thing}.txt started nothing: {}",
        session.output()
    );
    started.elapsed().as_secs_f64() * 1000.0
}

fn answers(session: &Session, of: &str) -> Vec<Row> {
    let known = Some(78.0).filter(|_| of.is_empty());
    [
        (&["get", "uiresource"][..], known),
        (&["get", "session", "Tiltfile", "-o", "json"][..], None),
    ]
    .into_iter()
    .map(|(words, known)| {
        let figures = whole(|| session.home.tilt(words));
        row(
            format!("tilt {}{of}", words.join(" ")),
            figures.median * 1000.0,
            "ms",
            known,
        )
    })
    .collect()
}

fn whole(command: impl Fn() -> Command) -> Figures {
    // The first only warms caches.
    let runs: Vec<_> = (0..=RUNS).map(|_| common::run(&mut command())).collect();
    Figures::of(&runs[1..])
}

fn idle(program: &Path) -> Vec<Row> {
    let tiltfile = format!(
        "for i in range({SERVERS}):\n    local_resource('server-%d' % i, serve_cmd='printf x > pipe; exec sleep 1000')\n"
    );
    let home = Home::with(program, &tiltfile);
    let mut pipe = home.pipe("pipe");
    let session = home.up();
    let started = Instant::now();
    assert!(pipe.bytes(SERVERS), "not all servers started");
    let all = started.elapsed().as_secs_f64() * 1000.0;
    thread::sleep(REST);
    let name = format!("{SERVERS} idle servers");
    let mut rows = vec![
        row(format!("{name}: all started"), all, "ms", None),
        row(format!("{name}: memory"), session.memory(), "MB", Some(344.0)),
        row(
            format!("{name}: memory of helper processes"),
            session.memory_of_helpers(),
            "MB",
            None,
        ),
        row(format!("{name}: most memory"), session.peak(), "MB", None),
        row(format!("{name}: threads"), session.threads(), "", Some(430.0)),
        row(
            format!("{name}: share of a core"),
            session.load(Duration::from_secs(5)),
            "%",
            None,
        ),
    ];
    rows.extend(answers(&session, &format!(", {SERVERS} servers")));
    rows
}

/// Five seconds of 50,000 lines each, in tenths.
const STEADY: &str = "printf x > pipe; i=0; while [ $i -lt 50 ]; do seq $((i * 5000 + 1)) $((i * 5000 + 5000)); sleep 0.1; \
                      i=$((i + 1)); done; echo over; exec sleep 1000";

fn storms(program: &Path) -> Vec<Row> {
    let fast = format!("printf x > pipe; seq 1 {LINES}; echo over; exec sleep 1000");
    let mut rows = storm(program, "500,000 log lines at once", (&fast, LINES));
    rows.extend(storm(program, "50,000 log lines/s for 5 s", (STEADY, 250_000)));
    rows
}

fn storm(program: &Path, name: &str, (script, lines): (&str, usize)) -> Vec<Row> {
    let home = Home::with(
        program,
        "local_resource('storm', serve_cmd='exec sh storm.sh', trigger_mode=TRIGGER_MODE_MANUAL, auto_init=False)",
    );
    home.write("storm.sh", script);
    let mut pipe = home.pipe("pipe");
    let session = home.up();
    thread::sleep(REST);
    let before = session.memory();
    common::run(&mut session.home.tilt(&["trigger", "storm"]));
    assert!(pipe.bytes(1), "the storm did not start");
    let started = Instant::now();
    session.wait_for("│ over");
    let rate = lines as f64 / started.elapsed().as_secs_f64();
    thread::sleep(Duration::from_secs(2));
    check(&session.output(), lines);
    let after = session.memory();
    let peak = session.peak();
    let read = Instant::now();
    let again = printed(session.home.tilt(&["logs", "--source", "runtime"]));
    let read = read.elapsed().as_secs_f64() * 1000.0;
    let kept = numbers(&again).count() as f64;
    vec![
        row(format!("{name}: shown, all and in order"), rate, "lines/s", None),
        row(format!("{name}: memory before"), before, "MB", None),
        row(format!("{name}: memory after"), after, "MB", None),
        row(format!("{name}: most memory"), peak, "MB", None),
        row(format!("{name}: read back by tilt logs"), kept, "lines", None),
        row(format!("{name}: tilt logs"), read, "ms", None),
        row(format!("{name}: memory after tilt logs"), session.memory(), "MB", None),
    ]
}

fn printed(mut command: Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lines that are only a number, in their order.
fn numbers(text: &str) -> impl Iterator<Item = usize> {
    text.lines()
        .filter_map(|line| line.rsplit("│ ").next()?.trim().parse().ok())
}

fn check(text: &str, lines: usize) {
    let mut next = 1;
    for number in numbers(text) {
        assert_eq!(number, next, "a line is missing or out of order");
        next += 1;
    }
    assert_eq!(next - 1, lines, "lines are missing at the end");
}

fn start(program: &Path) -> Vec<Row> {
    let home = Home::with(program, "local_resource('hello', 'echo hello')");
    let figures = whole(|| home.tilt(&["ci"]));
    vec![
        row("tilt ci of one echo", figures.median * 1000.0, "ms", None),
        row("tilt ci of one echo, fastest", figures.min * 1000.0, "ms", None),
        row("tilt ci of one echo, memory", figures.kib as f64 / 1024.0, "MB", None),
    ]
}
