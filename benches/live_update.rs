//! What it takes from a saved file to its content being served by a container of a real cluster, both ways in: through the engine
//! that runs the container, and by exec through the API server. Beside it, in the same run, an update of the shape that upstream's has:
//! its constant wait, then `tar` by `kubectl exec`. Then what a branch switch, a large file, a command and a restart take.
//!
//! Run with `cargo bench --bench live_update` or `scripts/bench live-update`; arguments choose parts by their names (`saves`, `branch`,
//! `large`, `run`, `restart`), and `--svg FILE` draws the saves. It needs the cluster that `KUBECONFIG` names to run images of this
//! machine's Docker Engine and to have pods that can be reached from here, `kubectl`, and a static busybox. `UPSTREAM_TILT=/path/to/tilt` has
//! the saves asked of another binary, too.
#![allow(clippy::disallowed_methods, reason = "a benchmark runs programs and reads the clock")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

#[expect(dead_code, reason = "every benchmark uses its part")]
mod common;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use common::{percentile, run, sorted};

const SAVES: usize = 200;
/// Each of these takes a third of a second, and they differ little.
const BESIDE: usize = 40;
const FILES: usize = 10_000;
const LARGE: usize = 64 << 20;
const TURNS: usize = 7;
const SWITCHES: usize = 5;
/// Between saves, as a fast typist makes them.
const PAUSE: Duration = Duration::from_millis(100);
/// How long upstream collects changes before it acts.
const UPSTREAM_WAIT: Duration = Duration::from_millis(200);
/// What upstream took on such a machine and cluster.
const UPSTREAM: (f64, f64) = (296.0, 278.0);
const PATIENCE: Duration = Duration::from_secs(60);
/// After this, no more is to come of what was saved.
const QUIET: Duration = Duration::from_secs(3);

fn main() {
    if std::env::var_os("KUBECONFIG").is_none() {
        return println!("KUBECONFIG names no cluster: nothing to measure");
    }
    let mut arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let svg = arguments.iter().position(|word| word == "--svg").map(|place| {
        let file = arguments.get(place + 1).cloned().expect("--svg needs a file");
        arguments.drain(place..=place + 1);
        file
    });
    let is_wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|part| name == part);
    let place = Place::new();
    let mut curves = Vec::new();
    for (way, mode) in [("the engine", "container"), ("the API server", "exec")] {
        let mut session = place.up(env!("CARGO_BIN_EXE_tilt"), &["--update-mode", mode]);
        println!(
            "\n{:<50} {:>9} {:>9} {:>9} {:>9}",
            format!("through {way}"),
            "p50",
            "p90",
            "p99",
            "most"
        );
        if is_wanted("saves") {
            let times = saves(&place, &session, SAVES);
            row("a save, until its content is served", &times);
            curves.push((format!("through {way}"), times));
        }
        if is_wanted("branch") {
            branch(&place, &mut session);
        }
        if is_wanted("large") {
            large(&place, &mut session);
        }
        if is_wanted("run") {
            command(&place, &mut session);
        }
        session.end();
        if is_wanted("restart") {
            restart(&place, mode);
        }
    }
    if is_wanted("saves") {
        beside(&place, &mut curves);
    }
    if let Some(file) = svg.filter(|_| !curves.is_empty()) {
        std::fs::write(&file, drawn(&curves)).unwrap();
        println!("\ndrawn: {file}");
    }
}

fn row(what: &str, milliseconds: &[f64]) {
    let at = |percent| percentile(milliseconds, percent);
    println!(
        "{what:<50} {:>6.1} ms {:>6.1} ms {:>6.1} ms {:>6.1} ms",
        at(50),
        at(90),
        at(99),
        milliseconds.last().unwrap()
    );
}

/// What others take for the same, and how much longer that is.
fn beside(place: &Place, curves: &mut Vec<(String, Vec<f64>)>) {
    println!(
        "\n{:<50} {:>9} {:>9} {:>9} {:>9}",
        "beside", "p50", "p90", "p99", "most"
    );
    let shaped = upstream_shaped(place);
    row("200 ms, then tar by kubectl exec", &shaped);
    if place.path("app/www/d0").exists() {
        let name = format!("{FILES} files by tar and kubectl exec");
        row(&name, &packed(place));
    }
    let ours = percentile(&curves[0].1, 50);
    println!("  ratio of the medians: {:.1}", percentile(&shaped, 50) / ours);
    if let Some(upstream) = std::env::var_os("UPSTREAM_TILT") {
        let session = place.up(&upstream.to_string_lossy(), &[]);
        let times = saves(place, &session, BESIDE);
        row("upstream", &times);
        println!("  ratio of the medians: {:.1}", percentile(&times, 50) / ours);
        curves.push(("upstream".to_owned(), times));
        session.end();
    }
    println!(
        "  upstream as known: p50 {:.0} ms ({:.1} times), best {:.0} ms",
        UPSTREAM.0,
        UPSTREAM.0 / ours,
        UPSTREAM.1
    );
    curves.push(("200 ms, then tar by kubectl exec".to_owned(), shaped));
}

/// Saves, one after another; for each how long it took until a request was answered with it.
fn saves(place: &Place, session: &Session, count: usize) -> Vec<f64> {
    let mut times = Vec::new();
    for number in 0..count {
        let content = format!("edit {number} of {}", session.child.id());
        std::thread::sleep(PAUSE);
        let began = Instant::now();
        place.write("app/www/index.html", &content);
        session.serves(&content);
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    sorted(times)
}

fn upstream_shaped(place: &Place) -> Vec<f64> {
    let session = place.up(env!("CARGO_BIN_EXE_tilt"), &["--update-mode", "image"]);
    let (pod, address) = (place.pod(), session.address.clone());
    // Its own watcher is of no use here: what is measured does not go through it.
    session.end();
    let mut times = Vec::new();
    for number in 0..BESIDE {
        let content = format!("shaped {number}");
        let began = Instant::now();
        place.write("app/www/index.html", &content);
        std::thread::sleep(UPSTREAM_WAIT);
        let tar = format!(
            "tar c -C {} index.html | kubectl -n {} exec -i {pod} -- tar -C /www -x -f -",
            place.path("app/www").display(),
            place.namespace
        );
        run(Command::new("sh").args(["-c", &tar]));
        serves(&address, &content);
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    sorted(times)
}

/// All files of a branch in one archive: the disk's share of such a switch.
fn packed(place: &Place) -> Vec<f64> {
    let pod = place.pod();
    let times = (0..SWITCHES).map(|_| {
        let began = Instant::now();
        let tar = format!(
            "cd {} && tar c d* | kubectl -n {} exec -i {pod} -- tar -C /www -x -f -",
            place.path("app/www").display(),
            place.namespace
        );
        run(Command::new("sh").args(["-c", &tar]));
        began.elapsed().as_secs_f64() * 1e3
    });
    sorted(times.collect())
}

/// A switch between two branches with all these files, and back.
fn branch(place: &Place, session: &mut Session) {
    let mut times = Vec::new();
    let mut switches = Vec::new();
    for turn in 0..SWITCHES {
        let content = format!("branch {turn} ").repeat(400);
        session.forget();
        let began = Instant::now();
        for number in 0..FILES {
            let file = format!("app/www/d{}/f{number}", number % 100);
            place.write(&file, &format!("{content}{number}"));
        }
        let written = Instant::now();
        switches.push((written - began).as_secs_f64() * 1e3);
        // Several batches may come of it; the last one counts. Whoever compares them meanwhile is in their way.
        let mut last = session.settled();
        let here = place.here("app/www");
        while place.there("/www") != here {
            last = session.settled();
        }
        times.push(last.saturating_duration_since(written).as_secs_f64() * 1e3);
    }
    let each: Vec<String> = times.iter().map(|time| format!("{time:.0}")).collect();
    row(
        &format!("{FILES} files changed, from the last write on"),
        &sorted(times),
    );
    println!("  one after another: {} ms", each.join(", "));
    println!("  writing them takes {:.0} ms", percentile(&sorted(switches), 50));
}

fn large(place: &Place, session: &mut Session) {
    let mut times = Vec::new();
    for turn in 0..TURNS {
        session.forget();
        let bytes: Vec<u8> = (0..LARGE)
            .map(|at| (at as u32).wrapping_mul(2_654_435_761 + turn as u32).to_le_bytes()[3])
            .collect();
        let partial = place.path("large.part");
        std::fs::write(&partial, bytes).unwrap();
        let began = Instant::now();
        std::fs::rename(&partial, place.path("app/www/large")).unwrap();
        session.updated();
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    row("a file of 64 MiB", &sorted(times));
}

fn command(place: &Place, session: &mut Session) {
    let mut times = Vec::new();
    for turn in 0..TURNS * 3 {
        session.forget();
        let began = Instant::now();
        place.write("app/www/make/input", &format!("{turn}"));
        session.serves_at("made", &format!("made of {turn}"));
        times.push(began.elapsed().as_secs_f64() * 1e3);
        session.updated();
    }
    row("a save that runs a command", &sorted(times));
}

/// A program that reads its file when it starts.
fn restart(place: &Place, mode: &str) {
    let mut session = place.up_in("restarting", env!("CARGO_BIN_EXE_tilt"), &["--update-mode", mode]);
    let mut times = Vec::new();
    for turn in 0..TURNS * 3 {
        let content = format!("started with {turn}");
        session.forget();
        let began = Instant::now();
        place.write("restarting/www/index.html", &content);
        session.serves(&content);
        times.push(began.elapsed().as_secs_f64() * 1e3);
        session.updated();
    }
    row("a save that restarts the process", &sorted(times));
    session.end();
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
        run(Command::new("kubectl").args(["create", "namespace", &place.namespace]));
        let base = "cd $(mktemp -d) && mkdir bin && cp /bin/busybox bin/ && for a in sh cat cp tar sha256sum find sort; do ln -s busybox bin/$a; done \
                    && tar c . | docker import - tilt-bench/tools:1";
        run(Command::new("sh").args(["-c", base]));
        let dockerfile = |rest: &str| format!("FROM tilt-bench/tools:1\nCOPY www /www\n{rest}");
        place.write(
            "app/Dockerfile",
            &dockerfile("CMD [\"/bin/busybox\", \"httpd\", \"-f\", \"-p\", \"8000\", \"-h\", \"/www\"]\n"),
        );
        place.write("app/www/index.html", "first");
        place.write("app/web.yaml", &deployment("tilt-bench/live"));
        place.write(
            "app/Tiltfile",
            "docker_build('tilt-bench/live', '.', live_update=[sync('www', '/www'), run('echo -n made of $(cat /www/make/input) > \
             /www/made', trigger='www/make')])\nk8s_yaml('web.yaml')\n",
        );
        // What it serves is what was there when it began.
        place.write(
            "restarting/Dockerfile",
            &dockerfile(
                "ENTRYPOINT [\"/bin/busybox\", \"sh\", \"-c\", \"mkdir -p /served && cp /www/index.html /served/ && exec /bin/busybox httpd -f -p \
                 8000 -h /served\"]\n",
            ),
        );
        place.write("restarting/www/index.html", "first");
        place.write("restarting/web.yaml", &deployment("tilt-bench/restarting"));
        place.write(
            "restarting/Tiltfile",
            "docker_build('tilt-bench/restarting', '.', live_update=[sync('www', '/www'), restart_container()])\nk8s_yaml('web.yaml')\n",
        );
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

    fn kubectl(&self, words: &[&str]) -> String {
        let output = Command::new("kubectl")
            .args(["-n", &self.namespace])
            .args(words)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one that runs and is to stay.
    fn pod(&self) -> String {
        let began = Instant::now();
        loop {
            let pods = self.kubectl(&[
                "get",
                "pods",
                "-o",
                "jsonpath={range .items[*]}{.metadata.name} {.status.podIP} {.metadata.deletionTimestamp}{\"\\n\"}{end}",
            ]);
            let there: Vec<&str> = pods
                .lines()
                .filter(|line| line.split(' ').filter(|word| !word.is_empty()).count() == 2)
                .collect();
            if let ([one], 1) = (there.as_slice(), pods.lines().count()) {
                return one.split(' ').next().unwrap().to_owned();
            }
            assert!(began.elapsed() < PATIENCE, "{pods}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn up(&self, program: &str, words: &[&str]) -> Session {
        self.up_in("app", program, words)
    }

    /// A session whose pod serves.
    fn up_in(&self, folder: &str, program: &str, words: &[&str]) -> Session {
        let mut command = Command::new(program);
        command
            .args(["up", "--stream", "--port", "0", "--namespace", &self.namespace])
            .args(words)
            .current_dir(self.path(folder))
            .env("HOME", self.path("home"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        for name in [
            "TILT_DEV_DIR",
            "TILT_PORT",
            "XDG_CACHE_HOME",
            "XDG_DATA_HOME",
            "XDG_STATE_HOME",
            "XDG_RUNTIME_DIR",
        ] {
            command.env_remove(name);
        }
        self.write(&format!("{folder}/www/index.html"), &format!("up {}", words.join(" ")));
        let mut child = command.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            stdout
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send((Instant::now(), line)))
        });
        let mut session = Session {
            child,
            lines,
            address: String::new(),
        };
        session.until("DONE IN");
        self.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
        let content = format!("up {}", words.join(" "));
        let pod = self.pod();
        self.kubectl(&["wait", "--for=condition=Ready", "pod", &pod, "--timeout=60s"]);
        session.address = self.kubectl(&["get", "pod", &pod, "-o", "jsonpath={.status.podIP}"]) + ":8000";
        session.serves(&content);
        // The way into the container is made once, as soon as it runs.
        std::thread::sleep(Duration::from_secs(1));
        session
    }

    /// Hashes of all files of the container below a folder.
    fn there(&self, folder: &str) -> String {
        let list = format!("cd {folder} && find . -type f ! -name '*.tilt~' | sort | xargs sha256sum");
        let pod = self.pod();
        self.kubectl(&["exec", &pod, "--", "/bin/busybox", "sh", "-c", &list])
    }

    fn here(&self, folder: &str) -> String {
        let list = format!(
            "cd {} && find . -type f | LC_ALL=C sort | xargs sha256sum",
            self.path(folder).display()
        );
        let output = Command::new("/bin/busybox").args(["sh", "-c", &list]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(
            Command::new("kubectl")
                .args(["delete", "namespace", &self.namespace, "--wait=false"])
                .output(),
        );
    }
}

struct Session {
    child: Child,
    lines: Receiver<(Instant, String)>,
    address: String,
}

impl Session {
    /// Waits for a line of the log, and tells when it came.
    fn until(&mut self, part: &str) -> Instant {
        let began = Instant::now();
        while let Ok((at, line)) = self.lines.recv_timeout(PATIENCE) {
            if line.contains(part) {
                return at;
            }
            assert!(began.elapsed() < PATIENCE, "no line says {part:?}");
        }
        panic!("no line says {part:?}");
    }

    fn updated(&mut self) -> Instant {
        self.until("updated!")
    }

    /// When the last update of several came to its end.
    fn settled(&mut self) -> Instant {
        let mut last = self.updated();
        while let Ok((at, line)) = self.lines.recv_timeout(QUIET) {
            if line.contains("updated!") {
                last = at;
            }
        }
        last
    }

    fn forget(&mut self) {
        while self.lines.try_recv().is_ok() {}
    }

    fn serves(&self, content: &str) {
        serves(&self.address, content);
    }

    fn serves_at(&self, path: &str, content: &str) {
        serves_at(&self.address, path, content);
    }

    fn end(mut self) {
        drop(
            Command::new("kill")
                .args(["-INT", &self.child.id().to_string()])
                .status(),
        );
        drop(self.child.wait());
    }
}

fn serves(address: &str, content: &str) {
    serves_at(address, "index.html", content);
}

/// Asks until the answer is this one.
fn serves_at(address: &str, path: &str, content: &str) {
    let began = Instant::now();
    while answer(address, path).is_none_or(|answer| answer != content) {
        assert!(began.elapsed() < PATIENCE, "{path} never became {content:?}");
    }
}

fn answer(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET /{path} HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text.split_once("\r\n\r\n")?.1.to_owned())
}

fn deployment(image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  template:\n    \
         metadata: {{labels: {{app: web}}}}\n    spec:\n      terminationGracePeriodSeconds: 0\n      automountServiceAccountToken: false\n      \
         containers:\n      - name: c\n        image: {image}\n        imagePullPolicy: IfNotPresent\n"
    )
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 60.0;
const BOTTOM: f64 = 300.0;
const COLOURS: [&str; 4] = ["#1b7f5c", "#2b6cb0", "#b7791f", "#9b2c2c"];

/// How many of the saves were served within which time, on a scale of powers of ten.
fn drawn(curves: &[(String, Vec<f64>)]) -> String {
    let across = |milliseconds: f64| LEFT + (WIDTH - LEFT - 20.0) * (milliseconds.max(1.0).log10() / 3.0);
    let up = |share: f64| BOTTOM - share * (BOTTOM - 40.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"15\">Saves whose content the container serves, by time since the save</text>\n"
    );
    for milliseconds in [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0] {
        let x = across(milliseconds);
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.0}\" y1=\"40\" x2=\"{x:.0}\" y2=\"{BOTTOM}\" stroke=\"#ddd\"/><text x=\"{x:.0}\" y=\"{:.0}\" \
             text-anchor=\"middle\">{milliseconds} ms</text>",
            BOTTOM + 16.0
        );
    }
    for percent in [0, 50, 90, 100] {
        let y = up(f64::from(percent) / 100.0);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{y:.0}\" x2=\"{:.0}\" y2=\"{y:.0}\" stroke=\"#ddd\"/><text x=\"{:.0}\" y=\"{:.0}\" \
             text-anchor=\"end\">{percent} %</text>",
            WIDTH - 20.0,
            LEFT - 8.0,
            y + 4.0
        );
    }
    for (place, (name, times)) in curves.iter().enumerate() {
        let colour = COLOURS[place % COLOURS.len()];
        let points: Vec<String> = times
            .iter()
            .enumerate()
            .map(|(at, time)| format!("{:.1},{:.1}", across(*time), up((at + 1) as f64 / times.len() as f64)))
            .collect();
        let x = LEFT + 175.0 * place as f64;
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>\n<text x=\"{x:.0}\" y=\"{:.0}\" \
             fill=\"{colour}\">{name}: p50 {:.1} ms</text>",
            points.join(" "),
            HEIGHT - 12.0 - 14.0 * (place % 2) as f64,
            percentile(times, 50)
        );
    }
    svg.push_str("</svg>\n");
    svg
}
