//! Objects that are created, changed and deleted, or would be.

use serde_json::{Value, json};

use super::{BASE, button, made, said, with_client};

#[test]
fn a_created_object_is_there_at_once_and_a_stale_change_is_refused() {
    with_client(async |client| {
        let first = made(&client, "(b)").await;
        let path = format!("{BASE}/uibuttons/%28b%29");
        assert_eq!(client.get(&path).await.json(), first);
        let mut second = first.clone();
        second["spec"]["text"] = json!("ho");
        let changed = client.send(&format!("PUT {path}"), second.clone()).await;
        assert_eq!(changed.code(), 200, "{}", changed.text());
        assert_eq!(client.get(&path).await.json(), changed.json());
        let (code, reason, message) = said(&client.send(&format!("PUT {path}"), second.clone()).await);
        assert_eq!((code, &*reason), (409, "Conflict"));
        assert!(
            message.starts_with(
                "Operation cannot be fulfilled on uibuttons.tilt.dev \"(b)\": the object has been modified"
            )
        );
        // Without a version it is a wish, not a condition.
        second["metadata"].as_object_mut().unwrap().remove("resourceVersion");
        assert_eq!(client.send(&format!("PUT {path}"), second.clone()).await.code(), 200);
        second["metadata"]["uid"] = json!("another");
        assert_eq!(client.send(&format!("PUT {path}"), second).await.code(), 409);
    });
}

#[test]
fn spec_and_status_are_changed_each_through_its_own_path() {
    with_client(async |client| {
        made(&client, "b").await;
        let path = format!("{BASE}/uibuttons/b");
        let merge = [("content-type", "application/merge-patch+json")];
        let both = r#"{"spec":{"text":"ho"},"status":{"lastClickedAt":"2020-01-01T00:00:00.000000Z"}}"#;
        let main = client.ask(&format!("PATCH {path}"), &merge, both).await.json();
        assert_eq!(
            (&main["spec"]["text"], &main["status"]["lastClickedAt"]),
            (&json!("ho"), &Value::Null)
        );
        let both = both.replace("ho", "hu");
        let status = client.ask(&format!("PATCH {path}/status"), &merge, &both).await.json();
        assert_eq!(status["spec"]["text"], json!("ho"));
        assert_eq!(status["status"]["lastClickedAt"], json!("2020-01-01T00:00:00.000000Z"));
        let mut clicked = client.get(&format!("{path}/status")).await.json();
        clicked["status"]["inputs"] = json!([{"name": "x", "text": {"value": "y"}}]);
        let clicked = client.send(&format!("PUT {path}/status"), clicked).await.json();
        assert_eq!(clicked["status"]["inputs"][0]["text"]["value"], json!("y"));
        assert_eq!(client.get(&format!("{BASE}/configmaps/x/status")).await.code(), 404);
    });
}

#[test]
fn a_dry_run_changes_nothing() {
    with_client(async |client| {
        let created = client
            .send(&format!("POST {BASE}/uibuttons?dryRun=All"), button("b"))
            .await;
        assert_eq!((created.code(), &created.json()["spec"]["text"]), (201, &json!("hi")));
        assert_eq!(client.get(&format!("{BASE}/uibuttons/b")).await.code(), 404);
        let real = made(&client, "b").await;
        let path = format!("{BASE}/uibuttons/b");
        let merge = [("content-type", "application/merge-patch+json")];
        let patched = client
            .ask(&format!("PATCH {path}?dryRun=All"), &merge, r#"{"spec":{"text":"x"}}"#)
            .await;
        assert_eq!(patched.json()["spec"]["text"], json!("x"));
        assert_eq!(
            client.ask(&format!("DELETE {path}?dryRun=All"), &[], "").await.code(),
            200
        );
        let said = json!({"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]});
        assert_eq!(client.send(&format!("DELETE {path}"), said).await.code(), 200);
        assert_eq!(
            client
                .ask(&format!("DELETE {BASE}/uibuttons?dryRun=All"), &[], "")
                .await
                .code(),
            200
        );
        assert_eq!(client.get(&path).await.json(), real);
        assert_eq!(
            client.ask(&format!("DELETE {path}?dryRun=Some"), &[], "").await.code(),
            400
        );
    });
}

#[test]
fn a_deletion_may_set_conditions_and_finalizers_delay_it() {
    with_client(async |client| {
        let made = made(&client, "b").await;
        let path = format!("{BASE}/uibuttons/b");
        let line = format!("DELETE {path}");
        let only_if = async |conditions: Value| client.send(&line, json!({"preconditions": conditions})).await;
        assert_eq!(said(&only_if(json!({"uid": "other"})).await).0, 409);
        assert_eq!(said(&only_if(json!({"resourceVersion": "1"})).await).0, 409);
        let merge = [("content-type", "application/merge-patch+json")];
        client
            .ask(
                &format!("PATCH {path}"),
                &merge,
                r#"{"metadata":{"finalizers":["tilt.dev/wait"]}}"#,
            )
            .await;
        let going = only_if(json!({"uid": made["metadata"]["uid"]})).await.json();
        assert!(going["metadata"]["deletionTimestamp"].is_string(), "{going}");
        client
            .ask(&format!("PATCH {path}"), &merge, r#"{"metadata":{"finalizers":null}}"#)
            .await;
        assert_eq!(client.get(&path).await.code(), 404);
    });
}
