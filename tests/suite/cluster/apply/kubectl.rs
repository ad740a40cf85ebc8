//! Beside `kubectl apply`: the same objects, the same edits by somebody else, the same objects again; both end up the same.

use serde_json::Value;

use tilt::deploy::Mode;
use tilt::model::kube;
use tilt::model::tree::Tree;
use tilt::model::yaml;

use super::{Desk, kubectl, kubectl_with};
use crate::support;

/// What differs between two objects that are otherwise the same.
fn comparable(mut object: Value) -> Value {
    let metadata = object["metadata"].as_object_mut().unwrap();
    for field in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
        "namespace",
        "selfLink",
        "generation",
    ] {
        metadata.remove(field);
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        annotations.remove("deployment.kubernetes.io/revision");
    }
    if metadata
        .get("annotations")
        .is_some_and(|annotations| annotations == &serde_json::json!({}))
    {
        metadata.remove("annotations");
    }
    object.as_object_mut().unwrap().remove("status");
    if object["kind"] == "ServiceAccount" {
        // Tokens that the cluster has made up.
        object.as_object_mut().unwrap().remove("secrets");
    }
    if object["kind"] == "Service" {
        let spec = object["spec"].as_object_mut().unwrap();
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
        for port in spec["ports"].as_array_mut().unwrap() {
            port.as_object_mut().unwrap().remove("nodePort");
        }
    }
    object
}

/// A case of `testdata/apply`: before, an edit by somebody else as a patch, after.
fn cases() -> Vec<(String, Vec<Tree>)> {
    let folder = support::testdata("apply");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let documents = yaml::parse_documents(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(documents.len(), 3, "{name}");
        cases.push((name, documents));
    }
    cases
}

fn stream(cases: &[(String, Vec<Tree>)], index: usize) -> String {
    let trees = cases.iter().map(|(_, documents)| documents[index].clone());
    kube::emit(&kube::parse_trees(trees).unwrap())
}

#[tokio::test]
async fn objects_end_up_as_kubectl_leaves_them() {
    let test = "objects_end_up_as_kubectl_leaves_them";
    let Some(ours) = Desk::new(test, "ours").await else {
        return;
    };
    let Some(other) = Desk::new(test, "theirs").await else {
        return;
    };
    let theirs = other.namespace.clone();
    let cases = cases();
    assert!(cases.len() >= 15);
    let apply = ["-n", &theirs, "apply", "-f", "-"];
    kubectl_with(&apply, &stream(&cases, 0));
    ours.apply(&stream(&cases, 0), Mode::ClientSide).await.unwrap();
    let mut names = Vec::new();
    for (_, documents) in &cases {
        let text = |path: &[&str]| documents[0].at(path).and_then(Tree::as_text).unwrap().to_lowercase();
        let object = format!("{}/{}", text(&["kind"]), text(&["metadata", "name"]));
        let edit = yaml::json::compact(&documents[1]);
        for namespace in [&theirs, &ours.namespace] {
            kubectl(&["-n", namespace, "patch", &object, "--type=strategic", "-p", &edit]);
        }
        names.push(object);
    }
    kubectl_with(&apply, &stream(&cases, 2));
    ours.apply(&stream(&cases, 2), Mode::ClientSide).await.unwrap();
    let all = |namespace: &str| -> Vec<Value> {
        let words: Vec<&str> = ["-n", namespace, "get", "-o", "json"]
            .into_iter()
            .chain(names.iter().map(String::as_str))
            .collect();
        let list: Value = serde_json::from_str(&kubectl(&words)).unwrap();
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .cloned()
            .map(comparable)
            .collect()
    };
    let (want, got) = (all(&theirs), all(&ours.namespace));
    let mut wrong = Vec::new();
    for (index, (name, _)) in cases.iter().enumerate() {
        let differences = support::differences(&want[index], &got[index]);
        wrong.extend(differences.into_iter().map(|difference| format!("{name}{difference}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
