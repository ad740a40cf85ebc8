//! Faults between a session and its cluster: cut, refused, frozen, and another cluster at the same address.

use std::collections::BTreeSet;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::recovery::{BEATS, beats, next_run, web, yaml};
use super::stage::{Stage, fetched, port, runtime_status, until_shown};
use super::wall::{Plain, Wall, Way};
use crate::cluster::seen;
use crate::support::session::{Home, Session};

/// The home's kubeconfig leads through the wall.
pub fn behind_a_wall(stage: &Stage, home: &Home) -> Wall {
    let server = "jsonpath={.clusters[0].cluster.server}";
    let server = seen::kubectl(&["config", "view", "--raw", "--minify", "-o", server], "");
    let wall = Wall::before(server.trim_start_matches("https://"));
    let text = stage
        .kubeconfig()
        .replace(&server, &format!("https://{}", wall.address));
    home.write("kubeconfig", &text);
    wall
}

/// How long a fault lasts is part of the test.
fn lasts(seconds: u64) {
    let (_keep, never) = channel::<()>();
    never.recv_timeout(Duration::from_secs(seconds)).unwrap_err();
}

#[test]
fn connections_that_are_cut_cost_nothing() {
    let Some(stage) = Stage::new("connections_that_are_cut_cost_nothing", "cut") else {
        return;
    };
    let port = port();
    let home = web(&stage, port, BEATS);
    let wall = behind_a_wall(&stage, &home);
    let mut session = Session::start(home, &["up"]);
    session.wait("Ready", "web");
    let run = next_run(port, &[]);
    for round in 1..4 {
        wall.cut();
        session.line_with(&format!("beat {} {}", run.trim_end_matches('.'), 10 * round));
        fetched(port, &run);
    }
    // In the middle of an apply: it is asked again, or what failed is tried again.
    wall.be(Way::Frozen);
    session.write("web.yaml", &yaml("web", &format!("echo second; {BEATS}")));
    session.line_with("Applying YAML to cluster");
    wall.cut();
    wall.be(Way::Open);
    let next = next_run(port, &[run]);
    session.line_with(&format!("beat {} 1", next.trim_end_matches('.')));
    session.wait("Ready", "web");
    assert_eq!(runtime_status(&session, "web"), "ok");
    let logged = session.said(&["logs", "web"]);
    assert_eq!(beats(&logged), 2, "{logged}");
    // Events too are told once: of each pod one that its image is there.
    let pulled: Vec<&str> = logged.lines().filter(|line| line.contains("already present")).collect();
    assert_eq!(pulled.iter().collect::<BTreeSet<_>>().len(), pulled.len(), "{logged}");
    assert_eq!(
        logged.matches("│ second").count() + logged.matches("\nsecond").count(),
        1,
        "{logged}"
    );
}

/// What is left to do while the cluster is away is done once it is back, and nothing that pods say is missed.
fn away(topic: &str, way: Way, seconds: u64) {
    let Some(stage) = Stage::new(topic, topic) else { return };
    let port = port();
    let home = web(&stage, port, BEATS);
    let wall = behind_a_wall(&stage, &home);
    let mut session = Session::start(home, &["up"]);
    session.wait("Ready", "web");
    let run = next_run(port, &[]);
    wall.be(way);
    session.write("web.yaml", &yaml("web", &format!("echo second; {BEATS}")));
    lasts(seconds);
    let before = session.said(&["logs", "web"]);
    wall.be(Way::Open);
    let second = next_run(port, &[run]);
    session.line_with(&format!("beat {} 5", second.trim_end_matches('.')));
    session.wait("Ready", "web");
    assert_eq!(runtime_status(&session, "web"), "ok", "{before}");
    let logged = session.said(&["logs", "web"]);
    assert_eq!(beats(&logged), 2, "{logged}");
    eprintln!(
        "{topic}: {}",
        session
            .said(&["logs"])
            .lines()
            .filter(|line| !line.contains("beat"))
            .collect::<Vec<_>>()
            .join("\n")
    );
}

#[test]
fn a_cluster_that_refuses_connections_for_a_while_is_no_end() {
    away("refused", Way::Refused, 20);
}

#[test]
fn a_cluster_that_says_nothing_for_a_while_is_no_end() {
    away("frozen", Way::Frozen, 40);
}

#[test]
fn nothing_is_applied_to_another_cluster_at_the_same_address() {
    let Some(stage) = Stage::new("nothing_is_applied_to_another_cluster_at_the_same_address", "other") else {
        return;
    };
    let home = stage.home("k8s_yaml('it.yaml')\nk8s_resource(new_name='it', objects=['it'])");
    let config_map =
        |value: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: it}}\ndata: {{value: {value}}}\n");
    home.write("it.yaml", &config_map("one"));
    let plain = Plain::start();
    let wall = Wall::before(&plain.address);
    home.write(
        "kubeconfig",
        &format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts: [{{name: x, context: {{cluster: x, user: x, namespace: {}}}}}]\n\
             clusters: [{{name: x, cluster: {{server: 'http://{}'}}}}]\nusers: [{{name: x, user: {{}}}}]\n",
            stage.namespace, wall.address
        ),
    );
    let mut session = Session::start(home, &["up"]);
    stage.until("cm", "it", (".data.value", "one"));
    session.wait("UpToDate", "it");
    let uid = seen::kubectl(
        &["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"],
        "",
    );
    let other: String = uid.chars().rev().map(|c| if c == '-' { '0' } else { c }).collect();
    wall.pass_for_another(&uid, &other);
    session.write("it.yaml", &config_map("two"));
    session.line_with("Build Failed: the cluster at");
    until_shown(&session, ("cluster", "default"), ".status.error", "is not the one");
    // Nor when somebody asks for it.
    session.run(&["trigger", "it"]);
    until_shown(
        &session,
        ("uiresource", "it"),
        ".status.waiting.reason",
        "waiting-for-cluster",
    );
    assert_eq!(stage.field("cm", "it", ".data.value"), "one");
}
