//! The agent in containers of a real cluster, reached through its API server.

use std::process::{Command, Stdio};
use std::time::Instant;

use tilt::world::agent::{self, Agent, Exit, StartError, Stream, Way};
use tilt::world::cluster::Cluster;
use tokio_util::sync::CancellationToken;

use crate::support;
use crate::support::agent::{Image, measure, measure_bulk, start, works};

/// A namespace, deleted when dropped.
struct Place {
    namespace: String,
    cluster: Cluster,
}

impl Place {
    async fn new(test: &str) -> Option<Place> {
        let sources = super::sources(test)?;
        if ["kubectl", "docker"]
            .iter()
            .any(|program| support::is_skipped_without(program, test))
        {
            return None;
        }
        let namespace = format!("reach-{}", &uuid::Uuid::new_v4().to_string()[..8]);
        let cluster = super::connect(&sources).await;
        kubectl(&["create", "namespace", &namespace]);
        Some(Place { namespace, cluster })
    }

    /// A pod that sleeps; ready as soon as it runs.
    fn run(&self, pod: &str, image: &Image, security: serde_json::Value, mounts: &[&str]) -> agent::Place {
        let name = |path: &str| path.trim_start_matches('/').to_owned();
        let volumes: Vec<_> = mounts
            .iter()
            .map(|path| serde_json::json!({"name": name(path), "emptyDir": {}}))
            .collect();
        let mounts: Vec<_> = mounts
            .iter()
            .map(|path| serde_json::json!({"name": name(path), "mountPath": path}))
            .collect();
        let json = serde_json::json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": pod, "namespace": self.namespace},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "automountServiceAccountToken": false,
                "volumes": volumes,
                "containers": [{
                    "name": "main", "image": image.0, "imagePullPolicy": "Never",
                    "command": ["/bin/sleep", "1000"], "securityContext": security, "volumeMounts": mounts,
                }],
            },
        });
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pod.json");
        std::fs::write(&file, json.to_string()).unwrap();
        kubectl(&["apply", "-f", file.to_str().unwrap()]);
        let wait = ["wait", "--for=condition=Ready", "--timeout=90s", "-n", &self.namespace];
        kubectl(&[&wait[..], &[&format!("pod/{pod}")]].concat());
        agent::Place::Kubernetes(agent::Pod {
            cluster: self.cluster.clone(),
            namespace: self.namespace.clone(),
            pod: pod.to_owned(),
            container: "main".to_owned(),
            arch: String::new(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let args = ["delete", "namespace", &self.namespace, "--wait=false"];
        drop(Command::new("kubectl").args(args).stdout(Stdio::null()).status());
    }
}

fn kubectl(args: &[&str]) {
    let output = Command::new("kubectl").args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", support::stderr(&output));
}

async fn run(agent: &Agent, words: &[&str]) -> (Exit, String) {
    let mut said = String::new();
    let mut hear = |_: Stream, bytes: &[u8]| said.push_str(&String::from_utf8_lossy(bytes));
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let exit = agent.run(&words, &mut hear, &CancellationToken::new()).await.unwrap();
    (exit, said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_works_in_pods_of_several_kinds() {
    let Some(place) = Place::new("an_agent_works_in_pods_of_several_kinds").await else {
        return;
    };
    let shell = Image::with_shell("pods");
    let tar = Image::with("pods-tar", "sleep tar");
    let bare = Image::with("pods-bare", "sleep");
    let strict =
        serde_json::json!({"runAsUser": 1234, "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false});
    let table = [
        ("shell", &shell, serde_json::json!({}), &[][..], Way::Shell, 0),
        ("strict", &shell, strict, &["/app"], Way::Shell, 1234),
        ("tar", &tar, serde_json::json!({}), &[], Way::Tar, 0),
    ];
    for (kind, image, security, mounts, way, uid) in table {
        let container = place.run(kind, image, security, mounts);
        for time in ["first", "second"] {
            let began = Instant::now();
            let (agent, _news) = start(container.clone())
                .await
                .unwrap_or_else(|error| panic!("{kind}: {error}"));
            println!("{kind}: {time} start {:?}, {:?}", began.elapsed(), agent.about());
            assert_eq!((&agent.about().way, agent.about().uid), (&way, uid), "{kind}");
            works(&agent).await;
            if kind == "shell" {
                let ended = run(&agent, &["sh", "-c", "echo out; exit 3"]).await;
                assert_eq!(ended, (Exit::Code(3), "out\n".to_owned()));
            }
        }
    }
    let container = place.run("bare", &bare, serde_json::json!({}), &[]);
    let error = start(container).await.err().expect("no way in");
    println!("{error}");
    assert!(matches!(error, StartError::NoWay { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_through_the_api_server_carries_much_and_little() {
    let Some(place) = Place::new("a_stream_through_the_api_server_carries_much_and_little").await else {
        return;
    };
    let image = Image::with_shell("pods-speed");
    let container = place.run("speed", &image, serde_json::json!({}), &[]);
    let (agent, _news) = start(container).await.unwrap();
    measure("cluster", &agent).await;
    measure_bulk("cluster", &agent).await;
}
