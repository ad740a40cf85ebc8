//! Watches over connections that break, against an API server that speaks in pieces.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::*;
use crate::world::kubeconfig::{self, Sources};

/// One answer, and what becomes of the connection after it.
#[derive(Clone)]
struct Answer {
    /// What the request has to ask for.
    asked: &'static str,
    head: &'static str,
    body: Vec<u8>,
    then: Then,
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    /// The answer is whole.
    End,
    /// The connection is cut.
    Cut,
    /// It stays, and nothing comes.
    Stay,
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n";

fn answer(asked: &'static str, body: impl Into<Vec<u8>>, then: Then) -> Answer {
    Answer {
        asked,
        head: OK,
        body: body.into(),
        then,
    }
}

/// Gives its answers in order, whoever asks; what it was not told of is a stranger.
struct Server {
    cluster: Cluster,
    strangers: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
    _folder: tempfile::TempDir,
}

impl Server {
    async fn start(answers: Vec<Answer>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let text = format!(
            "current-context: x\ncontexts: [{{name: x, context: {{cluster: x, user: x}}}}]\n\
             clusters: [{{name: x, cluster: {{server: 'http://{}'}}}}]\nusers: [{{name: x, user: {{token: t}}}}]\n",
            listener.local_addr().unwrap()
        );
        std::fs::write(&file, text).unwrap();
        let sources = Sources {
            variable: Some(file.display().to_string()),
            ..Sources::default()
        };
        let context = kubeconfig::active(&sources).unwrap().unwrap();
        let strangers = Arc::new(Mutex::new(Vec::new()));
        let mut serving = JoinSet::new();
        let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
        let told = strangers.clone();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, answers.clone(), told.clone()));
            }
        });
        Server {
            cluster: Cluster::connect(&sources, &context, &BTreeMap::new()).await.unwrap(),
            strangers,
            _serving: serving,
            _folder: folder,
        }
    }

    fn watches(&self) -> Watches {
        Watches::new(self.cluster.clone())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(*self.strangers.lock().unwrap(), [""; 0]);
        }
    }
}

async fn serve(mut stream: TcpStream, answers: Arc<Mutex<VecDeque<Answer>>>, strangers: Arc<Mutex<Vec<String>>>) {
    loop {
        let mut reader = BufReader::new(&mut stream);
        let mut request = String::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            request.push_str(&line);
        }
        let target = request.split_whitespace().nth(1).unwrap().to_owned();
        let next = answers.lock().unwrap().pop_front();
        let Some(answer) = next else {
            // Nothing more is known: whoever asks waits.
            return std::future::pending().await;
        };
        if !target.contains(answer.asked) {
            strangers.lock().unwrap().push(format!("{target} for {}", answer.asked));
        }
        let whole = answer.then == Then::End;
        let head = match whole {
            true => format!("{}Content-Length: {}\r\n\r\n", answer.head, answer.body.len()),
            false => format!("{}Transfer-Encoding: chunked\r\n\r\n", answer.head),
        };
        stream.write_all(head.as_bytes()).await.unwrap();
        if whole {
            stream.write_all(&answer.body).await.unwrap();
            continue;
        }
        if !answer.body.is_empty() {
            stream
                .write_all(format!("{:x}\r\n", answer.body.len()).as_bytes())
                .await
                .unwrap();
            stream.write_all(&answer.body).await.unwrap();
            stream.write_all(b"\r\n").await.unwrap();
        }
        stream.flush().await.unwrap();
        match answer.then {
            Then::Cut => return,
            _ => return std::future::pending().await,
        }
    }
}

const WATCH: &str = "/api/v1/namespaces/n/pods?watch=true";
const LIST: &str = "/api/v1/namespaces/n/pods?limit=500";

fn pod(name: &str, version: u32, phase: &str) -> String {
    format!(
        r#"{{"metadata": {{"name": "{name}", "namespace": "n", "uid": "u-{name}", "resourceVersion": "{version}"}},
            "spec": {{"containers": null}}, "status": {{"phase": "{phase}"}}}}"#
    )
    .replace('\n', "")
}

fn list(version: u32, pods: &[String]) -> String {
    format!(
        r#"{{"metadata": {{"resourceVersion": "{version}"}}, "items": [{}]}}"#,
        pods.join(",")
    )
}

fn line(kind: &str, object: &str) -> String {
    format!("{{\"type\": \"{kind}\", \"object\": {object}}}\n")
}

/// Changes in a few words.
async fn told(watching: &mut Watching<Arc<Pod>>, count: usize) -> Vec<String> {
    let mut told = Vec::new();
    while told.len() < count {
        told.push(match watching.next().await {
            Change::Lost => continue,
            Change::All(pods) => format!(
                "all {}",
                pods.iter().map(|pod| &*pod.name).collect::<Vec<_>>().join(" ")
            ),
            Change::Put(pod) => format!("{} {}", pod.name, pod.phase),
            Change::Gone(pod) => format!("{} gone", pod.name),
            Change::Failed(error) => format!("failed: {error}"),
            Change::Recovered => "recovered".to_owned(),
            Change::Unwatchable(error) => format!("unwatchable: {error}"),
        });
    }
    told
}

#[tokio::test]
async fn wherever_a_watch_is_cut_nothing_is_lost_or_repeated() {
    let lines = [
        line("ADDED", &pod("a", 11, "Pending")),
        line("BOOKMARK", r#"{"metadata": {"resourceVersion": "15"}}"#),
        line("MODIFIED", &pod("a", 21, "Running")),
        line("DELETED", &pod("a", 31, "Succeeded")),
    ];
    let whole: String = lines.concat();
    let versions = ["10", "11", "15", "21", "31"];
    for at in (0..=whole.len()).step_by(3) {
        // The server goes on after the last line that came through.
        let mut end = 0;
        let through = lines.iter().take_while(|line| {
            end += line.len();
            end <= at
        });
        let count = through.count();
        let resumed: &'static str = match versions[count] {
            "10" => "resourceVersion=10",
            "11" => "resourceVersion=11",
            "15" => "resourceVersion=15",
            "21" => "resourceVersion=21",
            _ => "resourceVersion=31",
        };
        let server = Server::start(vec![
            answer(LIST, list(10, &[]), Then::End),
            answer(WATCH, &whole.as_bytes()[..at], Then::Cut),
            answer(resumed, lines[count..].concat(), Then::Stay),
        ])
        .await;
        let mut watching = server.watches().pods("n");
        let waited = tokio::time::timeout(std::time::Duration::from_secs(20), told(&mut watching, 4)).await;
        assert_eq!(waited.unwrap(), ["all ", "a Pending", "a Running", "a gone"], "{at}");
    }
}

#[tokio::test]
async fn what_the_cluster_has_forgotten_is_listed_again() {
    let gone = r#"{"kind": "Status", "code": 410, "message": "too old resource version"}"#;
    let server = Server::start(vec![
        answer(LIST, list(10, &[pod("a", 3, "Running")]), Then::End),
        answer("resourceVersion=10", line("ERROR", gone), Then::Stay),
        answer(LIST, list(50, &[pod("b", 40, "Running")]), Then::End),
        answer(
            "resourceVersion=50",
            line("MODIFIED", &pod("b", 51, "Failed")),
            Then::Stay,
        ),
    ])
    .await;
    let mut watching = server.watches().pods("n");
    assert_eq!(told(&mut watching, 3).await, ["all a", "all b", "b Failed"]);
}

#[tokio::test]
async fn a_watch_that_is_not_allowed_is_told_once_and_replaced_by_looking_again() {
    let refusal = r#"{"kind": "Status", "code": 403, "message": "pods is forbidden: cannot watch"}"#;
    let server = Server::start(vec![
        answer(LIST, list(10, &[]), Then::End),
        Answer {
            head: FORBIDDEN,
            ..answer(WATCH, refusal, Then::End)
        },
        answer(LIST, list(11, &[pod("a", 11, "Running")]), Then::End),
    ])
    .await;
    let mut watching = server.watches().pods("n");
    let heard = told(&mut watching, 3).await;
    let server = &server.cluster.identity().server;
    let refused = format!("unwatchable: the cluster at {server} refuses: 403 pods is forbidden: cannot watch");
    assert_eq!(heard, ["all ", &refused, "all a"]);
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let first = r#"{"metadata": {"resourceVersion": "9", "continue": "a/b="}, "items": [POD]}"#
        .replace("POD", &pod("a", 1, "Running"));
    let server = Server::start(vec![
        answer(LIST, first, Then::End),
        answer("continue=a%2Fb%3D", list(9, &[pod("b", 2, "Running")]), Then::End),
        answer("resourceVersion=9", "", Then::Stay),
    ])
    .await;
    let mut watching = server.watches().pods("n");
    assert_eq!(told(&mut watching, 1).await, ["all a b"]);
}

#[tokio::test]
async fn many_share_one_watch_and_hear_what_they_want() {
    let server = Server::start(vec![
        answer(
            LIST,
            list(10, &[pod("a", 3, "Pending"), pod("b", 4, "Pending")]),
            Then::End,
        ),
        answer(
            WATCH,
            [
                line("MODIFIED", &pod("a", 11, "Running")),
                line("MODIFIED", &pod("b", 12, "Running")),
            ]
            .concat(),
            Then::Stay,
        ),
    ])
    .await;
    let watches = server.watches();
    let mut all = watches.pods("n");
    let mut one = watches.pod("n", "b");
    assert_eq!(told(&mut all, 3).await, ["all a b", "a Running", "b Running"]);
    assert_eq!(told(&mut one, 2).await, ["all b", "b Running"]);
    let mut late = watches.pods("n");
    assert_eq!(told(&mut late, 1).await, ["all a b"]);
    let mut two = all.queue.len() + one.queue.len();
    two += late.queue.len();
    assert_eq!(two, 0);
}

#[tokio::test]
async fn a_pod_is_read_with_what_matters_of_it() {
    let text = r#"{"metadata": {"name": "web-1", "namespace": "n", "uid": "u", "resourceVersion": "1",
        "creationTimestamp": "2021-01-02T03:04:05Z", "labels": {"tilt.dev/pod-template-hash": "abc"},
        "ownerReferences": [{"apiVersion": "x/v1", "kind": "X", "name": "x", "uid": "ux"},
                            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": "ur", "controller": true}]},
        "spec": {"containers": [{"name": "side", "image": "img:2"},
                                {"name": "web", "image": "img:1", "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}]}],
                 "unheard": {"of": 1}},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "reason": "R", "message": "m",
                                                       "lastTransitionTime": "2021-01-02T03:04:06Z"}],
            "containerStatuses": [{"name": "web", "image": "sha256:1", "containerID": "docker://abc", "ready": true, "restartCount": 2,
                "state": {"running": {"startedAt": "2021-01-02T03:04:07Z"}},
                "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "containerID": "docker://old"}}}]}}"#;
    let pod = serde_json::from_str::<WirePod>(text).unwrap().read();
    assert_eq!((&*pod.template_hash, &*pod.status), ("abc", "Running"));
    assert_eq!(pod.owner.as_ref().map(|owner| &*owner.name), Some("rs"));
    let names: Vec<_> = pod
        .containers
        .iter()
        .map(|container| (&*container.name, &*container.image))
        .collect();
    assert_eq!(names, [("side", "img:2"), ("web", "img:1")]);
    let web = &pod.containers[1];
    assert_eq!(
        (&*web.id, web.restarts, &web.ports[..], web.ready, web.is_running()),
        ("abc", 2, &[80][..], true, true)
    );
    assert_eq!(
        web.last.as_ref().map(|last| (&*last.id, last.exit_code)),
        Some(("old", 1))
    );
    assert_eq!(pod.conditions[0].message, "m".into());
}
