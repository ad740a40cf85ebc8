//! What deploys cost, beside `docker build`, `kubectl apply` and `kubectl rollout status` on the same things: a service from its sources to
//! ready pods, twenty images of which none changed, two hundred Deployments, and a session that only watches them.
//!
//! Run with `cargo bench --bench deploy` or `scripts/bench deploy`; arguments choose parts by their names. It needs the cluster that
//! `KUBECONFIG` names to run images of this machine's Docker Engine, `kubectl`, and a static busybox; it works in a namespace of its own.
#![allow(clippy::disallowed_methods, reason = "a benchmark runs programs and reads the clock")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Figures, Run, percentile, run, sorted};

const MANY: usize = 200;
const IMAGES: usize = 20;
const TURNS: usize = 7;
/// `tilt ci` of the service and of the twenty images, as they were measured of upstream.
const UPSTREAM_SERVICE: f64 = 2.3;
const UPSTREAM_IMAGES: f64 = 2.8;
/// A clock tick, as the kernel counts the time of a process.
const TICK: Duration = Duration::from_millis(10);

fn main() {
    if std::env::var_os("KUBECONFIG").is_none() {
        return println!("KUBECONFIG names no cluster: nothing to measure");
    }
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name == part);
    let place = Place::new();
    println!(
        "{:<58} {:>10} {:>10} {:>10} {:>7} {:>8}",
        "whole processes", "median", "fastest", "beside", "ratio", "memory"
    );
    if is_wanted("service") {
        service(&place);
    }
    if is_wanted("twenty") {
        twenty(&place);
    }
    if is_wanted("many") {
        many(&place);
    }
    if is_wanted("steady") {
        steady(&place);
    }
}

/// A folder, a namespace and a home of its own.
struct Place {
    folder: tempfile::TempDir,
    namespace: String,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let namespace = format!("bench-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]);
        let place = Place { folder, namespace };
        run(place.kubectl().args(["create", "namespace", &place.namespace]));
        let base = "tar c -C / bin/busybox | docker import - tilt-bench/base:1";
        run(Command::new("sh").args(["-c", base]));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn kubectl(&self) -> Command {
        let mut command = Command::new("kubectl");
        command.args(["-n", &self.namespace]);
        command
    }

    fn tilt(&self, folder: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tilt"));
        command
            .args(words)
            .args(["--namespace", &self.namespace])
            .current_dir(self.path(folder))
            .env("HOME", self.path("home"))
            .env("TILT_PORT", "0");
        for name in [
            "TILT_DEV_DIR",
            "XDG_CACHE_HOME",
            "XDG_DATA_HOME",
            "XDG_STATE_HOME",
            "XDG_RUNTIME_DIR",
        ] {
            command.env_remove(name);
        }
        command
    }

    fn clear(&self, folder: &str) {
        run(&mut self.tilt(folder, &["down"]));
        drop(
            self.kubectl()
                .args(["wait", "--for=delete", "pod", "--all", "--timeout=120s"])
                .output(),
        );
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(
            self.kubectl()
                .args(["delete", "namespace", &self.namespace, "--wait=false"])
                .output(),
        );
    }
}

fn row(what: &str, ours: &Figures, beside: f64) {
    println!(
        "{what:<58} {:>7.0} ms {:>7.0} ms {:>7.0} ms {:>7.2} {:>5} MB",
        ours.median * 1e3,
        ours.min * 1e3,
        beside * 1e3,
        beside / ours.median,
        ours.kib / 1024
    );
}

fn deployment(name: &str, image: &str, replicas: usize) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: {replicas}\n  selector: \
         {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      \
         terminationGracePeriodSeconds: 0\n      automountServiceAccountToken: false\n      containers:\n      - name: c\n        \
         image: {image}\n        imagePullPolicy: IfNotPresent\n"
    )
}

/// From changed sources and an empty namespace to a pod that is ready.
fn service(place: &Place) {
    place.write(
        "service/Dockerfile",
        "FROM tilt-bench/base:1\nCOPY index.html /srv/index.html\nCMD [\"/bin/busybox\", \"httpd\", \"-f\", \"-p\", \"8000\", \"-h\", \"/srv\"]\n",
    );
    place.write("service/demo.yaml", &deployment("demo", "tilt-bench/demo", 1));
    place.write(
        "service/Tiltfile",
        "docker_build('tilt-bench/demo', '.')\nk8s_yaml('demo.yaml')\n",
    );
    let mut runs = Vec::new();
    let mut shares = Vec::new();
    let mut beside = Vec::new();
    for turn in 0..TURNS {
        place.write("service/index.html", &format!("ours {turn}"));
        let began = Instant::now();
        let output = place.tilt("service", &["ci"]).output().unwrap();
        let seconds = began.elapsed().as_secs_f64();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        runs.push(Run { seconds, kib: 0 });
        shares.push(deploying(&text));
        place.clear("service");
        place.write("service/index.html", &format!("theirs {turn}"));
        beside.push(by_hand(place));
        place.clear("service");
    }
    let ours = Figures::of(&runs);
    row(
        "one service: built, deployed, ready (beside: by hand)",
        &ours,
        percentile(&sorted(beside), 50),
    );
    row(
        "  the same beside `tilt ci` of upstream, as known",
        &ours,
        UPSTREAM_SERVICE,
    );
    println!(
        "  of that between the last image and the end of the apply: {:.0} ms",
        percentile(&sorted(shares), 50) * 1e3
    );
}

/// The step `Deploying`, as its last line of the log has it, in seconds.
fn deploying(log: &str) -> f64 {
    let line = log.lines().find(|line| line.ends_with("(Deploying)")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    words[words.len() - 2].trim_end_matches('s').parse().unwrap()
}

/// What somebody without tilt would type.
fn by_hand(place: &Place) -> f64 {
    let began = Instant::now();
    let folder = place.path("service");
    run(Command::new("docker")
        .args(["build", "-q", "-t", "tilt-bench/demo:hand", "."])
        .env("DOCKER_BUILDKIT", "1")
        .current_dir(&folder));
    let yaml = deployment("demo", "tilt-bench/demo:hand", 1);
    place.write("hand.yaml", &yaml);
    run(place.kubectl().args(["apply", "-f"]).arg(place.path("hand.yaml")));
    run(place.kubectl().args(["rollout", "status", "deployment/demo"]));
    began.elapsed().as_secs_f64()
}

/// Twenty images and what deploys them, when all of it is there already.
fn twenty(place: &Place) {
    let mut tiltfile = String::new();
    for image in 0..IMAGES {
        place.write(&format!("twenty/i{image}/file"), &image.to_string());
        place.write(
            &format!("twenty/i{image}/Dockerfile"),
            &format!("FROM tilt-bench/base:1\nCOPY . /srv\nLABEL n={image}\n"),
        );
        place.write(
            &format!("twenty/i{image}.yaml"),
            &deployment(&format!("i{image}"), &format!("tilt-bench/i{image}"), 0),
        );
        tiltfile.push_str(&format!(
            "docker_build('tilt-bench/i{image}', 'i{image}')\nk8s_yaml('i{image}.yaml')\nk8s_resource('i{image}', pod_readiness='ignore')\n"
        ));
    }
    place.write("twenty/Tiltfile", &tiltfile);
    let mut tilt = place.tilt("twenty", &["ci"]);
    run(&mut tilt);
    let runs: Vec<Run> = (0..TURNS).map(|_| run(&mut tilt)).collect();
    row(
        "20 images and Deployments, nothing changed (beside: upstream)",
        &Figures::of(&runs),
        UPSTREAM_IMAGES,
    );
    place.clear("twenty");
}

fn many_deployments(place: &Place) {
    let mut tiltfile = String::from("k8s_yaml('many.yaml')\nk8s_kind('Deployment', pod_readiness='ignore')\n");
    tiltfile.push_str("update_settings(max_parallel_updates=8)\n");
    let yaml: Vec<String> = (0..MANY)
        .map(|number| deployment(&format!("d{number}"), "tilt-bench/base:1", 0))
        .collect();
    place.write("many/many.yaml", &yaml.join("---\n"));
    place.write("many/Tiltfile", &tiltfile);
}

/// Two hundred Deployments into an empty namespace, each a resource.
fn many(place: &Place) {
    many_deployments(place);
    let (mut runs, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        runs.push(run(&mut place.tilt("many", &["ci"])));
        place.clear("many");
        beside.push(run(place.kubectl().args(["apply", "-f"]).arg(place.path("many/many.yaml"))).seconds);
        run(place.kubectl().args(["delete", "-f"]).arg(place.path("many/many.yaml")));
    }
    let what = format!("{MANY} Deployments applied (beside: kubectl apply)");
    row(&what, &Figures::of(&runs), percentile(&sorted(beside), 50));
}

/// A session that has deployed everything, and has nothing to do.
fn steady(place: &Place) {
    many_deployments(place);
    let mut session = place
        .tilt("many", &["up", "--stream", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(session.stdout.take().unwrap()).lines();
    let deployed = |line: &std::io::Result<String>| line.as_ref().unwrap().contains("DONE IN: ");
    assert_eq!(lines.by_ref().filter(deployed).take(MANY).count(), MANY);
    // What it says from now on has to go somewhere.
    let rest = std::thread::spawn(move || lines.count());
    let before = ticks(&session);
    let span = Duration::from_secs(30);
    std::thread::sleep(span);
    let spent = TICK * (ticks(&session) - before);
    println!(
        "{MANY} Deployments watched, nothing happens: {:.2} % of a core, {} MB",
        spent.as_secs_f64() / span.as_secs_f64() * 100.0,
        resident(&session) / 1024
    );
    drop(Command::new("kill").args(["-INT", &session.id().to_string()]).status());
    session.wait().unwrap();
    rest.join().unwrap();
    place.clear("many");
}

fn ticks(process: &Child) -> u32 {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process.id().to_string()).join("stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u32>().unwrap() + fields[12].parse::<u32>().unwrap()
}

fn resident(process: &Child) -> u64 {
    let status = std::fs::read_to_string(Path::new("/proc").join(process.id().to_string()).join("status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
