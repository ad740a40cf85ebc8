//! What images cost beside what BuildKit itself does, and beside the `docker build` command on the same context: one file changed in
//! contexts of 10, 1,000 and 100,000 files, nothing changed at all, and twenty images of which none changed.
//!
//! Run with `cargo bench --bench build`. It needs a Docker Engine and a static busybox; everything it makes there it takes away.
#![allow(clippy::disallowed_methods, reason = "a benchmark runs programs and reads the clock")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tilt::build::{Builder, Order, Report, Reuse, Share};
use tilt::model::build::{DockerRecipe, ImageTarget, Recipe};
use tilt::model::built::{Delivery, Origin, Stage};
use tilt::model::image::Selector;
use tilt::model::live::LiveUpdate;
use tilt::model::registry::Registry;
use tilt::world::docker::Engine;
use tokio_util::sync::CancellationToken;

const BASE: &str = "tilt-bench/base:1";
const RUNS: usize = 15;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    base();
    for files in [10, 1_000, 100_000] {
        runtime.block_on(one_file(files));
    }
}

async fn one_file(files: usize) {
    let env: BTreeMap<String, String> = std::env::vars().collect();
    let engine = Engine::connect(&env).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context");
    for n in 0..files {
        let dir = context.join(format!("d{}", n / 100));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(format!("f{n}")), format!("{n}")).unwrap();
    }
    let dockerfile = format!("FROM {BASE}\nCOPY . /srv\n");
    std::fs::write(folder.path().join("Dockerfile"), &dockerfile).unwrap();
    let builder = Builder::new(engine, Arc::new(env), &folder.path().join("learnt"));
    let order = order(&dockerfile, &context, files);
    let mut walls = Vec::new();
    let mut overs = Vec::new();
    let mut known = Vec::new();
    for run in 0..=RUNS {
        std::fs::write(context.join("d0/f0"), format!("edit {run}")).unwrap();
        let stages: Arc<Mutex<Vec<Stage>>> = Arc::default();
        let kept = Arc::clone(&stages);
        let reports = move |report: Report| {
            if let Report::Stages(now) = report {
                *kept.lock().unwrap() = now;
            }
        };
        let started = Instant::now();
        let built = builder
            .build(&order, &CancellationToken::new(), &reports)
            .await
            .unwrap();
        let wall = started.elapsed();
        assert_eq!(built.origin, Origin::Built);
        let again = Instant::now();
        let same = builder
            .build(&order, &CancellationToken::new(), &reports)
            .await
            .unwrap();
        assert_eq!(same.origin, Origin::Known);
        if run > 0 {
            walls.push(wall);
            overs.push(wall.saturating_sub(busy(&stages.lock().unwrap())));
            known.push(again.elapsed());
        } else {
            println!("first {wall:?}");
        }
    }
    println!(
        "{files:>7} files: one edit {:?}, of which not BuildKit's {:?}; nothing changed {:?}",
        median(walls),
        median(overs),
        median(known)
    );
    let mut theirs = Vec::new();
    let mut same = Vec::new();
    for run in 0..=RUNS {
        std::fs::write(context.join("d0/f0"), format!("docker {run}")).unwrap();
        let build = || {
            let started = Instant::now();
            let dockerfile = folder.path().join("Dockerfile");
            docker(&[
                "build",
                "-q",
                "-t",
                "tilt-bench/docker:1",
                "-f",
                dockerfile.to_str().unwrap(),
                context.to_str().unwrap(),
            ]);
            started.elapsed()
        };
        let (first, second) = (build(), build());
        if run > 0 {
            theirs.push(first);
            same.push(second);
        }
    }
    println!(
        "{files:>7} files: docker build one edit {:?}, nothing changed {:?}",
        median(theirs),
        median(same)
    );
}

/// From the first step that began to the last one that ended.
fn busy(stages: &[Stage]) -> Duration {
    let first = stages.iter().filter_map(|stage| stage.started).min().unwrap();
    let last = stages.iter().filter_map(|stage| stage.finished).max().unwrap();
    last.since(first)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn order(dockerfile: &str, context: &Path, files: usize) -> Order {
    let target = ImageTarget {
        selector: Selector::parse(&format!("tilt-bench/app-{files}")).unwrap(),
        match_in_env_vars: false,
        entrypoint: None,
        container_args: None,
        live_update: LiveUpdate::default(),
        recipe: Recipe::Docker(Box::new(DockerRecipe {
            dockerfile: dockerfile.to_owned(),
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

fn base() {
    let script = format!(
        "set -e; d=$(mktemp -d); mkdir $d/bin; cp $(command -v busybox) $d/bin/; tar c -C $d . | docker import - {BASE}; rm -r $d"
    );
    assert!(
        Command::new("bash")
            .args(["-c", &script])
            .output()
            .unwrap()
            .status
            .success()
    );
}

fn docker(arguments: &[&str]) -> Output {
    let output = Command::new("docker")
        .args(arguments)
        .env("DOCKER_BUILDKIT", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn _unused(_: PathBuf) {}
