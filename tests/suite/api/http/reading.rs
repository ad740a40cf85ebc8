//! Lists in pages and other forms, and objects of upstream that are read and printed again.

use serde_json::{Value, json};

use super::{BASE, made, with_client};
use crate::api::client::Client;
use crate::support::{differences, root};

#[test]
fn lists_come_in_pages_and_as_metadata_only() {
    with_client(async |client| {
        for name in ["a", "b", "c", "d", "e"] {
            made(&client, name).await;
        }
        let mut names = Vec::new();
        let mut path = format!("{BASE}/uibuttons?limit=2");
        loop {
            let page = client.get(&path).await.json();
            let items = page["items"].as_array().unwrap();
            names.extend(
                items
                    .iter()
                    .map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()),
            );
            let Some(next) = page["metadata"]["continue"].as_str() else {
                break;
            };
            assert_eq!(page["metadata"]["remainingItemCount"], json!(5 - names.len()));
            path = format!("{BASE}/uibuttons?limit=2&continue={next}");
        }
        assert_eq!(names.concat(), "abcde");
        let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        let list = client
            .ask(&format!("GET {BASE}/uibuttons"), &[("accept", accept)], "")
            .await
            .json();
        assert_eq!(
            (&list["kind"], &list["items"][0]["spec"]),
            (&json!("PartialObjectMetadataList"), &Value::Null)
        );
        let yaml = client
            .ask(
                &format!("GET {BASE}/uibuttons/a"),
                &[("accept", "application/yaml")],
                "",
            )
            .await;
        assert!(
            yaml.text()
                .starts_with("apiVersion: tilt.dev/v1alpha1\nkind: UIButton\n")
        );
        let gone = client
            .ask(
                &format!("DELETE {BASE}/uibuttons?fieldSelector=metadata.name!=c"),
                &[],
                "",
            )
            .await
            .json();
        assert_eq!(gone["items"].as_array().unwrap().len(), 4);
        assert_eq!(
            client.get(&format!("{BASE}/uibuttons")).await.json()["items"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    });
}

/// Every object that upstream answered with can be written here and is answered with again.
#[test]
fn upstreams_objects_are_read_and_printed_as_they_were() {
    let folder = root().join("testdata/api/objects");
    with_client(async |client| {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let list: Value = serde_json::from_str(&std::fs::read_to_string(entry.path()).unwrap()).unwrap();
            let plural = entry.path().file_stem().unwrap().to_string_lossy().into_owned();
            for object in list["items"].as_array().unwrap() {
                round_trip(&client, &plural, object).await;
            }
        }
    });
}

async fn round_trip(client: &Client, plural: &str, object: &Value) {
    let name = object["metadata"]["name"].as_str().unwrap();
    let path = format!("{BASE}/{plural}/{name}");
    let mut new = object.clone();
    for key in ["resourceVersion", "uid", "creationTimestamp"] {
        new["metadata"].as_object_mut().unwrap().remove(key);
    }
    let created = client
        .send(&format!("POST {BASE}/{plural}?fieldValidation=Strict"), new.clone())
        .await;
    assert!(
        matches!(created.code(), 201 | 409),
        "{plural} {name}: {}",
        created.text()
    );
    if created.code() == 409 {
        let replaced = client
            .send(&format!("PUT {path}?fieldValidation=Strict"), new.clone())
            .await;
        assert_eq!(replaced.code(), 200, "{}", replaced.text());
    }
    if object.get("status").is_some() {
        let replaced = client
            .send(&format!("PUT {path}/status?fieldValidation=Strict"), new)
            .await;
        assert_eq!(replaced.code(), 200, "{plural} {name}: {}", replaced.text());
    }
    let mut got = client.get(&path).await.json();
    let meta = got["metadata"].as_object_mut().unwrap();
    meta.remove("managedFields");
    for key in ["resourceVersion", "uid", "creationTimestamp"] {
        meta.insert(key.to_owned(), object["metadata"][key].clone());
    }
    let found = differences(object, &got);
    assert!(found.is_empty(), "{plural} {name}:\n{}", found.join("\n"));
}
