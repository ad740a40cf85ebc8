//! Pods of a test on the real cluster, in a namespace that goes with it.

use std::process::{Command, Stdio};

use tilt::world::kubeconfig::Sources;

use crate::support;

/// A small image with a shell and a web server, in the engine that the cluster's node runs on.
pub const IMAGE: &str = "tilt-test-streams:1";

/// A namespace, deleted when dropped.
pub struct Place {
    pub namespace: String,
    pub sources: Sources,
}

impl Place {
    /// Nothing where there is no cluster, no `kubectl` or no engine.
    pub fn new(test: &str) -> Option<Place> {
        let sources = super::sources(test)?;
        if ["kubectl", "docker"]
            .iter()
            .any(|program| support::is_skipped_without(program, test))
        {
            return None;
        }
        make_image();
        let namespace = format!("streams-{}", &uuid::Uuid::new_v4().to_string()[..8]);
        let place = Place { namespace, sources };
        place.kubectl(&["create", "namespace", &place.namespace]);
        Some(place)
    }

    pub fn kubectl(&self, args: &[&str]) -> String {
        let output = Command::new("kubectl")
            .args(["-n", &self.namespace])
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {}", support::stderr(&output));
        support::stdout(&output)
    }

    /// A pod that runs a script; ready as soon as it runs. Answers its uid.
    pub fn run(&self, pod: &str, port: u16, script: &str) -> String {
        let pod_json = serde_json::json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": pod, "namespace": self.namespace},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "automountServiceAccountToken": false,
                "containers": [{
                    "name": "main", "image": IMAGE, "imagePullPolicy": "IfNotPresent",
                    "command": ["/bin/busybox", "sh", "-c", script],
                    "ports": [{"containerPort": port}],
                }],
            },
        });
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pod.json");
        std::fs::write(&file, pod_json.to_string()).unwrap();
        self.kubectl(&["apply", "-f", file.to_str().unwrap()]);
        self.kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", &format!("pod/{pod}")]);
        self.kubectl(&["get", "pod", pod, "-o", "jsonpath={.metadata.uid}"])
    }

    pub async fn cluster(&self) -> tilt::world::cluster::Cluster {
        super::connect(&self.sources).await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let deleted = Command::new("kubectl")
            .args(["delete", "namespace", &self.namespace, "--wait=false"])
            .stdout(Stdio::null())
            .status();
        drop(deleted);
    }
}

fn make_image() {
    let known = Command::new("docker")
        .args(["image", "inspect", IMAGE])
        .output()
        .unwrap();
    if known.status.success() {
        return;
    }
    let mut tar = Command::new("tar")
        .args(["c", "-C", "/", "bin/busybox"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let made = Command::new("docker")
        .args(["import", "-", IMAGE])
        .stdin(tar.stdout.take().unwrap())
        .output()
        .unwrap();
    assert!(
        made.status.success() && tar.wait().unwrap().success(),
        "{}",
        support::stderr(&made)
    );
}
