//! Requests and answers, header by header.

use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::{Served, TOKEN};
use crate::support::{differences, root};

const BASE: &str = "/apis/tilt.dev/v1alpha1";

fn with_client(test: impl AsyncFnOnce(Client)) {
    let served = Served::start();
    served.runtime.block_on(test(served.client()));
}

fn button(name: &str) -> Value {
    json!({
        "apiVersion": "tilt.dev/v1alpha1", "kind": "UIButton", "metadata": {"name": name},
        "spec": {"text": "hi", "location": {"componentID": "a", "componentType": "Resource"}},
    })
}

async fn made(client: &Client, name: &str) -> Value {
    let answer = client.send(&format!("POST {BASE}/uibuttons"), button(name)).await;
    assert_eq!(answer.code(), 201, "{}", answer.text());
    answer.json()
}

fn said(answer: &Answer) -> (u16, String, String) {
    let status = answer.json();
    let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
    assert_eq!(status["code"], json!(answer.code()));
    (answer.code(), text("reason"), text("message"))
}

#[test]
fn nobody_is_let_in_without_the_token() {
    let paths = [
        "GET /",
        "GET /apis",
        "GET /apis/tilt.dev",
        "GET /apis/tilt.dev/v1alpha1",
        "GET /openapi/v2",
        "GET /openapi/v3",
        "GET /openapi/v3/apis/tilt.dev/v1alpha1",
        "GET /version",
        "GET /healthz",
        "GET /livez",
        "GET /readyz",
        "GET /metrics",
        "GET /tilt/v1/explain/web",
        "GET /nothing",
        "GET /apis/tilt.dev/v1alpha1/cmds",
        "GET /apis/tilt.dev/v1alpha1/cmds?watch=1",
        "POST /apis/tilt.dev/v1alpha1/cmds",
        "DELETE /apis/tilt.dev/v1alpha1/cmds",
        "GET /apis/tilt.dev/v1alpha1/cmds/a",
        "PUT /apis/tilt.dev/v1alpha1/cmds/a",
        "PATCH /apis/tilt.dev/v1alpha1/cmds/a",
        "DELETE /apis/tilt.dev/v1alpha1/cmds/a",
        "GET /apis/tilt.dev/v1alpha1/cmds/a/status",
        "PUT /apis/tilt.dev/v1alpha1/cmds/a/status",
        "PATCH /apis/tilt.dev/v1alpha1/cmds/a/status",
        "GET /apis/tilt.dev/v1alpha1/watch/cmds",
        "GET /apis/tilt.dev/v1alpha1/watch/cmds/a",
    ];
    with_client(async |client| {
        let anonymous = client.clone().with_authorization(None);
        let (shorter, longer) = (&TOKEN[..TOKEN.len() - 1], format!("{TOKEN}x"));
        let wrong = [
            "Bearer wrong".to_owned(),
            "Bearer ".to_owned(),
            format!("Bearer {shorter}"),
            format!("Bearer {longer}"),
            format!("Basic {TOKEN}"),
            TOKEN.to_owned(),
        ];
        for path in paths {
            assert_eq!(anonymous.ask(path, &[], "").await.code(), 403, "{path}");
            for authorization in &wrong {
                let client = client.clone().with_authorization(Some(authorization));
                assert_eq!(client.ask(path, &[], "").await.code(), 401, "{path} {authorization}");
            }
        }
        let (_, reason, message) = said(&anonymous.get("/apis").await);
        assert_eq!(
            (&*reason, &*message),
            (
                "Forbidden",
                "forbidden: User \"system:anonymous\" cannot get path \"/apis\""
            )
        );
    });
}

#[test]
fn discovery_is_what_upstream_answers() {
    with_client(async |client| {
        let want: Value = serde_json::from_str(include_str!("../../../testdata/api/resources.json")).unwrap();
        let got = client.get("/apis/tilt.dev/v1alpha1").await.json();
        assert_eq!(differences(&want, &got), Vec::<String>::new());
        assert_eq!(client.get("/api").await.code(), 404);
        let groups = client.get("/apis").await.json();
        assert_eq!(
            groups["groups"][0]["preferredVersion"]["groupVersion"],
            json!("tilt.dev/v1alpha1")
        );
        let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
        let all = client.ask("GET /apis", &[("accept", accept)], "").await;
        assert!(
            all.headers["content-type"]
                .to_str()
                .unwrap()
                .contains("as=APIGroupDiscoveryList")
        );
        assert_eq!(
            all.json()["items"][0]["versions"][0]["resources"]
                .as_array()
                .unwrap()
                .len(),
            22
        );
        assert_eq!(client.get("/version").await.json()["minor"], json!("36"));
    });
}

#[test]
fn schema_and_objects_are_served_but_not_as_protobuf() {
    with_client(async |client| {
        assert_eq!(client.get("/openapi/v2").await.json()["swagger"], json!("2.0"));
        let index = client.get("/openapi/v3").await.json();
        let url = index["paths"]["apis/tilt.dev/v1alpha1"]["serverRelativeURL"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(client.get(&url).await.json()["openapi"], json!("3.0.0"));
        let protobuf = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf";
        let answer = client.ask(&format!("GET {url}"), &[("accept", protobuf)], "").await;
        assert_eq!(answer.code(), 406);
        let object = client
            .ask(
                &format!("GET {BASE}/cmds"),
                &[("accept", "application/vnd.kubernetes.protobuf")],
                "",
            )
            .await;
        assert_eq!(said(&object).1, "NotAcceptable");
        let line = format!("POST {BASE}/cmds");
        let body = client
            .ask(&line, &[("content-type", "application/vnd.kubernetes.protobuf")], "k8s")
            .await;
        assert_eq!(said(&body).0, 415);
    });
}

#[test]
fn health_and_numbers_are_plain_text() {
    with_client(async |client| {
        for path in ["/healthz", "/livez", "/readyz", "/healthz/ping"] {
            assert_eq!(client.get(path).await.text(), "ok", "{path}");
        }
        assert!(
            client
                .get("/readyz?verbose")
                .await
                .text()
                .ends_with("[+]shutdown ok\nreadyz check passed\n")
        );
        assert_eq!(client.get("/healthz/etcd").await.code(), 404);
        let metrics = client.get("/metrics").await.text();
        assert!(metrics.contains("tilt_api_objects{kind=\"Tiltfile\"} 1\n"), "{metrics}");
        assert_eq!(client.get("/debug/pprof").await.code(), 404);
        assert_eq!(client.get("/tilt/v1/explain/web").await.text(), "web: a file changed\n");
        assert_eq!(client.get("/tilt/v1/explain/nothing").await.code(), 404);
    });
}

#[test]
fn a_table_is_the_one_that_upstream_draws() {
    let text = include_str!("../../../testdata/api/table.json");
    let want: Value = serde_json::from_str(text).unwrap();
    with_client(async |client| {
        made(&client, "b").await;
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        let ask = async |query: &str| {
            client
                .ask(&format!("GET {BASE}/uibuttons{query}"), &[("accept", accept)], "")
                .await
                .json()
        };
        let table = ask("").await;
        assert_eq!(keys(&want), keys(&table));
        for (want, got) in pairs(&want["columnDefinitions"], &table["columnDefinitions"]) {
            for key in ["name", "type", "format", "priority"] {
                assert_eq!(want[key], got[key]);
            }
        }
        let (want, row) = (&want["rows"][0], &table["rows"][0]);
        assert_eq!(keys(want), keys(row));
        assert_eq!(
            row["cells"],
            json!(["b", row["object"]["metadata"]["creationTimestamp"]])
        );
        assert_eq!(
            (&row["object"]["kind"], &row["object"]["spec"]),
            (&json!("PartialObjectMetadata"), &Value::Null)
        );
        assert_eq!(ask("?includeObject=None").await["rows"][0]["object"], Value::Null);
        assert_eq!(
            ask("?includeObject=Object").await["rows"][0]["object"]["spec"]["text"],
            json!("hi")
        );
        assert_eq!(ask("/b").await["rows"].as_array().unwrap().len(), 1);
    });
}

fn keys(value: &Value) -> Vec<&String> {
    let mut keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    keys.sort();
    keys
}

fn pairs<'a>(a: &'a Value, b: &'a Value) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    let (a, b) = (a.as_array().unwrap(), b.as_array().unwrap());
    assert_eq!(a.len(), b.len());
    a.iter().zip(b)
}

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

#[test]
fn what_an_object_has_no_place_for_is_refused_told_or_passed_over() {
    with_client(async |client| {
        let mut object = button("b");
        object["spec"]["color"] = json!("red");
        let line = |validation: &str| format!("POST {BASE}/uibuttons?dryRun=All{validation}");
        let (code, _, message) = said(&client.send(&line("&fieldValidation=Strict"), object.clone()).await);
        assert_eq!(code, 400);
        assert!(
            message.ends_with("strict decoding error: unknown field \"spec.color\""),
            "{message}"
        );
        let told = client.send(&line(""), object.clone()).await;
        assert_eq!(
            (told.code(), told.headers["warning"].to_str().unwrap()),
            (201, "299 - \"unknown field \\\"spec.color\\\"\"")
        );
        let passed = client.send(&line("&fieldValidation=Ignore"), object).await;
        assert!(passed.code() == 201 && !passed.headers.contains_key("warning"));
        let twice = r#"{"metadata":{"name":"b"},"spec":{"text":"a","text":"b"}}"#;
        let json = [("content-type", "application/json")];
        let (_, _, message) = said(&client.ask(&line("&fieldValidation=Strict"), &json, twice).await);
        assert!(message.ends_with("duplicate field \"spec.text\""), "{message}");
    });
}

#[test]
fn requests_that_make_no_sense_are_told_why() {
    with_client(async |client| {
        made(&client, "b").await;
        let json = [("content-type", "application/json")];
        let table = [
            ("GET /apis/tilt.dev/v1alpha1/pods", "", 404, "NotFound"),
            ("PUT /apis/tilt.dev/v1alpha1/cmds", "", 405, "MethodNotAllowed"),
            ("POST /apis/tilt.dev/v1alpha1/cmds/a", "", 405, "MethodNotAllowed"),
            (
                "DELETE /apis/tilt.dev/v1alpha1/cmds/a/status",
                "",
                405,
                "MethodNotAllowed",
            ),
            ("POST /version", "", 405, "MethodNotAllowed"),
            (
                "GET /apis/tilt.dev/v1alpha1/cmds?fieldSelector=spec.x=y",
                "",
                400,
                "BadRequest",
            ),
            ("GET /apis/tilt.dev/v1alpha1/cmds?labelSelector=a==", "", 200, ""),
            (
                "GET /apis/tilt.dev/v1alpha1/cmds?labelSelector=a%20b",
                "",
                400,
                "BadRequest",
            ),
            ("GET /apis/tilt.dev/v1alpha1/cmds?continue=%21", "", 400, "BadRequest"),
            (
                "GET /apis/tilt.dev/v1alpha1/cmds?resourceVersion=99999",
                "",
                504,
                "Timeout",
            ),
            (
                "GET /apis/tilt.dev/v1alpha1/cmds?resourceVersion=1&resourceVersionMatch=Exact",
                "",
                410,
                "Expired",
            ),
            ("POST /apis/tilt.dev/v1alpha1/cmds", "{", 400, "BadRequest"),
            ("POST /apis/tilt.dev/v1alpha1/cmds", "[]", 400, "BadRequest"),
            (
                "POST /apis/tilt.dev/v1alpha1/cmds",
                r#"{"kind":"Pod","apiVersion":"v1"}"#,
                400,
                "BadRequest",
            ),
            (
                "POST /apis/tilt.dev/v1alpha1/cmds",
                r#"{"metadata":{"name":"a"},"spec":{"args":"x"}}"#,
                400,
                "BadRequest",
            ),
            (
                "POST /apis/tilt.dev/v1alpha1/cmds",
                r#"{"metadata":{"name":"a","resourceVersion":"1"}}"#,
                400,
                "BadRequest",
            ),
            (
                "POST /apis/tilt.dev/v1alpha1/cmds",
                r#"{"metadata":{"name":"a","namespace":"x"}}"#,
                422,
                "Invalid",
            ),
            (
                "POST /apis/tilt.dev/v1alpha1/cmds",
                r#"{"metadata":{"name":"a","labels":{"x":"-"}}}"#,
                422,
                "Invalid",
            ),
            ("POST /apis/tilt.dev/v1alpha1/cmds", "{}", 422, "Invalid"),
            (
                "POST /apis/tilt.dev/v1alpha1/cmds",
                r#"{"metadata":{"name":"a/b"}}"#,
                422,
                "Invalid",
            ),
            (
                "PUT /apis/tilt.dev/v1alpha1/uibuttons/b",
                r#"{"metadata":{"name":"c"}}"#,
                400,
                "BadRequest",
            ),
            (
                "PUT /apis/tilt.dev/v1alpha1/uibuttons/c",
                r#"{"metadata":{"name":"c"}}"#,
                404,
                "NotFound",
            ),
            (
                "PATCH /apis/tilt.dev/v1alpha1/uibuttons/b",
                "{}",
                415,
                "UnsupportedMediaType",
            ),
            (
                "DELETE /apis/tilt.dev/v1alpha1/uibuttons/b?propagationPolicy=Slow",
                "",
                400,
                "BadRequest",
            ),
            (
                "DELETE /apis/tilt.dev/v1alpha1/tiltfiles/(Tiltfile)",
                "",
                403,
                "Forbidden",
            ),
        ];
        for (line, body, code, reason) in table {
            let answer = client.ask(line, &json, body).await;
            assert_eq!(answer.code(), code, "{line} {body}: {}", answer.text());
            if code >= 400 {
                assert_eq!(said(&answer).1, reason, "{line} {body}");
            }
        }
        let large = format!("{{\"data\":{{\"a\":\"{}\"}}}}", "x".repeat(21 << 20));
        let answer = client.ask(&format!("POST {BASE}/configmaps"), &json, &large).await;
        assert_eq!(said(&answer).0, 413);
    });
}

#[test]
fn what_is_wrong_with_an_object_is_told_field_by_field() {
    with_client(async |client| {
        let bad = json!({"metadata": {"name": "bad"}, "spec": {"location": {"componentID": "a", "componentType": "Resource"}}});
        let answer = client.send(&format!("POST {BASE}/uibuttons"), bad).await;
        assert_eq!(
            said(&answer).2,
            "UIButton.tilt.dev \"bad\" is invalid: spec.text: Required value: Button text cannot be empty"
        );
        let want = json!({
            "name": "bad", "group": "tilt.dev", "kind": "UIButton",
            "causes": [{"reason": "FieldValueRequired", "message": "Required value: Button text cannot be empty", "field": "spec.text"}],
        });
        assert_eq!(answer.json()["details"], want);
    });
}

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
