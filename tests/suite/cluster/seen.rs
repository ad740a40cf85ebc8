//! What tests of things in a cluster share: a namespace of their own, an image, and waiting for what is awaited.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use tilt::deploy::discovery::{Discoveries, EventLine, Follow, News};
use tilt::model::deployed::{Wanted, WatchRef};
use tilt::model::pod::Pod;
use tilt::model::time::Time;
use tilt::world::cluster::Cluster;
use tilt::world::kubeconfig::{self, Sources};

use super::sources;
use crate::support;

pub const IMAGE: &str = "tilt-test-busybox:track";
const PATIENCE: Duration = Duration::from_secs(90);

/// A namespace that goes with the test.
pub struct Place {
    pub namespace: String,
    pub cluster: Cluster,
}

/// Nothing where there is no cluster, or nothing to make pods of.
pub async fn place(test: &str, name: &str) -> Option<Place> {
    let sources = sources(test)?;
    for program in ["kubectl", "docker"] {
        if support::is_skipped_without(program, test) {
            return None;
        }
    }
    image();
    let namespace = format!("track-{name}-{}", &uuid::Uuid::new_v4().to_string()[..8]);
    kubectl(&["create", "namespace", &namespace], "");
    let cluster = connect(&sources).await;
    Some(Place { namespace, cluster })
}

pub async fn connect(sources: &Sources) -> Cluster {
    let context = kubeconfig::active(sources).unwrap().expect("a context");
    Cluster::connect(sources, &context, &BTreeMap::new()).await.unwrap()
}

pub fn image() {
    static MADE: std::sync::Once = std::sync::Once::new();
    MADE.call_once(|| {
        let script = format!(
            "docker image inspect {IMAGE} >/dev/null 2>&1 || \
             tar c -C / bin/busybox | docker import -c 'ENV PATH=/bin' - {IMAGE} >/dev/null"
        );
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    });
}

pub fn kubectl(args: &[&str], input: &str) -> String {
    let mut command = Command::new("kubectl");
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", support::stderr(&output));
    support::stdout(&output)
}

impl Drop for Place {
    fn drop(&mut self) {
        let args = [
            "delete",
            "namespace",
            &self.namespace,
            "--wait=false",
            "--grace-period=1",
        ];
        drop(Command::new("kubectl").args(args).output());
    }
}

impl Place {
    pub fn kubectl(&self, args: &[&str]) -> String {
        kubectl(&[&["-n", &self.namespace], args].concat(), "")
    }

    /// The uid of what was applied.
    pub fn apply(&self, yaml: &str) -> WatchRef {
        let args = [
            "-n",
            &self.namespace,
            "apply",
            "-f",
            "-",
            "-o",
            "jsonpath={.metadata.uid} {.metadata.name}",
        ];
        // What begins with a brace is taken for JSON.
        let told = kubectl(&args, &format!("---\n{yaml}"));
        let (uid, name) = told.split_once(' ').expect("a uid and a name");
        WatchRef {
            uid: uid.into(),
            namespace: self.namespace.as_str().into(),
            name: name.into(),
        }
    }

    pub fn follow(&self, discoveries: &Discoveries, watch: WatchRef) -> Seen {
        let wanted = Wanted {
            watches: vec![watch],
            ..Wanted::default()
        };
        Seen {
            follow: discoveries.follow(wanted, Time::default()),
            pods: Vec::new(),
            events: Vec::new(),
            states: Vec::new(),
        }
    }
}

/// What one follower was told.
pub struct Seen {
    pub follow: Follow,
    pub pods: Vec<std::sync::Arc<Pod>>,
    pub events: Vec<EventLine>,
    pub states: Vec<News>,
}

impl Seen {
    pub async fn until(&mut self, what: &str, is_so: impl Fn(&Seen) -> bool) {
        let waiting = async {
            while !is_so(self) {
                match self.follow.next().await {
                    News::Pods(pods) => self.pods = pods,
                    News::Event(line) => self.events.push(line),
                    state => self.states.push(state),
                }
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(
            waited.is_ok(),
            "{what}: {:#?} {:#?} {:?}",
            self.pods,
            self.events,
            self.states
        );
    }

    pub fn errors(&self) -> Vec<&String> {
        self.pods.iter().flat_map(|pod| &pod.errors).collect()
    }
}

/// A pod's spec that runs a script.
pub fn running(script: &str) -> String {
    let script = serde_json::to_string(script).unwrap();
    format!(
        "terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, containers: [{{name: web, image: '{IMAGE}', \
         imagePullPolicy: IfNotPresent, command: [/bin/busybox, sh, -c, {script}]}}]"
    )
}

pub fn deployment(name: &str, replicas: u32, spec: &str) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}}}, spec: {{replicas: {replicas}, \
         selector: {{matchLabels: {{app: {name}}}}}, template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{{spec}}}}}}}}}"
    )
}

pub fn pod(name: &str, spec: &str) -> String {
    format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{restartPolicy: Never, {spec}}}}}")
}
