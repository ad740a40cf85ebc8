//! Patches of several at once, and patches that apply.

use serde_json::json;

use super::{BASE, with_client};

#[test]
fn many_patches_at_once_all_count() {
    with_client(async |client| {
        client
            .send(&format!("POST {BASE}/configmaps"), json!({"metadata": {"name": "c"}}))
            .await;
        let patch = async |number: usize| {
            let line = format!("PATCH {BASE}/configmaps/c?fieldManager=m{number}");
            let body = format!("{{\"data\":{{\"k{number}\":\"v\"}}}}");
            let answer = client
                .ask(&line, &[("content-type", "application/merge-patch+json")], &body)
                .await;
            assert_eq!(answer.code(), 200, "{}", answer.text());
        };
        futures_util::future::join_all((0..40).map(patch)).await;
        let object = client.get(&format!("{BASE}/configmaps/c")).await.json();
        assert_eq!(object["data"].as_object().unwrap().len(), 40);
        assert_eq!(object["metadata"]["managedFields"].as_array().unwrap().len(), 40);
    });
}

#[test]
fn many_who_apply_the_same_new_object_at_once_all_get_their_part() {
    with_client(async |client| {
        let apply = async |number: usize| {
            let line = format!("PATCH {BASE}/configmaps/c?fieldManager=m{number}");
            let body = format!("apiVersion: tilt.dev/v1alpha1\nkind: ConfigMap\ndata: {{k{number}: v}}\n");
            let answer = client.ask(&line, &APPLY, &body).await;
            assert!(answer.status.is_success(), "{}", answer.text());
            answer.code()
        };
        let codes = futures_util::future::join_all((0..20).map(apply)).await;
        assert_eq!(codes.iter().filter(|code| **code == 201).count(), 1);
        let object = client.get(&format!("{BASE}/configmaps/c")).await.json();
        assert_eq!(object["data"].as_object().unwrap().len(), 20);
        // Whoever stops applying takes along what was theirs alone.
        let line = format!("PATCH {BASE}/configmaps/c?fieldManager=m3");
        client.ask(&line, &APPLY, KIND).await;
        let object = client.get(&format!("{BASE}/configmaps/c")).await.json();
        assert!(object["data"].get("k3").is_none() && object["data"].as_object().unwrap().len() == 19);
    });
}

const APPLY: [(&str, &str); 1] = [("content-type", "application/apply-patch+yaml")];
const KIND: &str = "apiVersion: tilt.dev/v1alpha1\nkind: ConfigMap\n";

#[test]
fn apply_patches_need_a_manager_a_kind_and_no_managed_fields() {
    with_client(async |client| {
        let table = [
            ("?fieldManager=m", "data: {}".to_owned(), 400),
            ("?fieldManager=m", format!("{KIND}metadata: {{name: d}}\n"), 400),
            (
                "?fieldManager=m",
                format!("{KIND}metadata: {{managedFields: [{{manager: x}}]}}\n"),
                400,
            ),
            (
                "?fieldManager=m",
                format!("{KIND}metadata: {{resourceVersion: '5'}}\n"),
                404,
            ),
            ("", KIND.to_owned(), 422),
            ("?fieldManager=m", KIND.to_owned(), 201),
            (
                "?fieldManager=m",
                format!("{KIND}metadata: {{resourceVersion: '1'}}\n"),
                409,
            ),
            ("?fieldManager=m", KIND.to_owned(), 200),
        ];
        for (query, body, code) in table {
            let answer = client
                .ask(&format!("PATCH {BASE}/configmaps/c{query}"), &APPLY, &body)
                .await;
            assert_eq!(answer.code(), code, "{query} {body}: {}", answer.text());
        }
        let merge = [("content-type", "application/merge-patch+json")];
        let forced = client
            .ask(&format!("PATCH {BASE}/configmaps/c?force=true"), &merge, "{}")
            .await;
        assert_eq!(forced.code(), 422);
    });
}
