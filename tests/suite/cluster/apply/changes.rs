//! Changes of objects, what is collected, and what an order tells.

use tilt::deploy::{DeployError, Mode, Order, Start};
use tilt::model::deployed::ObjectRef;
use tilt::model::kube;

use super::{Desk, config_map, kubectl, order};

fn widgets(plural: &str, group: &str) -> String {
    format!(
        "apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: one}}\nspec: {{size: 3, list: [1, 2]}}\n---\n\
         apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {plural}.{group}}}\n\
         spec:\n  group: {group}\n  scope: Namespaced\n  names: {{plural: {plural}, singular: widget, kind: Widget}}\n\
         \x20 versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n\
         \x20       type: object\n        x-kubernetes-preserve-unknown-fields: true\n"
    )
}

#[tokio::test]
async fn objects_are_created_changed_and_left_alone_in_both_modes() {
    let test = "objects_are_created_changed_and_left_alone_in_both_modes";
    let Some(desk) = Desk::new(test, "modes").await else {
        return;
    };
    for (mode, name) in [(Mode::ClientSide, "client"), (Mode::ServerSide, "server")] {
        let map = format!("configmap/{name}");
        let deployed = desk.apply(&config_map(name, "{a: '1', b: '1'}"), mode).await.unwrap();
        assert_eq!(*deployed.objects[0].uid, *desk.field(&map, "{.metadata.uid}"));
        assert_eq!(*deployed.objects[0].namespace, *desk.namespace);
        assert!(
            !deployed.yaml.contains("managedFields") && !deployed.yaml.contains("last-applied"),
            "{}",
            deployed.yaml
        );
        desk.kubectl(&[
            "patch",
            &map,
            "--type=merge",
            "-p",
            r#"{"data": {"other": "x", "a": "9"}}"#,
        ]);
        desk.apply(&config_map(name, "{a: '2'}"), mode).await.unwrap();
        let data = desk.field(&map, "{.data}");
        let data: serde_json::Value = serde_json::from_str(&data).unwrap();
        assert_eq!(data, serde_json::json!({"a": "2", "other": "x"}), "{name}");
        let version = desk.field(&map, "{.metadata.resourceVersion}");
        desk.apply(&config_map(name, "{a: '2'}"), mode).await.unwrap();
        assert_eq!(desk.field(&map, "{.metadata.resourceVersion}"), version, "{name}");
    }
}

#[tokio::test]
async fn a_definition_and_objects_of_its_kind_come_in_one_order_and_go_together() {
    let test = "a_definition_and_objects_of_its_kind_come_in_one_order_and_go_together";
    let Some(desk) = Desk::new(test, "crd").await else {
        return;
    };
    let group = format!("{}.example.org", desk.namespace);
    let yaml = widgets("widgets", &group);
    let deployed = desk.apply(&yaml, Mode::ClientSide).await.unwrap();
    let applied: Vec<String> = deployed.objects.iter().map(ObjectRef::display).collect();
    assert_eq!(
        applied,
        [
            format!("widgets.{group}:customresourcedefinition"),
            "one:widget".to_owned()
        ]
    );
    let widget = format!("widgets.{group}/one");
    desk.kubectl(&[
        "patch",
        &widget,
        "--type=merge",
        "-p",
        r#"{"spec": {"other": 1, "size": 9}}"#,
    ]);
    desk.apply(&yaml.replace(", list: [1, 2]", ""), Mode::ClientSide)
        .await
        .unwrap();
    let spec: serde_json::Value = serde_json::from_str(&desk.field(&widget, "{.spec}")).unwrap();
    assert_eq!(spec, serde_json::json!({"size": 3, "other": 1}));
    desk.apply(&yaml.replace("size: 3", "size: 4"), Mode::ServerSide)
        .await
        .unwrap();
    assert_eq!(desk.field(&widget, "{.spec.size}"), "4");
    desk.delete(&deployed.objects).await;
    let said = desk.said();
    assert!(said.contains(&format!("widget.{group} \"one\" deleted")), "{said:?}");
    // Neither the kind nor the definition is there any more.
    desk.delete(&deployed.objects).await;
    assert_eq!(desk.said().len(), said.len());
}

#[tokio::test]
async fn what_is_not_ordered_any_more_is_collected_unless_somebody_needs_it() {
    let test = "what_is_not_ordered_any_more_is_collected_unless_somebody_needs_it";
    let Some(desk) = Desk::new(test, "collect").await else {
        return;
    };
    let kept = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, annotations: {tilt.dev/down-policy: keep}}\n";
    let yaml = ["stays", "goes", "shared"]
        .map(|name| config_map(name, "{}"))
        .join("---\n");
    let before = desk
        .apply(&format!("{yaml}---\n{kept}"), Mode::ClientSide)
        .await
        .unwrap();
    let elsewhere: Vec<ObjectRef> = before
        .objects
        .iter()
        .filter(|object| &*object.name == "shared")
        .cloned()
        .collect();
    let objects = kube::parse(&config_map("stays", "{a: b}")).unwrap();
    let order = Order {
        before: Some(&before),
        elsewhere: &elsewhere,
        ..order(&objects)
    };
    let deployed = desk.apply_as(&order).await.unwrap();
    assert_eq!(deployed.objects.len(), 1);
    let there = ["stays", "goes", "shared", "kept"].map(|name| desk.is_there(&format!("configmap/{name}")));
    assert_eq!(there, [true, false, true, true]);
    assert_eq!(desk.said().last().unwrap(), "configmap \"goes\" deleted");
}

#[tokio::test]
async fn an_order_may_begin_anew() {
    let Some(desk) = Desk::new("an_order_may_begin_anew", "anew").await else {
        return;
    };
    let objects = kube::parse(&config_map("c", "{a: b}")).unwrap();
    let first = desk.apply_as(&order(&objects)).await.unwrap();
    let again = Order {
        start: Start::Anew,
        before: Some(&first),
        ..order(&objects)
    };
    let second = desk.apply_as(&again).await.unwrap();
    assert!(first.objects[0].is_same_object(&second.objects[0]));
    assert_ne!(first.objects[0].uid, second.objects[0].uid);
}

#[tokio::test]
async fn a_namespace_and_what_is_in_it_come_in_one_order_and_namespaces_are_never_collected() {
    let test = "a_namespace_and_what_is_in_it_come_in_one_order_and_namespaces_are_never_collected";
    let Some(desk) = Desk::new(test, "own").await else {
        return;
    };
    let other = format!("{}-two", desk.namespace);
    let yaml = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: {other}}}\n---\n\
         apiVersion: v1\nkind: Namespace\nmetadata: {{name: {other}}}\n"
    );
    let before = desk.apply(&yaml, Mode::ClientSide).await.unwrap();
    let order = Order {
        before: Some(&before),
        ..order(&[])
    };
    desk.apply_as(&order).await.unwrap();
    let said = desk.said();
    assert!(said.contains(&format!("Not deleting namespaces: {other}")), "{said:?}");
    assert_eq!(
        kubectl(&["get", "namespace", &other, "-o", "jsonpath={.status.phase}"]),
        "Active"
    );
    desk.delete(&before.objects).await;
    let left = kubectl(&["get", "namespace", &other, "--ignore-not-found"]);
    assert_eq!(left, "", "it was waited for");
}

#[tokio::test]
async fn a_namespace_that_nobody_brings_is_told_after_a_moment() {
    let test = "a_namespace_that_nobody_brings_is_told_after_a_moment";
    let Some(desk) = Desk::new(test, "missing").await else {
        return;
    };
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: apply-nowhere}\n";
    let error = desk.apply(yaml, Mode::ClientSide).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "applying ConfigMap/c: namespaces \"apply-nowhere\" not found"
    );
}

#[tokio::test]
async fn another_cluster_is_not_applied_to() {
    let Some(desk) = Desk::new("another_cluster_is_not_applied_to", "uid").await else {
        return;
    };
    let uid = desk.deployer.cluster().uid().await.unwrap().unwrap();
    assert_eq!(
        uid,
        kubectl(&["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"])
    );
    let objects = kube::parse(&config_map("c", "{}")).unwrap();
    let pinned = |uid| Order {
        uid: Some(uid),
        ..order(&objects)
    };
    let error = desk.apply_as(&pinned("another")).await.unwrap_err();
    assert!(matches!(error.error, DeployError::OtherCluster { .. }), "{error}");
    assert!(!desk.is_there("configmap/c"));
    desk.apply_as(&pinned(&uid)).await.unwrap();
}

#[tokio::test]
async fn faults_of_several_objects_are_told_together_and_what_was_applied_is_remembered() {
    let test = "faults_of_several_objects_are_told_together_and_what_was_applied_is_remembered";
    let Some(desk) = Desk::new(test, "faults").await else {
        return;
    };
    let service = |name: &str, port: u32| {
        format!("---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: {port}}}]}}\n")
    };
    let yaml = config_map("c", "{}") + &service("good", 80) + &service("one", 70000) + &service("two", 70001);
    let error = desk.apply(&yaml, Mode::ClientSide).await.unwrap_err();
    let lines: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{error}");
    assert!(
        lines[0].starts_with("applying Service/one: Service \"one\" is invalid: "),
        "{error}"
    );
    let left: Vec<String> = error.left.objects.iter().map(ObjectRef::display).collect();
    assert_eq!(left, ["c:configmap", "good:service"]);
}

#[tokio::test]
async fn jobs_that_have_completed_are_complete() {
    let Some(desk) = Desk::new("jobs_that_have_completed_are_complete", "job").await else {
        return;
    };
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\n\
        spec: {completions: 0, template: {spec: {restartPolicy: Never, containers: [{name: c, image: none}]}}}\n";
    assert!(!desk.apply(job, Mode::ClientSide).await.unwrap().is_complete);
    desk.kubectl(&["wait", "--for=condition=complete", "job/j", "--timeout=30s"]);
    assert!(desk.apply(job, Mode::ClientSide).await.unwrap().is_complete);
    let and_more = format!("{job}---\n{}", config_map("c", "{}"));
    assert!(!desk.apply(&and_more, Mode::ClientSide).await.unwrap().is_complete);
}
