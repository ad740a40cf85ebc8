//! What images cost, beside the `docker build` command on the same context and beside what BuildKit itself reports: one file changed in
//! contexts of 10, 1,000 and 100,000 files, nothing changed at all, and twenty images of which none changed.
//!
//! Run with `cargo bench --bench build` or `scripts/bench build`; arguments choose parts by their names. It needs a Docker Engine
//! and a static busybox, and takes away what it makes there.
#![allow(clippy::disallowed_methods, reason = "a benchmark runs programs and reads the clock")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use common::{Figures, Run, percentile, run, sorted};
use tilt::build::{Builder, Order, Report, Reuse, Share};
use tilt::model::build::{DockerRecipe, ImageTarget, Recipe};
use tilt::model::built::{Delivery, Origin, Stage};
use tilt::model::image::Selector;
use tilt::model::live::LiveUpdate;
use tilt::model::registry::Registry;
use tilt::model::solve::Progress;
use tilt::model::time::Time;
use tilt::world::docker::Engine;
use tilt::world::docker::session::{Agents, Offer, Session, Source, Texts};
use tilt::world::docker::solve::Solve;
use tokio_util::sync::CancellationToken;

const BASE: &str = "tilt-bench/base:1";
const IMAGES: usize = 20;
/// `tilt ci` of twenty unchanged images, as it was measured of upstream.
const UPSTREAM_CI: f64 = 2.8;

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name == part);
    base();
    println!(
        "{:<50} {:>12} {:>12} {:>12} {:>7} {:>8}",
        "whole processes", "median", "fastest", "docker build", "ratio", "memory"
    );
    for (files, runs) in [(10, 15), (1_000, 15), (100_000, 3)] {
        if is_wanted(&format!("{files}-files")) {
            context(files, runs);
        }
    }
    if is_wanted("overhead") {
        overhead();
    }
    if is_wanted("twenty") {
        twenty();
    }
    drop(Command::new("docker").args(["rmi", "-f", BASE]).output());
}

fn row(name: &str, ours: &Figures, theirs: f64) {
    let [median, min, other] = [ours.median, ours.min, theirs].map(|seconds| format!("{:.1} ms", seconds * 1e3));
    let memory = format!("{:.1} MB", ours.kib as f64 / 1024.0);
    let ratio = theirs / ours.median;
    println!("{name:<50} {median:>12} {min:>12} {other:>12} {ratio:>6.1}x {memory:>8}");
}

/// One file changed, and nothing changed, in a context of so many files.
fn context(files: usize, runs: usize) {
    let place = Place::new();
    let context = place.path("context");
    fill(&context, files);
    let dockerfile = format!("FROM {BASE}\nCOPY . /srv\n");
    std::fs::write(context.join("Dockerfile"), dockerfile).unwrap();
    std::fs::write(place.path("Tiltfile"), "docker_build('tilt-bench/tilt', 'context')\n").unwrap();
    let mut edits = 0;
    let mut edit = || {
        edits += 1;
        std::fs::write(context.join("d0/f0"), format!("edit {edits}")).unwrap();
    };
    let mut tilt = place.tilt(&["build"]);
    let mut docker = Command::new("docker");
    docker
        .args(["build", "-q", "-t", "tilt-bench/docker:1"])
        .arg(&context)
        .env("DOCKER_BUILDKIT", "1");
    let mut figures: [Vec<Run>; 4] = Default::default();
    for turn in 0..=runs {
        edit();
        let ours = [run(&mut tilt), run(&mut tilt)];
        edit();
        let theirs = [run(&mut docker), run(&mut docker)];
        // The first turn sends everything.
        if turn > 0 {
            let measured = [ours[0], theirs[0], ours[1], theirs[1]];
            figures.iter_mut().zip(measured).for_each(|(all, one)| all.push(one));
        }
    }
    let [ours, theirs, same, theirs_same] = figures.map(|runs| Figures::of(&runs));
    row(&format!("{files} files, one of them changed"), &ours, theirs.median);
    row(&format!("{files} files, nothing changed"), &same, theirs_same.median);
}

/// What a build takes beyond what BuildKit says it took.
fn overhead() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let place = Place::new();
    let context = place.path("context");
    fill(&context, 10);
    let env: BTreeMap<String, String> = std::env::vars().collect();
    let (beyond, start) = runtime.block_on(async {
        let engine = Engine::connect(&env).await.unwrap();
        let builder = Builder::new(engine.clone(), Arc::new(env), &place.path("learnt"));
        let order = order(&context);
        let mut beyond = Vec::new();
        for turn in 0..=15 {
            std::fs::write(context.join("d0/f0"), format!("edit {turn}")).unwrap();
            let stages: Arc<Mutex<Vec<Stage>>> = Arc::default();
            let kept = Arc::clone(&stages);
            let reports = move |report: Report| {
                if let Report::Stages(now) = report {
                    *kept.lock().unwrap() = now;
                }
            };
            let (started, since) = (Instant::now(), now());
            let built = builder
                .build(&order, &CancellationToken::new(), &reports)
                .await
                .unwrap();
            let wall = started.elapsed();
            assert_eq!(built.origin, Origin::Built);
            if turn > 0 {
                let busy = busy(&stages.lock().unwrap(), since);
                beyond.push(wall.saturating_sub(busy).as_secs_f64());
            }
        }
        (beyond, start_of_buildkit(&engine).await)
    });
    let beyond = sorted(beyond);
    let [median, slowest] = [50, 100].map(|percent| percentile(&beyond, percent));
    let line = |what: &str, seconds: f64| println!("{what:<50} {:>9.1} ms", seconds * 1e3);
    line("a build, beyond the steps that BuildKit reports", median);
    line("  the slowest of 15", slowest);
    line("  BuildKit from an order to its first step", start);
    line("  what is left is ours", (median - start).max(0.0));
}

/// From the first step that began after `since` to the last one that ended. Steps that were cached began in an earlier build.
fn busy(stages: &[Stage], since: Time) -> Duration {
    let begun = stages.iter().filter_map(|stage| stage.started);
    let first = begun.filter(|started| *started >= since).min().unwrap();
    let last = stages.iter().filter_map(|stage| stage.finished).max().unwrap();
    last.since(first)
}

fn now() -> Time {
    let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Time::from_micros(i64::try_from(age.as_micros()).unwrap())
}

/// How long BuildKit takes from an order to its first step, whoever asks and however little there is to do.
async fn start_of_buildkit(engine: &Engine) -> f64 {
    let text =
        |name: &str, text: &str| -> Arc<dyn Source> { Arc::new(Texts::new([(name.to_owned(), text.to_owned())])) };
    let mut measured = Vec::new();
    for turn in 0..15 {
        let dockerfile = format!("FROM scratch\nLABEL turn={turn}\n");
        let offer = Offer {
            shared_key: "tilt-bench".to_owned(),
            folders: BTreeMap::from([
                ("dockerfile", text("Dockerfile", &dockerfile)),
                ("context", text("a", "b")),
            ]),
            secrets: BTreeMap::new(),
            agents: Agents::default(),
            env: Arc::default(),
        };
        let session = Session::open(engine, offer).await.unwrap();
        let asked = now();
        let first = Mutex::new(None);
        let mut on_progress = |news: Progress| {
            let started = news
                .steps
                .iter()
                .filter_map(|step| step.started)
                .filter(|started| *started >= asked)
                .min();
            let mut first = first.lock().unwrap();
            *first = first.or(started);
        };
        engine
            .solve(&Solve::default(), &session, &mut on_progress)
            .await
            .unwrap();
        measured.push(first.into_inner().unwrap().unwrap().since(asked).as_secs_f64());
    }
    percentile(&sorted(measured), 50)
}

/// Twenty images that the engine has.
fn twenty() {
    let place = Place::new();
    let mut tiltfile = String::new();
    for image in 0..IMAGES {
        let context = place.path(&format!("i{image}"));
        fill(&context, 20);
        std::fs::write(
            context.join("Dockerfile"),
            format!("FROM {BASE}\nCOPY . /srv\nLABEL n={image}\n"),
        )
        .unwrap();
        tiltfile.push_str(&format!("docker_build('tilt-bench/i{image}', 'i{image}')\n"));
    }
    std::fs::write(place.path("Tiltfile"), tiltfile).unwrap();
    let mut tilt = place.tilt(&["build"]);
    run(&mut tilt);
    let runs: Vec<Run> = (0..15).map(|_| run(&mut tilt)).collect();
    let ours = Figures::of(&runs);
    let theirs: f64 = (0..IMAGES)
        .map(|image| {
            let mut docker = Command::new("docker");
            let name = format!("tilt-bench/docker-i{image}:1");
            docker
                .args(["build", "-q", "-t", &name])
                .arg(place.path(&format!("i{image}")))
                .env("DOCKER_BUILDKIT", "1");
            run(&mut docker);
            run(&mut docker).seconds
        })
        .sum();
    row("20 images, nothing changed", &ours, theirs);
    row("  the same beside `tilt ci` of upstream, as known", &ours, UPSTREAM_CI);
}

fn fill(context: &Path, files: usize) {
    for file in 0..files {
        let folder = context.join(format!("d{}", file / 100));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("f{file}")), file.to_string()).unwrap();
    }
}

fn order(context: &Path) -> Order {
    let target = ImageTarget {
        selector: Selector::parse("tilt-bench/overhead").unwrap(),
        match_in_env_vars: false,
        entrypoint: None,
        container_args: None,
        live_update: LiveUpdate::default(),
        recipe: Recipe::Docker(Box::new(DockerRecipe {
            dockerfile: format!("FROM {BASE}\nCOPY . /srv\n"),
            context: context.to_owned(),
            ..DockerRecipe::default()
        })),
        image_deps: Vec::new(),
        watch_ignores: Vec::new(),
    };
    Order {
        target: Arc::new(target),
        bases: BTreeMap::new(),
        registry: Registry::default(),
        delivery: Delivery::Stay,
        platform: String::new(),
        reuse: Reuse::Inputs,
        share: Share::default(),
    }
}

/// A folder with a home of its own; the images that were made in it go with it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn tilt(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tilt"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("HOME", self.path("home"))
            .env_remove("XDG_CACHE_HOME");
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let script = "docker images --format '{{.Repository}}:{{.Tag}} {{.ID}}' | grep '^tilt-bench/' | grep -v base | cut -d' ' -f2 | \
                      xargs -r docker rmi -f";
        drop(Command::new("bash").args(["-c", script]).output());
    }
}

fn base() {
    let script = format!(
        "set -e; d=$(mktemp -d); mkdir $d/bin; cp $(command -v busybox) $d/bin/; tar c -C $d . | docker import - {BASE}; rm -r $d"
    );
    let made = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
