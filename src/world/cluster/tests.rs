//! What clusters tell, and what happens when they do not.

use std::path::PathBuf;

use super::*;
use crate::model::cluster::Hosting;
use crate::world::kubeconfig;

mod fake;
mod health;

use fake::{Answer, Fake, HOSTING, MICROK8S, NODES, TOKEN, VERSION};

/// Files of a user, and how to get at them.
struct Desk {
    folder: tempfile::TempDir,
    sources: Sources,
}

fn desk(server: &str, cluster: &str, user: &str) -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: other\n\
         contexts:\n- {{name: mine, context: {{cluster: {cluster}, user: me}}}}\n\
         clusters:\n- {{name: {cluster}, cluster: {{server: '{server}'}}}}\n\
         users:\n- {{name: me, user: {user}}}\n"
    );
    let file = folder.path().join("config");
    std::fs::write(&file, text).unwrap();
    let sources = Sources {
        variable: Some(file.display().to_string()),
        home: folder.path().to_owned(),
        context: Some("mine".to_owned()),
        namespace: None,
    };
    Desk { folder, sources }
}

impl Desk {
    async fn connect(&self) -> Result<Cluster, ClusterError> {
        let context = kubeconfig::active(&self.sources).unwrap().unwrap();
        Cluster::connect(&self.sources, &context, &BTreeMap::new()).await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn token() -> String {
    format!("{{token: {TOKEN}}}")
}

async fn told_by(fake: &Fake, cluster: &str) -> Result<Facts, ClusterError> {
    let cluster = desk(&fake.url, cluster, &token()).connect().await.unwrap();
    cluster.facts().await
}

fn version() -> Answer {
    Answer::Json(r#"{"gitVersion": "v1.33.1"}"#.to_owned())
}

fn nodes(annotations: &str) -> Answer {
    let node = |name, annotations, arch, runtime| {
        format!(
            r#"{{"metadata": {{"name": "{name}", "annotations": {annotations}}}, "status": {{"nodeInfo": {{
                "architecture": "{arch}", "containerRuntimeVersion": "{runtime}", "bootID": "", "kernelVersion": "",
                "kubeProxyVersion": "", "kubeletVersion": "", "machineID": "", "operatingSystem": "linux",
                "osImage": "", "systemUUID": ""}}}}}}"#
        )
    };
    let one = node("one", "{}", "arm64", "containerd://1.7.2");
    let two = node("two", annotations, "amd64", "docker://20.10.24");
    Answer::Json(format!(
        r#"{{"kind": "NodeList", "apiVersion": "v1", "metadata": {{}}, "items": [{one}, {two}]}}"#
    ))
}

fn no_nodes() -> Answer {
    Answer::Json(r#"{"kind": "NodeList", "apiVersion": "v1", "metadata": {}, "items": []}"#.to_owned())
}

fn hosting(document: &str) -> Answer {
    let map = serde_json::json!({
        "kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "local-registry-hosting"},
        "data": {"localRegistryHosting.v1": document},
    });
    Answer::Json(map.to_string())
}

fn registry_service(port: &str) -> Answer {
    Answer::Json(format!(
        r#"{{"kind": "Service", "apiVersion": "v1", "metadata": {{"name": "registry"}}, "spec": {{"ports": [{{"port": 5000{port}}}]}}}}"#
    ))
}

fn missing() -> Answer {
    Answer::Status(404, "not found")
}

#[tokio::test]
async fn a_cluster_tells_its_version_machines_runtimes_and_who_it_is() {
    let fake = Fake::start(vec![(VERSION, version()), (NODES, nodes("{}")), (HOSTING, missing())]).await;
    let facts = told_by(&fake, "plain").await.unwrap();
    let expected = Facts {
        identity: Identity {
            server: fake.url.clone(),
            authority: String::new(),
        },
        version: "v1.33.1".to_owned(),
        arch: Some("arm64".to_owned()),
        runtimes: ["containerd", "docker"].map(str::to_owned).into(),
        ..Facts::default()
    };
    assert_eq!(facts, expected);
    assert_eq!(fake.asked(), [HOSTING, NODES, VERSION]);
}

#[tokio::test]
async fn the_agreed_config_map_names_the_registry() {
    let document = "host: localhost:5000\nhostFromContainerRuntime: reg:5000\nhelp: see there\n";
    let fake = Fake::start(vec![
        (VERSION, version()),
        (NODES, nodes(r#"{"tilt.dev/registry": "not:this"}"#)),
        (HOSTING, hosting(document)),
    ])
    .await;
    let facts = told_by(&fake, "kind-dev").await.unwrap();
    let local = facts.registries.local().unwrap();
    assert_eq!(
        (local.host.as_str(), local.from_container_runtime.as_str()),
        ("localhost:5000", "reg:5000")
    );
    assert_eq!(facts.registries.help(), Some("see there"));
    assert_eq!(facts.gaps, [""; 0]);
}

#[tokio::test]
async fn a_config_map_that_cannot_be_read_is_a_gap_and_the_next_place_counts() {
    let fake = Fake::start(vec![
        (VERSION, version()),
        (NODES, nodes(r#"{"kind.x-k8s.io/registry": "localhost:5001"}"#)),
        (HOSTING, hosting("host: [1]")),
    ])
    .await;
    let facts = told_by(&fake, "kind-dev").await.unwrap();
    assert_eq!(facts.registries.local().unwrap().host, "localhost:5001");
    assert_eq!(
        facts.gaps,
        ["ConfigMap `kube-public/local-registry-hosting`, key `localRegistryHosting.v1`: `host` is no text but array"]
    );
}

#[tokio::test]
async fn annotations_of_any_node_name_the_registry() {
    let annotations = r#"{"tilt.dev/registry": "localhost:1", "tilt.dev/registry-from-cluster": "reg:1"}"#;
    let fake = Fake::start(vec![
        (VERSION, version()),
        (NODES, nodes(annotations)),
        (HOSTING, missing()),
    ])
    .await;
    let facts = told_by(&fake, "k3d-x").await.unwrap();
    let local = facts.registries.local().unwrap();
    assert_eq!(
        (local.host.as_str(), local.from_container_runtime.as_str()),
        ("localhost:1", "reg:1")
    );
}

#[tokio::test]
async fn microk8s_is_asked_for_the_service_of_its_registry() {
    for (service, expected) in [
        (
            registry_service(r#", "nodePort": 32001"#),
            Some(Hosting::at_node_port(32001)),
        ),
        (registry_service(""), Some(Hosting::at_node_port(32000))),
        (missing(), None),
    ] {
        let fake = Fake::start(vec![
            (VERSION, version()),
            (NODES, no_nodes()),
            (HOSTING, missing()),
            (MICROK8S, service),
        ])
        .await;
        let facts = told_by(&fake, "microk8s-cluster").await.unwrap();
        assert_eq!(facts.registries.microk8s, expected);
        assert_eq!((facts.arch, facts.runtimes.len()), (None, 0));
    }
}

#[tokio::test]
async fn what_we_may_not_see_is_not_told_and_no_error() {
    let forbidden = || Answer::Status(403, "nodes is forbidden");
    let fake = Fake::start(vec![
        (VERSION, forbidden()),
        (NODES, forbidden()),
        (HOSTING, forbidden()),
    ])
    .await;
    let facts = told_by(&fake, "plain").await.unwrap();
    let expected = Facts {
        identity: facts.identity.clone(),
        ..Facts::default()
    };
    assert_eq!(facts, expected);
}

#[tokio::test]
async fn a_question_that_fails_leaves_a_gap_beside_what_the_others_tell() {
    let broken = Answer::Status(500, "etcd is on fire");
    let fake = Fake::start(vec![(VERSION, version()), (NODES, broken), (HOSTING, Answer::Never)]).await;
    let cluster = desk(&fake.url, "plain", &token()).connect().await.unwrap();
    let facts = cluster.with_patience(Duration::from_secs(2)).facts().await.unwrap();
    assert_eq!(facts.version, "v1.33.1");
    let url = &fake.url;
    assert_eq!(
        facts.gaps,
        [
            format!("asking for its nodes: the cluster at {url} refuses: 500 etcd is on fire"),
            format!("asking for its local registry: cannot reach the cluster at {url}: no answer within 2s"),
        ]
    );
}

#[tokio::test]
async fn a_cluster_that_never_answers_is_unreachable() {
    let never = || Answer::Never;
    let fake = Fake::start(vec![(VERSION, never()), (NODES, never()), (HOSTING, never())]).await;
    let cluster = desk(&fake.url, "plain", &token()).connect().await.unwrap();
    let error = cluster
        .with_patience(Duration::from_millis(50))
        .facts()
        .await
        .unwrap_err();
    assert!(error.is_connection());
    let url = &fake.url;
    assert_eq!(
        error.to_string(),
        format!("cannot reach the cluster at {url}: no answer within 50ms")
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let url = "http://127.0.0.1:1";
    let error = desk(url, "plain", &token())
        .connect()
        .await
        .unwrap()
        .facts()
        .await
        .unwrap_err();
    assert!(error.is_connection());
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot reach the cluster at {url}: ")),
        "{text}"
    );
    assert!(text.ends_with("connection refused"), "{text}");
}

#[tokio::test]
async fn somebody_who_is_not_known_is_told_so() {
    let fake = Fake::start(Vec::new()).await;
    let cluster = desk(&fake.url, "plain", "{token: wrong}").connect().await.unwrap();
    let error = cluster.facts().await.unwrap_err();
    assert!(!error.is_connection());
    let url = &fake.url;
    assert_eq!(
        error.to_string(),
        format!("the cluster at {url} does not accept `me`: Unauthorized")
    );
}

#[tokio::test]
async fn something_that_is_no_cluster_is_told() {
    let page = Answer::Text(200, "<html>");
    let fake = Fake::start(vec![(VERSION, page), (NODES, missing()), (HOSTING, missing())]).await;
    let error = told_by(&fake, "plain").await.unwrap_err();
    assert!(matches!(error, ClusterError::Nonsense { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_fails_says_how() {
    let fake = Fake::start(vec![
        (VERSION, Answer::Text(500, "no\n")),
        (NODES, missing()),
        (HOSTING, missing()),
    ])
    .await;
    let error = told_by(&fake, "plain").await.unwrap_err();
    assert!(error.is_connection());
    assert!(matches!(error, ClusterError::Refused { status: 500, .. }), "{error}");
}

#[tokio::test]
async fn a_credential_plugin_logs_in() {
    let fake = Fake::start(vec![(VERSION, version()), (NODES, no_nodes()), (HOSTING, missing())]).await;
    let script = format!(
        "echo '{{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{{\"token\":\"{TOKEN}\"}}}}'"
    );
    let desk = with_plugin(&fake.url, &script);
    assert_eq!(desk.connect().await.unwrap().facts().await.unwrap().version, "v1.33.1");
}

#[tokio::test]
async fn a_credential_plugin_that_fails_is_told_without_its_output() {
    let desk = with_plugin(
        "http://127.0.0.1:1",
        "echo secret-token; echo 'log in first' >&2; exit 3",
    );
    let text = desk.connect().await.err().unwrap().to_string();
    assert!(text.starts_with("cannot get credentials of `me`: `"), "{text}");
    assert!(text.ends_with("exit status: 3: log in first"), "{text}");
    assert!(!text.contains("secret-token"), "{text}");
}

fn with_plugin(server: &str, script: &str) -> Desk {
    let user = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, interactiveMode: Never}}";
    let desk = desk(server, "plain", user);
    let program = desk.path("login");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, mode).unwrap();
    desk
}

#[tokio::test]
async fn a_context_without_a_cluster_or_with_broken_certificates_is_a_broken_kubeconfig() {
    let desk = desk(
        "http://127.0.0.1:1",
        "plain",
        "{client-certificate: gone.pem, client-key: gone.key}",
    );
    let error = desk.connect().await.err().unwrap();
    assert!(matches!(error, ClusterError::Kubeconfig { .. }), "{error}");
    assert!(error.to_string().contains("gone."), "{error}");
    let unknown = Context {
        name: "gone".to_owned(),
        ..Context::default()
    };
    let error = Cluster::connect(&desk.sources, &unknown, &BTreeMap::new()).await;
    let text = error.err().unwrap().to_string();
    assert!(text.starts_with("kubeconfig: context `gone`: "), "{text}");
}

#[tokio::test]
async fn files_are_merged_and_the_first_one_wins() {
    let fake = Fake::start(vec![(VERSION, version()), (NODES, no_nodes()), (HOSTING, missing())]).await;
    let first = desk(&fake.url, "plain", &token());
    let second = desk("http://127.0.0.1:1", "plain", "{token: wrong}");
    let files = ["config", "absent"].map(|name| first.path(name).display().to_string());
    let sources = Sources {
        variable: Some(format!("{}:{}:{}", files[1], files[0], second.path("config").display())),
        ..first.sources.clone()
    };
    let context = kubeconfig::active(&sources).unwrap().unwrap();
    let cluster = Cluster::connect(&sources, &context, &BTreeMap::new()).await.unwrap();
    assert_eq!(cluster.identity().server, fake.url);
    assert_eq!(cluster.facts().await.unwrap().version, "v1.33.1");
}
