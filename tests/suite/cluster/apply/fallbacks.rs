//! What the cluster refuses at first, and what is done about it.

use std::time::{Duration, Instant};

use tilt::deploy::{DeployError, Deployer, Mode, Order};
use tilt::model::kube;
use tilt::world::cluster::objects::Deletion;
use tilt::world::kubeconfig::Sources;

use super::{Desk, cluster, config_map, kubectl, kubectl_with, order};

/// Applies one after the other, and tells whether the second is a new object.
async fn is_new(desk: &Desk, (before, after): (&str, &str), mode: Mode) -> bool {
    let first = desk.apply(before, mode).await.unwrap();
    let second = desk.apply(after, mode).await.unwrap();
    first.objects[0].uid != second.objects[0].uid
}

#[tokio::test]
async fn what_cannot_be_changed_is_deleted_and_created_anew() {
    let test = "what_cannot_be_changed_is_deleted_and_created_anew";
    let Some(desk) = Desk::new(test, "immutable").await else {
        return;
    };
    for (mode, name) in [(Mode::ClientSide, "c"), (Mode::ServerSide, "s")] {
        let job = |image: &str| {
            format!(
                "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}}}\nspec: {{completions: 0, template: {{spec: \
                 {{restartPolicy: Never, containers: [{{name: c, image: {image}}}]}}}}}}\n"
            )
        };
        assert!(is_new(&desk, (&job("one"), &job("two")), mode).await, "Job");
        let deployment = |app: &str| {
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec: {{replicas: 0, selector: {{matchLabels: \
                 {{app: {app}}}}}, template: {{metadata: {{labels: {{app: {app}}}}}, spec: {{containers: [{{name: c, image: i}}]}}}}}}\n"
            )
        };
        assert!(
            is_new(&desk, (&deployment("one"), &deployment("two")), mode).await,
            "Deployment"
        );
        let stateful = |service: &str| {
            deployment("x")
                .replace("Deployment", "StatefulSet")
                .replace("replicas: 0", &format!("replicas: 0, serviceName: {service}"))
        };
        assert!(
            is_new(&desk, (&stateful("one"), &stateful("two")), mode).await,
            "StatefulSet"
        );
        let service = |ip: &str| {
            format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{{ip}ports: [{{port: 80, protocol: TCP}}]}}\n"
            )
        };
        assert!(
            is_new(&desk, (&service(""), &service("clusterIP: None, ")), mode).await,
            "Service"
        );
        let map = |value: &str| config_map(name, &format!("{{a: '{value}'}}")) + "immutable: true\n";
        assert!(is_new(&desk, (&map("one"), &map("two")), mode).await, "ConfigMap");
        let binding = |role: &str| {
            format!(
                "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {name}}}\n\
                 roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {role}}}\nsubjects: []\n"
            )
        };
        assert!(
            is_new(&desk, (&binding("one"), &binding("two")), mode).await,
            "RoleBinding"
        );
        assert!(
            !is_new(
                &desk,
                (&config_map("plain", "{a: b}"), &config_map("plain", "{a: c}")),
                mode
            )
            .await
        );
    }
    assert!(
        desk.said()
            .iter()
            .any(|line| line.starts_with("  → c:job cannot be changed in place, so it is deleted"))
    );
}

#[tokio::test]
async fn what_is_too_large_for_a_note_is_applied_without_one() {
    let test = "what_is_too_large_for_a_note_is_applied_without_one";
    let Some(desk) = Desk::new(test, "large").await else {
        return;
    };
    let large = |letter: &str| config_map("large", &format!("{{a: {}}}", letter.repeat(300_000)));
    for letter in ["x", "y"] {
        desk.apply(&large(letter), Mode::ClientSide).await.unwrap();
        assert!(desk.field("configmap/large", "{.data.a}").starts_with(letter));
    }
    assert_eq!(desk.field("configmap/large", "{.metadata.annotations}"), "");
    // It becomes small again, and what it had is gone.
    desk.apply(&config_map("large", "{b: c}"), Mode::ClientSide)
        .await
        .unwrap();
    desk.apply(&config_map("large", "{d: e}"), Mode::ClientSide)
        .await
        .unwrap();
    let data: serde_json::Value = serde_json::from_str(&desk.field("configmap/large", "{.data}")).unwrap();
    assert_eq!(data["d"], "e");
    assert!(data.get("b").is_none());
    desk.apply(&large("z").replace("name: large", "name: server"), Mode::ServerSide)
        .await
        .unwrap();
    let error = desk
        .apply(
            &config_map("huge", &format!("{{a: {}}}", "x".repeat(4 << 20))),
            Mode::ClientSide,
        )
        .await;
    let error = error.unwrap_err();
    assert!(matches!(error.error, DeployError::Object { .. }), "{error}");
}

#[tokio::test]
async fn an_object_that_is_being_deleted_is_waited_for() {
    let test = "an_object_that_is_being_deleted_is_waited_for";
    let Some(desk) = Desk::new(test, "held").await else {
        return;
    };
    for (mode, name) in [(Mode::ClientSide, "client"), (Mode::ServerSide, "server")] {
        let map = format!("configmap/{name}");
        let first = desk.apply(&config_map(name, "{a: b}"), mode).await.unwrap();
        desk.kubectl(&[
            "patch",
            &map,
            "--type=merge",
            "-p",
            r#"{"metadata": {"finalizers": ["example.org/held"]}}"#,
        ]);
        desk.kubectl(&["delete", &map, "--wait=false"]);
        let yaml = config_map(name, "{a: c}");
        let free = async {
            // Until it says that it waits, so that it does.
            while !desk
                .said()
                .iter()
                .any(|line| line.contains(&format!("{name}:configmap is being deleted")))
            {
                tokio::task::yield_now().await;
            }
            let patch = [
                "patch",
                &map,
                "--type=merge",
                "-p",
                r#"{"metadata": {"finalizers": null}}"#,
            ];
            desk.kubectl(&patch);
        };
        let (second, ()) = tokio::join!(desk.apply(&yaml, mode), free);
        assert_ne!(first.objects[0].uid, second.unwrap().objects[0].uid);
        assert_eq!(desk.field(&map, "{.data.a}"), "c");
    }
}

#[tokio::test]
async fn waiting_until_an_object_is_gone_ends_with_it_or_with_another_of_its_name() {
    let test = "waiting_until_an_object_is_gone_ends_with_it_or_with_another_of_its_name";
    let Some(desk) = Desk::new(test, "gone").await else {
        return;
    };
    let deployed = desk.apply(&config_map("c", "{}"), Mode::ClientSide).await.unwrap();
    let cluster = desk.deployer.cluster();
    let address = cluster.address(("v1", "ConfigMap"), ("", "c")).await.unwrap();
    let began = Instant::now();
    let gone = cluster.gone(&address, &deployed.objects[0].uid);
    let delete = async { cluster.delete(&address, Deletion::default()).await.unwrap() };
    let (gone, _) = tokio::join!(gone, delete);
    gone.unwrap();
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    desk.apply(&config_map("c", "{}"), Mode::ClientSide).await.unwrap();
    cluster.gone(&address, &deployed.objects[0].uid).await.unwrap();
}

#[tokio::test]
async fn somebody_with_rights_in_one_namespace_only_can_apply_and_delete() {
    let test = "somebody_with_rights_in_one_namespace_only_can_apply_and_delete";
    let Some(desk) = Desk::new(test, "role").await else {
        return;
    };
    let Some(sources) = super::super::sources(test) else {
        return;
    };
    let (mine, folder) = (&desk.namespace, tempfile::tempdir().unwrap());
    let sources = restricted(&sources, mine, &folder.path().join("config"));
    let mine = Desk {
        namespace: String::new(),
        deployer: Deployer::new(cluster(&sources, mine).await),
        said: Default::default(),
    };
    assert_eq!(mine.deployer.cluster().uid().await.unwrap(), None);
    let before = mine.apply(&config_map("c", "{a: b}"), Mode::ClientSide).await.unwrap();
    let objects = kube::parse(&config_map("d", "{a: b}")).unwrap();
    let order = Order {
        before: Some(&before),
        uid: Some("whatever it was"),
        ..order(&objects)
    };
    let after = mine.apply_as(&order).await.unwrap();
    assert_eq!(
        (desk.is_there("configmap/c"), desk.is_there("configmap/d")),
        (false, true)
    );
    mine.delete(&after.objects).await;
    assert!(!desk.is_there("configmap/d"));
    let elsewhere = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: default}\n";
    let error = mine.apply(elsewhere, Mode::ClientSide).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("configmaps \"c\" is forbidden: User \"system:serviceaccount:"),
        "{error}"
    );
}

/// A kubeconfig of a service account that may do everything in one namespace, but watch.
fn restricted(sources: &Sources, namespace: &str, file: &std::path::Path) -> Sources {
    let role = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: dev}
---
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata: {name: dev-token, annotations: {kubernetes.io/service-account.name: dev}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: dev}
rules: [{apiGroups: ['*'], resources: ['*'], verbs: [get, list, create, update, patch, delete]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: dev}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: dev}
subjects: [{kind: ServiceAccount, name: dev}]
";
    kubectl_with(&["-n", namespace, "apply", "-f", "-"], role);
    let secret = [
        "-n",
        namespace,
        "get",
        "secret",
        "dev-token",
        "-o",
        "jsonpath={.data.token}",
    ];
    let mut token = String::new();
    let began = Instant::now();
    while token.is_empty() && began.elapsed() < Duration::from_secs(30) {
        token = kubectl(&secret);
    }
    let token = kubectl_with(
        &[
            "config",
            "view",
            "--raw",
            "-o",
            "jsonpath={.clusters[0].cluster.server}",
        ],
        "",
    ) + " "
        + &token;
    let (server, token) = token.split_once(' ').unwrap();
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, token).unwrap();
    let token = String::from_utf8(decoded).unwrap();
    let text = format!(
        "current-context: x\ncontexts: [{{name: x, context: {{cluster: x, user: dev}}}}]\n\
         clusters: [{{name: x, cluster: {{server: '{server}', insecure-skip-tls-verify: true}}}}]\n\
         users: [{{name: dev, user: {{token: '{token}'}}}}]\n"
    );
    std::fs::write(file, text).unwrap();
    Sources {
        variable: Some(file.display().to_string()),
        ..sources.clone()
    }
}
