//! Requests and answers, header by header: who is let in, what the server tells of itself, and tables.

mod applying;
mod changes;
mod reading;
mod refusals;

use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::{Served, TOKEN};
use crate::support::differences;

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
