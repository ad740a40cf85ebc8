//! What an evaluation costs as a whole process: time and memory of `tilt alpha tiltfile-result` on a generated project of 1,000 image
//! builds and 1,000 deployments with services, and of `tilt version`.
//!
//! Run with `cargo bench --bench tiltfile`. With `UPSTREAM_TILT=/path/to/tilt` the other binary runs in turn with ours, and ratios
//! are printed; without it, ours alone. Numbers are medians.
#![allow(clippy::disallowed_methods, reason = "a benchmark runs programs and reads the clock")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Figures, Run};

const RUNS: usize = 15;

fn main() {
    let project = tempfile::tempdir().unwrap();
    generate(project.path(), 1000);
    let upstream = std::env::var_os("UPSTREAM_TILT").map(PathBuf::from);
    println!(
        "{:<34} {:>10} {:>10} {:>10} {:>8}",
        "command", "median", "min", "memory", "ratio"
    );
    compare("tilt version", project.path(), &["version"], upstream.as_deref());
    compare(
        "1000 images, 1000 deployments",
        project.path(),
        &["alpha", "tiltfile-result"],
        upstream.as_deref(),
    );
}

fn compare(name: &str, dir: &Path, args: &[&str], upstream: Option<&Path>) {
    let ours = Path::new(env!("CARGO_BIN_EXE_tilt"));
    let (mut ours_runs, mut upstream_runs) = (Vec::new(), Vec::new());
    for _ in 0..=RUNS {
        ours_runs.push(run(ours, dir, args));
        if let Some(upstream) = upstream {
            upstream_runs.push(run(upstream, dir, args));
        }
    }
    // The first of each only warms caches.
    let (ours, upstream) = (Figures::of(&ours_runs[1..]), upstream_runs.get(1..).map(Figures::of));
    println!("{}", row(&ours, name, None));
    if let Some(upstream) = upstream {
        println!("{}", row(&upstream, "  upstream", Some(upstream.median / ours.median)));
    }
}

fn run(program: &Path, dir: &Path, args: &[&str]) -> Run {
    let mut command = Command::new(program);
    common::run(command.args(args).current_dir(dir).env("KUBECONFIG", "/dev/null"))
}

fn row(figures: &Figures, name: &str, ratio: Option<f64>) -> String {
    let ratio = ratio.map(|ratio| format!("{ratio:.1}x")).unwrap_or_default();
    let (median, min) = (figures.median * 1000.0, figures.min * 1000.0);
    format!(
        "{name:<34} {median:>7.1} ms {min:>7.1} ms {:>7.1} MB {ratio:>8}",
        figures.kib as f64 / 1024.0
    )
}

/// A Tiltfile as a generator would write it for `count` services.
fn generate(dir: &Path, count: usize) {
    let (mut tiltfile, mut yaml) = (String::new(), String::new());
    std::fs::create_dir(dir.join("src")).unwrap();
    for index in 0..count {
        writeln!(
            tiltfile,
            "docker_build('registry.example.com/team/service-{index}', 'src', dockerfile_contents='FROM scratch\\nCOPY . /app\\n', \
             live_update=[sync('src', '/app')])"
        )
        .unwrap();
        let deps = if index > 0 {
            format!("resource_deps=['service-{}'], ", index - 1)
        } else {
            String::new()
        };
        writeln!(
            tiltfile,
            "k8s_resource('service-{index}', {deps}labels=['group-{}'])",
            index % 20
        )
        .unwrap();
        writeln!(yaml, "{}", objects(index)).unwrap();
    }
    std::fs::write(dir.join("Tiltfile"), format!("k8s_yaml('all.yaml')\n{tiltfile}")).unwrap();
    std::fs::write(dir.join("all.yaml"), yaml).unwrap();
}

fn objects(index: usize) -> String {
    format!(
        "---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: service-{index}
  labels:
    app: service-{index}
spec:
  replicas: 1
  selector:
    matchLabels:
      app: service-{index}
  template:
    metadata:
      labels:
        app: service-{index}
    spec:
      containers:
      - name: main
        image: registry.example.com/team/service-{index}
        ports:
        - containerPort: 8000
        env:
        - name: PORT
          value: \"8000\"
        resources:
          requests:
            cpu: 100m
            memory: 64Mi
---
apiVersion: v1
kind: Service
metadata:
  name: service-{index}
spec:
  selector:
    app: service-{index}
  ports:
  - port: 80
    targetPort: 8000"
    )
}
