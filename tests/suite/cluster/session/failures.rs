//! What goes wrong with pods and objects, and how plainly and how soon it is said.

use std::time::Instant;

use super::stage::{Stage, runtime_status, until_shown};
use crate::cluster::seen;
use crate::support::program::Program;
use crate::support::session::{Home, Session};
use crate::support::{stderr, stdout};

/// Something that does not come up.
struct Trouble {
    name: &'static str,
    yaml: String,
    /// What kubectl shows once the cluster knows it: a field of pods, and its value.
    known: (&'static str, &'static str),
    /// What has to be said, all of it in one line.
    said: &'static [&'static str],
    status: &'static str,
    printed: &'static str,
}

const WAITING: &str = ".status.containerStatuses[0].state.waiting.reason";

fn job(name: &str, script: &str) -> String {
    format!(
        "{{apiVersion: batch/v1, kind: Job, metadata: {{name: {name}}}, spec: {{backoffLimit: 0, template: {{metadata: {{labels: \
         {{app: {name}}}}}, spec: {{restartPolicy: Never, {}}}}}}}}}",
        seen::running(script)
    )
}

fn troubles() -> Vec<Trouble> {
    let nowhere = format!("nodeSelector: {{nobody: has}}, {}", seen::running("busybox sleep 1000"));
    let absent = seen::running("true").replace(seen::IMAGE, "127.0.0.1:9/e2e/absent:1");
    vec![
        Trouble {
            name: "crashing",
            yaml: seen::deployment("crashing", 1, &seen::running("echo about to fail; exit 7")),
            known: (WAITING, "CrashLoopBackOff"),
            said: &["crashing-", "container web", "exit code 7"],
            status: "error",
            printed: "│ about to fail\n",
        },
        Trouble {
            name: "nowhere",
            yaml: seen::deployment("nowhere", 1, &nowhere),
            known: (".status.conditions[0].reason", "Unschedulable"),
            said: &["nowhere-", "no node takes the pod", "0/1 nodes"],
            status: "pending",
            printed: "",
        },
        Trouble {
            name: "absent",
            yaml: seen::deployment("absent", 1, &absent),
            known: (WAITING, "ErrImagePull"),
            said: &[
                "absent-",
                "container web",
                "127.0.0.1:9/e2e/absent:1",
                "cannot be pulled",
            ],
            status: "error",
            printed: "",
        },
        Trouble {
            name: "failing",
            yaml: job("failing", "echo job fails; exit 4"),
            known: (".status.phase", "Failed"),
            said: &["failing-", "container web", "exit code 4"],
            status: "error",
            printed: "│ job fails\n",
        },
    ]
}

fn home(stage: &Stage, troubles: &[Trouble], settings: &str) -> Home {
    let names: Vec<String> = troubles
        .iter()
        .map(|trouble| format!("{}.yaml", trouble.name))
        .collect();
    let home = stage.home(&format!("{settings}\nk8s_yaml({names:?})\n"));
    for (trouble, name) in troubles.iter().zip(&names) {
        home.write(name, &format!("---\n{}\n", trouble.yaml));
    }
    home
}

#[track_caller]
fn fails(home: &Home, parts: &[&str]) -> String {
    let output = home.run(&["ci", "--port", "0"]);
    let (said, error) = (stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(1), "{said}{error}");
    for part in parts {
        assert!(error.contains(part), "no {part:?} in {error:?} after {said}");
    }
    said
}

#[test]
fn ci_says_which_pod_fails_and_why() {
    let Some(stage) = Stage::new("ci_says_which_pod_fails_and_why", "cifail") else {
        return;
    };
    for trouble in troubles() {
        // What waits for a node waits for ever; the others end by themselves, sooner or later.
        let limit = match trouble.status {
            "error" => "ci_settings(readiness_timeout='90s')",
            _ => "ci_settings(readiness_timeout='12s')",
        };
        let home = home(&stage, std::slice::from_ref(&trouble), limit);
        let said = fails(&home, &[&[trouble.name], trouble.said].concat());
        // What a container said before it ended is there, too.
        assert!(said.contains(trouble.printed), "{said}");
    }
    let unready = seen::running("busybox sleep 1000").replace(
        "imagePullPolicy",
        "readinessProbe: {exec: {command: [/bin/busybox, 'false']}}, imagePullPolicy",
    );
    let never = Trouble {
        name: "never",
        yaml: seen::deployment("never", 1, &unready),
        known: ("", ""),
        said: &[],
        status: "pending",
        printed: "",
    };
    let home = home(&stage, &[never], "ci_settings(readiness_timeout='30s')");
    fails(
        &home,
        &[
            "Readiness timeout after 30s",
            "never:runtime not ready",
            "pod never-",
            "container web is not ready",
        ],
    );
}

#[test]
fn a_session_says_what_is_wrong_as_soon_as_the_cluster_knows() {
    let Some(stage) = Stage::new("a_session_says_what_is_wrong_as_soon_as_the_cluster_knows", "upfail") else {
        return;
    };
    let troubles = troubles();
    let watches: Vec<Program> = troubles
        .iter()
        .map(|trouble| stage.watch("pods", trouble.known.0))
        .collect();
    let session = Session::start(home(&stage, &troubles, ""), &["up"]);
    std::thread::scope(|scope| {
        for (trouble, mut watch) in troubles.iter().zip(watches) {
            let known = scope.spawn(move || {
                let value = format!("={}=", trouble.known.1);
                while !watch.line_with(&value).contains(trouble.name) {}
                Instant::now()
            });
            let mut log = session.follow(&["logs", "--follow", trouble.name]);
            scope.spawn(move || {
                let is_said = |line: &str| trouble.said.iter().skip(1).all(|part| line.contains(part));
                while !is_said(&log.line_with(trouble.said[1])) {}
                let said = Instant::now();
                let known = known.join().unwrap();
                let late = said.saturating_duration_since(known);
                eprintln!("{}: said {late:?} after kubectl knew", trouble.name);
            });
        }
    });
    for trouble in &troubles {
        let object = ("uiresource", trouble.name);
        let cause = trouble.said.last().unwrap();
        until_shown(&session, object, ".status", cause);
        assert_eq!(
            runtime_status(&session, trouble.name),
            trouble.status,
            "{}",
            trouble.name
        );
    }
}

#[test]
fn ci_says_which_object_the_cluster_refuses_and_why() {
    let Some(stage) = Stage::new("ci_says_which_object_the_cluster_refuses_and_why", "refuse") else {
        return;
    };
    let ci = |yaml: &str, parts: &[&str]| {
        let home = stage.home("k8s_yaml('it.yaml')\nk8s_resource(new_name='it', objects=['it'])");
        home.write("it.yaml", &format!("---\n{yaml}\n"));
        fails(&home, parts);
    };
    ci(
        "{apiVersion: nobody.example/v1, kind: Unheard, metadata: {name: it}}",
        &["Unheard", "nobody.example/v1", "it"],
    );
    ci(
        "{apiVersion: v1, kind: Service, metadata: {name: it}, spec: {ports: [{port: 99999}]}}",
        &["it", "spec.ports[0].port", "99999"],
    );
    ci(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: it, namespace: e2e-nobody-made}}",
        &["it", "e2e-nobody-made", "not found"],
    );
    stage.apply("{apiVersion: v1, kind: ResourceQuota, metadata: {name: small}, spec: {hard: {services: '0'}}}");
    stage.until("quota", "small", (".status.hard.services", "0"));
    ci(
        "{apiVersion: v1, kind: Service, metadata: {name: it}, spec: {ports: [{port: 80}]}}",
        &["it", "exceeded quota", "small"],
    );
}
