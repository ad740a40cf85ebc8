//! Whatever somebody does to files and whatever befalls the pods: once a session has come to rest, the container has what is here.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use tilt::model::filter::Filter;

use super::stage::Stage;
use crate::support::engine;
use crate::support::session::Session;
use crate::support::tree::dice::Dice;
use crate::support::tree::editor::{Editor, MARK};
use crate::support::tree::{self, LEFT_OUT, bursts, compare};

const CRASH: &str = "the container is killed";
const PATIENCE: Duration = Duration::from_secs(120);

fn tiltfile(stage: &Stage) -> String {
    let ignore: Vec<String> = LEFT_OUT.iter().map(|pattern| format!("'{pattern}'")).collect();
    format!(
        "docker_build('{}/tree', 'project', dockerfile='Dockerfile', ignore=[{}], live_update=[sync('project', '/app')])\n\
         k8s_yaml('tree.yaml')\n",
        stage.namespace,
        ignore.join(", ")
    )
}

fn yaml(stage: &Stage) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: tree}}\nspec:\n  replicas: 1\n  \
         selector: {{matchLabels: {{app: tree}}}}\n  template:\n    metadata: {{labels: {{app: tree}}}}\n    spec:\n      \
         terminationGracePeriodSeconds: 0\n      automountServiceAccountToken: false\n      containers:\n        - {{name: tree, image: {}/tree, command: [/bin/busybox, sleep, '100000']}}\n",
        stage.namespace
    )
}

/// What the newest pod's container has; nothing while there is none to ask.
fn there(stage: &Stage, root: &Path, filter: &Filter) -> Option<compare::Tree> {
    let ids = stage.try_kubectl(&[
        "get",
        "pods",
        "-l",
        "app=tree",
        "--sort-by=.metadata.creationTimestamp",
        "-o",
        "jsonpath={.items[-1:].status.containerStatuses[0].containerID}",
    ]);
    let id = String::from_utf8_lossy(&ids.stdout).into_owned();
    let id = id.strip_prefix("docker://")?;
    let is_running = engine::docker(&["inspect", "-f", "{{.State.Running}}", id]);
    if is_running.stdout != b"true\n" {
        return None;
    }
    let mut tree = compare::of_container(id, "/app").ok()?;
    // An image may have what nobody watches.
    tree.retain(|path, _| !filter.matches(&root.join(path)));
    Some(tree)
}

/// Looks until both are equal.
#[track_caller]
fn assert_becomes_equal(stage: &Stage, (root, filter): (&Path, &Filter), (when, session): (&str, &Session)) {
    let began = Instant::now();
    let here = compare::local(root, filter);
    loop {
        let there = there(stage, root, filter);
        let differences = match &there {
            Some(there) => compare::differences(&here, there),
            None => vec!["no container runs".to_owned()],
        };
        if differences.is_empty() {
            return;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{when}: {} of {} differ:\n{}\n{}",
            differences.len(),
            here.len(),
            differences.join("\n"),
            circumstances(stage, session)
        );
    }
}

/// What the session and the cluster think of it.
fn circumstances(stage: &Stage, session: &Session) -> String {
    let words = [
        &["logs", "tree"][..],
        &["get", "uiresource", "tree", "-o", "yaml"],
        &["get", "liveupdate", "-o", "yaml"],
    ];
    let mut told: Vec<String> = words.iter().map(|words| session.said(words)).collect();
    told.push(stage.kubectl(&["get", "pods", "-l", "app=tree", "-o", "jsonpath={.items[*].status}"]));
    told.join("\n---\n")
}

#[test]
fn a_session_keeps_a_container_equal_to_the_files_whatever_happens_to_either() {
    let test = "a_session_keeps_a_container_equal_to_the_files_whatever_happens_to_either";
    let Some(stage) = Stage::new(test, "tree") else { return };
    engine::base();
    let home = stage.home(&tiltfile(&stage));
    home.write("Dockerfile", "FROM tilt-test/busybox:1\nCOPY . /app\n");
    home.write("tree.yaml", &yaml(&stage));
    std::fs::create_dir(home.path("project")).unwrap();
    let root = home.path("project").canonicalize().unwrap();
    let filter = Filter::new(&tree::ignores(&root)).unwrap();
    let (bursts, seed) = bursts(25, 3);
    let mut editor = Editor::new(&root, seed);
    editor.burst(60);
    // An image cannot be made of pipes.
    editor.remove_pipes();
    let session = Session::start(home, &["up"]);
    session.wait("Ready", "tree");
    assert_becomes_equal(&stage, (&root, &filter), ("at first", &session));
    let mut dice = Dice::new(!seed);
    let mut kills: BTreeMap<&str, usize> = BTreeMap::new();
    for burst in 0..bursts {
        if dice.once_in(4) {
            *kills.entry(kill(&stage, &mut dice)).or_default() += 1;
        }
        editor.burst(1 + dice.below(40));
        std::fs::write(root.join(MARK), format!("{burst}")).unwrap();
        let when = format!("seed {seed}, burst {burst}");
        assert_becomes_equal(&stage, (&root, &filter), (&when, &session));
    }
    let logged = session.said(&["logs", "tree"]);
    let builds = logged.matches("— Building Dockerfile: [").count();
    println!("{} operations, {kills:?}, {builds} builds", editor.done);
    // While all containers are dead, as upstream has it, a change is for a build.
    let crashes = kills.get(CRASH).copied().unwrap_or_default();
    assert!(builds <= 1 + crashes, "{builds} builds\n{logged}");
}

/// A pod, or what runs in it.
fn kill(stage: &Stage, dice: &mut Dice) -> &'static str {
    let pod = stage.pod("tree");
    if dice.once_in(2) {
        stage.kubectl(&["delete", "pod", &pod, "--grace-period=0", "--force"]);
        return "the pod is gone";
    }
    let id = stage.field("pod", &pod, ".status.containerStatuses[0].containerID");
    // It may be between two lives.
    engine::docker(&["kill", id.trim_start_matches("docker://")]);
    CRASH
}
