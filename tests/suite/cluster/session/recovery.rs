//! Pods and containers that are killed under a session: status, logs and forwards go on with what takes their place.

use std::collections::BTreeMap;

use super::stage::{Stage, fetched, port, runtime_status, until_shown};
use crate::cluster::seen;
use crate::support::engine::{self, docker_ok};
use crate::support::session::{Home, Session};

/// Serves the name of its run, and counts aloud.
pub const BEATS: &str = "run=$(busybox cat /proc/sys/kernel/random/uuid); busybox mkdir -p /srv; \
     echo \"run $run.\" >/srv/index.html; busybox httpd -p 8000 -h /srv; \
     n=0; while :; do n=$((n+1)); echo \"beat $run $n\"; busybox sleep 0.2; done";

/// One Deployment with one pod that runs a script, and a forward into it.
pub fn web(stage: &Stage, port: u16, script: &str) -> Home {
    let home = stage.home(&format!(
        "k8s_yaml('web.yaml')\nk8s_resource('web', port_forwards=['{port}:8000'])\n"
    ));
    home.write("web.yaml", &yaml("web", script));
    home
}

/// A line of comment first: what begins with a brace might be taken for something else.
pub fn yaml(name: &str, script: &str) -> String {
    format!("---\n{}\n", seen::deployment(name, 1, &seen::running(script)))
}

/// How many runs counted here; each has to have counted from one, without a gap or a double.
#[track_caller]
pub fn beats(log: &str) -> usize {
    let mut runs: BTreeMap<&str, u64> = BTreeMap::new();
    for line in log.lines() {
        let Some((_, beat)) = line.split_once("beat ") else {
            continue;
        };
        let (run, count) = beat.trim().split_once(' ').unwrap();
        let last = runs.entry(run).or_default();
        let count: u64 = count.parse().unwrap();
        assert_eq!(count, *last + 1, "of {run} in:\n{log}");
        *last = count;
    }
    runs.len()
}

/// The name of the run that answers, other than these.
#[track_caller]
pub fn next_run(port: u16, known: &[String]) -> String {
    loop {
        let text = fetched(port, "run ");
        let run = text.split("run ").nth(1).unwrap().trim().to_owned();
        if !known.contains(&run) {
            return run;
        }
    }
}

#[test]
fn what_is_killed_is_replaced_and_nothing_of_it_is_missed() {
    let Some(stage) = Stage::new("what_is_killed_is_replaced_and_nothing_of_it_is_missed", "kill") else {
        return;
    };
    let port = port();
    let mut session = Session::start(web(&stage, port, BEATS), &["up"]);
    session.wait("Ready", "web");
    let mut runs = vec![next_run(port, &[])];
    let pod = stage.pod("web");
    stage.kubectl(&["delete", "pod", &pod, "--grace-period=0", "--force"]);
    runs.push(next_run(port, &runs));
    session.line_with(&format!("beat {} 3", runs[1].trim_end_matches('.')));
    session.wait("Ready", "web");
    let pod = stage.pod("web");
    let container = stage.field("pod", &pod, ".status.containerStatuses[0].containerID");
    docker_ok(&["kill", container.trim_start_matches("docker://")]);
    runs.push(next_run(port, &runs));
    session.line_with(&format!("beat {} 3", runs[2].trim_end_matches('.')));
    assert_eq!(stage.pod("web"), pod);
    session.wait("Ready", "web");
    assert_eq!(runtime_status(&session, "web"), "ok");
    let path = ".status.k8sResourceInfo.podRestarts";
    let restarts = until_shown(&session, ("uiresource", "web"), path, "1");
    assert_eq!(restarts, "1");
    let logged = session.said(&["logs", "web"]);
    assert_eq!(beats(&logged), 3, "{logged}");
}

#[test]
fn a_shell_in_a_resource_is_one_in_its_newest_pod() {
    let Some(stage) = Stage::new("a_shell_in_a_resource_is_one_in_its_newest_pod", "shell") else {
        return;
    };
    // With a shell in its image.
    engine::base();
    let home = web(&stage, port(), BEATS);
    home.write("web.yaml", &yaml("web", BEATS).replace(seen::IMAGE, engine::BASE));
    let session = Session::start(home, &["up"]);
    session.wait("Ready", "web");
    let mut shell = session.tilt(&["alpha", "shell", "web"]);
    let mut child = shell
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut typed, b"busybox hostname; exit 3\n").unwrap();
    drop(typed);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        (said.trim(), output.status.code()),
        (&*stage.pod("web"), Some(3)),
        "{output:?}"
    );
}
