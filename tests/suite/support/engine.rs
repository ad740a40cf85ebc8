//! A real Docker Engine for tests: whether there is one, base images that need no registry, and no trace left of either.

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::sync::OnceLock;

use tilt::world::docker::Engine;

/// The image that others stand on: one static program.
pub const BASE: &str = "tilt-test/busybox:1";

/// Our environment, as far as it says where the engine is.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars().collect()
}

/// Whether a test cannot run because no engine answers; says so, or fails where nothing may be left out.
#[track_caller]
pub fn is_skipped(test: &str) -> bool {
    static ANSWERS: OnceLock<bool> = OnceLock::new();
    if *ANSWERS.get_or_init(|| docker(&["version"]).status.success()) {
        return false;
    }
    let why = format!("{test}: no Docker Engine answers");
    assert!(std::env::var_os("TILT_TEST_NO_SKIP").is_none(), "{why}");
    eprintln!("SKIPPED: {why}");
    true
}

/// Runs something with the engine, on a runtime of the test's own.
pub fn with_engine<T>(work: impl AsyncFnOnce(Engine) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads");
    runtime.block_on(async { work(Engine::connect(&environment()).await.expect("an engine")).await })
}

pub fn docker(arguments: &[&str]) -> Output {
    Command::new("docker")
        .args(arguments)
        .output()
        .expect("the docker command")
}

/// The docker command, which has to succeed; its output without the line break at the end.
#[track_caller]
pub fn docker_ok(arguments: &[&str]) -> String {
    let output = docker(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "docker {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// Makes [`BASE`] where it is not there yet.
pub fn base() {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        if docker(&["image", "inspect", BASE]).status.success() {
            return hold();
        }
        let script = format!(
            "set -e; d=$(mktemp -d); mkdir $d/bin $d/tmp $d/etc; chmod 1777 $d/tmp; \
             cp $(command -v busybox) $d/bin/busybox; \
             for n in sh cat ls cp mkdir chmod echo id sleep stat env test true false hostname grep wget nc date dd rm sync; do \
             ln -s busybox $d/bin/$n; done; \
             echo 'root:x:0:0:root:/:/bin/sh' >$d/etc/passwd; \
             tar c -C $d . | docker import - {BASE} >/dev/null; rm -rf $d"
        );
        let made = Command::new("bash").args(["-c", &script]).output().expect("bash");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        hold();
    });
}

/// A cluster that shares the engine throws away images that no container uses when the disk gets full.
fn hold() {
    // Where it is held already, the name is taken.
    docker(&["create", "--name", "tilt-test-base", BASE, "/bin/true"]);
}

/// Names of images that go when the test ends.
#[derive(Default)]
pub struct Images(Vec<String>);

impl Images {
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Images {
        Images(names.into_iter().map(Into::into).collect())
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        for name in &self.0 {
            docker(&["image", "rm", "-f", name]);
        }
    }
}
