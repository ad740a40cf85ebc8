//! Orders carried out in a real cluster: every kind of change, every fallback that can be provoked, and beside `kubectl`.

mod changes;
mod down;
mod fallbacks;
mod kubectl;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use tilt::deploy::{Deployer, Mode, Order, Removal, Start, Unfinished};
use tilt::model::deployed::{Deployed, ObjectRef};
use tilt::model::kube::{self, Object};
use tilt::world::cluster::Cluster;
use tilt::world::kubeconfig::{self, Sources};
use tokio_util::sync::CancellationToken;

use crate::support;

/// A namespace of a test's own, and a way to put things there.
struct Desk {
    namespace: String,
    deployer: Deployer,
    said: Mutex<Vec<String>>,
}

/// The clock of a test is that of the cluster: nobody else has a namespace of this name.
fn unique(name: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("apply-{name}-{}", &id[..8])
}

/// What `kubectl` prints; it has to succeed.
fn kubectl(args: &[&str]) -> String {
    let output = Command::new("kubectl").args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", support::stderr(&output));
    support::stdout(&output)
}

fn kubectl_with(args: &[&str], input: &str) -> String {
    use std::io::Write;
    let mut child = Command::new("kubectl")
        .args(args)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", support::stderr(&output));
    support::stdout(&output)
}

/// A cluster whose objects without a namespace go to this one.
async fn cluster(sources: &Sources, namespace: &str) -> Cluster {
    let sources = Sources {
        namespace: Some(namespace.to_owned()),
        ..sources.clone()
    };
    let context = kubeconfig::active(&sources).unwrap().expect("a context");
    Cluster::connect(&sources, &context, &BTreeMap::new()).await.unwrap()
}

impl Desk {
    async fn new(test: &str, name: &str) -> Option<Desk> {
        let sources = super::sources(test)?;
        if support::is_skipped_without("kubectl", test) {
            return None;
        }
        let namespace = unique(name);
        kubectl(&["create", "namespace", &namespace]);
        let cluster = cluster(&sources, &namespace).await;
        Some(Desk {
            namespace,
            deployer: Deployer::new(cluster),
            said: Mutex::default(),
        })
    }

    async fn apply_as(&self, order: &Order<'_>) -> Result<Deployed, Box<Unfinished>> {
        let say = |line: tilt::deploy::Line| self.said.lock().unwrap().push(line.text);
        self.deployer.apply(order, &CancellationToken::new(), &say).await
    }

    async fn apply(&self, yaml: &str, mode: Mode) -> Result<Deployed, Box<Unfinished>> {
        let objects = kube::parse(yaml).unwrap();
        let order = Order {
            mode,
            ..order(&objects)
        };
        self.apply_as(&order).await
    }

    async fn delete(&self, objects: &[ObjectRef]) {
        let removal = Removal {
            // The controllers of a cluster take their time with a namespace.
            timeout: Duration::from_secs(120),
            is_waited_for: true,
            uid: None,
        };
        let say = |line: tilt::deploy::Line| self.said.lock().unwrap().push(line.text);
        self.deployer
            .delete(objects, &removal, (&CancellationToken::new(), &say))
            .await
            .unwrap();
    }

    /// One field of an object in the namespace, by `kubectl`'s path.
    fn field(&self, object: &str, path: &str) -> String {
        kubectl(&["-n", &self.namespace, "get", object, "-o", &format!("jsonpath={path}")])
    }

    fn is_there(&self, object: &str) -> bool {
        !kubectl(&["-n", &self.namespace, "get", object, "--ignore-not-found", "-o", "name"]).is_empty()
    }

    fn kubectl(&self, args: &[&str]) -> String {
        let args: Vec<&str> = ["-n", &self.namespace]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        kubectl(&args)
    }

    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let delete = [
            "delete",
            "namespace",
            &self.namespace,
            "--wait=false",
            "--ignore-not-found",
        ];
        drop(Command::new("kubectl").args(delete).output());
    }
}

fn order(objects: &[Object]) -> Order<'_> {
    Order {
        objects,
        hash: "",
        mode: Mode::ClientSide,
        start: Start::WithWhatIsThere,
        timeout: Duration::from_secs(30),
        uid: None,
        before: None,
        elsewhere: &[],
    }
}

fn config_map(name: &str, data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {data}\n")
}
