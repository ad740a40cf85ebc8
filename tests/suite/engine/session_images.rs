//! Images in a running session: built for what deploys them, built again when their files change, shown as objects.

use std::process::Output;

use serde_json::Value;

use crate::engine::support::Name;
use crate::support::engine::{BASE, base, docker_ok, is_skipped};
use crate::support::session::{Home, Session};
use crate::support::{skip, stderr, stdout};

fn tiltfile(name: &Name) -> String {
    let name = name.as_str();
    format!(
        "docker_build('{name}-base', 'base')
docker_build('{name}', 'app')
k8s_yaml(blob('''
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 0
  automountServiceAccountToken: false
  containers:
  - {{name: app, image: {name}, command: [/bin/busybox, sleep, '1000']}}
'''))
k8s_resource('{name}', new_name='app')
"
    )
}

/// What deploys the images needs somewhere to go.
fn cluster(test: &str) -> Option<String> {
    let kubeconfig = std::env::var("KUBECONFIG").ok();
    if kubeconfig.is_none() {
        skip(test, "KUBECONFIG names no cluster");
    }
    kubeconfig
}

/// Deletes what was deployed.
struct Deployed<'a>(&'a Home, &'a str);

impl Deployed<'_> {
    fn run(&self, words: &[&str]) -> Output {
        let mut command = self.0.tilt(words);
        command.env("KUBECONFIG", self.1).output().expect("tilt runs")
    }
}

impl Drop for Deployed<'_> {
    fn drop(&mut self) {
        drop(self.run(&["down"]));
    }
}

fn files(home: &Home, name: &Name) {
    for (folder, dockerfile) in [
        ("base", format!("FROM {BASE}\nCOPY . /base\n")),
        ("app", format!("FROM {}-base\nCOPY . /app\n", name.as_str())),
    ] {
        std::fs::create_dir(home.path(folder)).unwrap();
        home.write(&format!("{folder}/Dockerfile"), &dockerfile);
        home.write(&format!("{folder}/text"), folder);
    }
}

#[test]
fn ci_builds_bases_first_and_nothing_twice() {
    let test = "ci_builds_bases_first_and_nothing_twice";
    let Some(cluster) = cluster(test).filter(|_| !is_skipped(test)) else {
        return;
    };
    base();
    let name = Name::new("ci");
    let home = Home::with(&tiltfile(&name));
    files(&home, &name);
    let deployed = Deployed(&home, &cluster);
    let first = deployed.run(&["ci", "--port", "0"]);
    let said = stdout(&first);
    let step = |text: &str| said.find(text).unwrap_or_else(|| panic!("no `{text}` in {said}"));
    let base_step = step(&format!("STEP 1/3 — Building Dockerfile: [{}-base]", name.as_str()));
    let app_step = step(&format!("STEP 2/3 — Building Dockerfile: [{}]", name.as_str()));
    assert!(
        base_step < app_step && app_step < step("STEP 3/3 — Deploying"),
        "{said}"
    );
    assert!(first.status.success(), "{said}{}", stderr(&first));
    let tags = name.tags();
    assert_eq!(tags.len(), 2, "one tag each: {tags:?}");
    let again = stdout(&deployed.run(&["ci", "--port", "0"]));
    assert_eq!(again.matches("Nothing to build").count(), 2, "{again}");
    assert_eq!(name.tags(), tags);
    let anew = stdout(&deployed.run(&["ci", "--port", "0", "--no-cache"]));
    assert_eq!(anew.matches("Nothing to build").count(), 0, "{anew}");
}

fn image(session: &Session, name: &Name) -> Value {
    let text = session.said(&["get", "dockerimage", &format!("app:{}", name.as_str()), "-o", "json"]);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_saved_file_builds_what_it_is_part_of_and_no_more() {
    let test = "a_saved_file_builds_what_it_is_part_of_and_no_more";
    let Some(cluster) = cluster(test).filter(|_| !is_skipped(test)) else {
        return;
    };
    base();
    let name = Name::new("up");
    let home = Home::with(&tiltfile(&name));
    files(&home, &name);
    let mut session = Session::start_with(home, &["up"], &[("KUBECONFIG", &cluster)]);
    session.line_with("DONE IN: ");
    let first = image(&session, &name);
    let reference = first["status"]["ref"].as_str().unwrap().to_owned();
    assert!(first["status"]["completed"]["error"].is_null(), "{first}");
    let stages = first["status"]["stageStatuses"].as_array().unwrap();
    assert!(
        stages.iter().any(|stage| stage["name"] == "[2/2] COPY . /app"),
        "{stages:?}"
    );
    session.write("app/text", "saved");
    session.line_with("1 File Changed: [");
    session.line_with("DONE IN: ");
    let second = image(&session, &name)["status"]["ref"].as_str().unwrap().to_owned();
    assert_ne!(second, reference);
    assert_eq!(
        docker_ok(&["run", "--rm", "--network", "none", &second, "/bin/cat", "/app/text"]),
        "saved"
    );
    let map = session.said(&["get", "imagemap", name.as_str(), "-o", "jsonpath={.status.image}"]);
    assert_eq!(map, second);
    session.write(
        "app/Dockerfile",
        &format!("FROM {}-base\nCOPPY . /app\n", name.as_str()),
    );
    session.line_with("did you mean COPY?");
    session.write(
        "app/Dockerfile",
        &format!("FROM {}-base\nCOPY . /app\nENV MENDED=1\n", name.as_str()),
    );
    session.line_with("DONE IN: ");
    // What was disabled is deleted.
    session.said(&["disable", "app"]);
    session.line_with("deleted");
}
