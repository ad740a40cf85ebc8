//! The project of `testdata/projects/cluster` from nothing to ready, edited in every way, and down again.

use std::process::Output;

use super::stage::{Stage, fetched, port, runtime_status};
use crate::cluster::seen;
use crate::support::session::{Home, Session};
use crate::support::{copy_of, stderr, stdout, testdata};

/// A copy that meets nobody else's.
pub struct Demo {
    pub stage: Stage,
    pub home: Home,
    pub port: u16,
}

pub fn files(stage: &Stage) -> Home {
    let folder = copy_of(&testdata("projects/cluster"));
    for name in [
        "Tiltfile",
        "k8s/kind.yaml",
        "k8s/api.yaml",
        "k8s/web.yaml",
        "k8s/worker.yaml",
        "k8s/migrate.yaml",
        "api/Dockerfile",
        "web/Dockerfile",
        "worker/Dockerfile",
        "migrate/Dockerfile",
    ] {
        let file = folder.path().join(name);
        let text = std::fs::read_to_string(&file).unwrap();
        let own = text
            .replace("demo.tilt.dev", &format!("{}.tilt.dev", stage.namespace))
            .replace("demo/", &format!("{}/", stage.namespace))
            .replace("GracePeriodSeconds: 2", "GracePeriodSeconds: 1");
        std::fs::write(&file, own).unwrap();
    }
    let tiltfile = folder.path().join("Tiltfile");
    let text = std::fs::read_to_string(&tiltfile).unwrap();
    // The limit is that of `down` as well, and a cluster takes its time with a namespace.
    let own = "allow_k8s_contexts(k8s_context())\nupdate_settings(k8s_upsert_timeout_secs=120)\n";
    std::fs::write(&tiltfile, format!("{own}{text}")).unwrap();
    stage.furnished(Home::of(folder))
}

impl Demo {
    pub fn new(test: &str, topic: &str) -> Option<Demo> {
        let stage = Stage::new(test, topic)?;
        // The project brings its namespace itself.
        seen::kubectl(&["delete", "namespace", &stage.namespace], "");
        let home = files(&stage);
        let port = port();
        Some(Demo { stage, home, port })
    }

    pub fn words(&self, verb: &[&'static str]) -> Vec<String> {
        let (namespace, port) = (self.stage.namespace.clone(), self.port.to_string());
        let mut words: Vec<String> = verb.iter().map(|word| (*word).to_owned()).collect();
        words.extend(["--", "--namespace", &namespace, "--port", &port].map(str::to_owned));
        words
    }

    pub fn run(&self, verb: &[&'static str]) -> Output {
        let words = self.words(verb);
        self.home.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[track_caller]
    fn succeeds(&self) -> String {
        let output = self.run(&["ci", "--port", "0"]);
        let said = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{said}{}", stderr(&output));
        assert!(
            said.ends_with("SUCCESS. All workloads are healthy.\n"),
            "{said}{}",
            stderr(&output)
        );
        said
    }
}

#[test]
fn a_project_is_deployed_once_and_goes_again() {
    let Some(demo) = Demo::new("a_project_is_deployed_once_and_goes_again", "demo") else {
        return;
    };
    demo.succeeds();
    let stage = &demo.stage;
    let kinds = format!("deploy,sts,svc,cm,probes.{}.tilt.dev", stage.namespace);
    let kept = |path: &str| {
        let mut there = stage.fields(&kinds, path);
        there.retain(|line| !line.contains("kube-root-ca"));
        there.sort();
        there
    };
    let generations = || (kept(".metadata.uid"), kept(".metadata.generation"));
    let before = generations();
    let named: Vec<&str> = before.0.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(
        named,
        [
            "ConfigMap/extra",
            "ConfigMap/settings",
            "Deployment/api",
            "Deployment/web",
            "Probe/probe",
            "Service/api",
            "Service/web",
            "StatefulSet/worker"
        ]
    );
    let still = || {
        let settings = stage.field("cm", "settings", ".metadata.resourceVersion");
        let probe = format!("probes.{}.tilt.dev", stage.namespace);
        (settings, stage.field(&probe, "probe", ".metadata.resourceVersion"))
    };
    let versions = still();
    let pods = stage.fields("pods", ".metadata.uid");
    let said = demo.succeeds();
    assert_eq!((generations(), still()), (before, versions), "{said}");
    assert_eq!(stage.fields("pods", ".metadata.uid"), pods, "{said}");
    goes_again(&demo);
}

fn goes_again(demo: &Demo) {
    let stage = &demo.stage;
    let down = demo.run(&["down"]);
    assert!(down.status.success(), "{}{}", stdout(&down), stderr(&down));
    assert_eq!(stage.kubectl(&["get", "deploy,sts,svc,job", "-o", "name"]), "");
    assert!(!stage.is_there("cm", "settings") && !stage.is_there("cm", "extra"));
    assert!(!stage.is_there("crd", &format!("probes.{}.tilt.dev", stage.namespace)));
    assert!(stage.is_there("namespace", &stage.namespace));
    assert!(stdout(&down).contains("Not deleting namespaces"), "{}", stdout(&down));
    // A node takes its time with pods, which a namespace waits for.
    stage.until_gone("pods --all");
    let down = demo.run(&["down", "--delete-namespaces"]);
    assert!(down.status.success(), "{}{}", stdout(&down), stderr(&down));
    stage.until_gone(&format!("namespace/{}", stage.namespace));
}

#[test]
fn every_kind_of_edit_reaches_the_cluster() {
    let Some(demo) = Demo::new("every_kind_of_edit_reaches_the_cluster", "edit") else {
        return;
    };
    let words = demo.words(&["up"]);
    let Demo { stage, home, port } = demo;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut session = Session::start(home, &words);
    for resource in ["migrate", "api", "web", "worker", "probe", "extra"] {
        session.wait("Ready", resource);
    }
    fetched(port, "hello from api");
    let (first, web) = (stage.pod("api"), stage.pod("web"));
    // The source of an image: a pod of its own kind only.
    session.write("api/index.html", "hello from another api");
    fetched(port, "hello from another api");
    assert_ne!(stage.pod("api"), first);
    assert_eq!(stage.pod("web"), web);
    // A pod may be served before its log is there.
    for _ in 0..2 {
        session.line_with("│ api begins");
    }
    let logged = session.said(&["logs", "api"]);
    assert_eq!(logged.matches("api begins").count(), 2, "{logged}");
    edits_of_yaml(&session, &stage);
    assert_eq!(runtime_status(&session, "front"), "ok");
    let migrated = session.said(&["logs", "migrate"]);
    assert_eq!(migrated.matches("migrating").count(), 1, "{migrated}");
    session.interrupt();
    assert!(
        stage.is_there("deploy", "api"),
        "a session that ends leaves what it deployed"
    );
}

fn edits_of_yaml(session: &Session, stage: &Stage) {
    let change = |file: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(session.path(file)).unwrap();
        assert!(text.contains(from), "{text}");
        session.write(file, &text.replace(from, to));
    };
    let web = stage.pod("web");
    change(
        "k8s/web.yaml",
        "labels: {app: web}\n    spec:",
        "labels: {app: web, edited: 'yes'}\n    spec:",
    );
    stage.until("deploy", "web", (".spec.template.metadata.labels.edited", "yes"));
    stage.until("deploy", "web", (".status.observedGeneration", "2"));
    stage.until("deploy", "web", (".status.updatedReplicas", "1"));
    assert_ne!(stage.pod("web"), web);
    change("k8s/settings.yaml", "role: reader", "role: writer");
    stage.until("cm", "settings", (".data.role", "writer"));
    change("extra/extra.yaml", "made-by: a command", "made-by: another");
    stage.until("cm", "extra", (".data.made-by", "another"));
    // And the Tiltfile: of what it no longer names nothing is left.
    change(
        "Tiltfile",
        "'api', 'web', 'worker', 'migrate']:",
        "'api', 'worker', 'migrate']:",
    );
    change(
        "Tiltfile",
        "k8s_resource('web', resource_deps=['setup'], labels=['front'])",
        "",
    );
    stage.until_gone("deployment/web");
    stage.until_gone("service/web");
    let api = stage.field("deploy", "api", ".metadata.uid");
    change(
        "Tiltfile",
        "k8s_resource('api', ",
        "k8s_resource('api', new_name='front', ",
    );
    session.wait("Ready", "front");
    assert_eq!(
        stage.field("deploy", "api", ".metadata.uid"),
        api,
        "another name is no other object"
    );
}
