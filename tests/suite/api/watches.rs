//! Watches, event by event.

use serde_json::json;

use super::Served;
use super::client::Client;

const MAPS: &str = "/apis/tilt.dev/v1alpha1/configmaps";

fn with_client(test: impl AsyncFnOnce(Client)) {
    let served = Served::start();
    served.runtime.block_on(test(served.client()));
}

async fn put(client: &Client, name: &str, label: &str, value: &str) -> String {
    let line = format!("PATCH {MAPS}/{name}?fieldManager=test&force=true");
    let body = json!({
        "apiVersion": "tilt.dev/v1alpha1", "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"l": label}}, "data": {"k": value},
    });
    let answer = client
        .ask(
            &line,
            &[("content-type", "application/apply-patch+yaml")],
            &body.to_string(),
        )
        .await;
    assert!(answer.status.is_success(), "{}", answer.text());
    answer.json()["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn delete(client: &Client, name: &str) {
    assert_eq!(client.ask(&format!("DELETE {MAPS}/{name}"), &[], "").await.code(), 200);
}

#[test]
fn a_watch_tells_what_is_there_and_then_what_changes() {
    with_client(async |client| {
        put(&client, "a", "x", "1").await;
        let mut watch = client.watch(&format!("{MAPS}?watch=1")).await;
        assert_eq!(watch.told().await, "ADDED a");
        put(&client, "b", "x", "1").await;
        assert_eq!(watch.told().await, "ADDED b");
        // What changes nothing is no event; other kinds are none of its business.
        put(&client, "b", "x", "1").await;
        client
            .send("POST /apis/tilt.dev/v1alpha1/cmds", json!({"metadata": {"name": "c"}}))
            .await;
        put(&client, "a", "x", "2").await;
        assert_eq!(watch.told().await, "MODIFIED a");
        delete(&client, "b").await;
        let gone = watch.next().await.unwrap();
        assert_eq!(
            (&gone["type"], &gone["object"]["data"]["k"]),
            (&json!("DELETED"), &json!("1"))
        );
    });
}

#[test]
fn a_watch_goes_on_where_another_one_stopped() {
    with_client(async |client| {
        let first = put(&client, "a", "x", "1").await;
        put(&client, "b", "x", "1").await;
        delete(&client, "a").await;
        let mut watch = client.watch(&format!("{MAPS}?watch=1&resourceVersion={first}")).await;
        assert_eq!(
            (watch.told().await, watch.told().await),
            ("ADDED b".into(), "DELETED a".into())
        );
        let mut all = client.watch(&format!("{MAPS}?watch=true&resourceVersion=0")).await;
        assert_eq!(all.told().await, "ADDED b");
    });
}

#[test]
fn what_a_selector_stops_selecting_is_told_as_gone() {
    with_client(async |client| {
        let mut watch = client.watch(&format!("{MAPS}?watch=1&labelSelector=l%3Dx")).await;
        put(&client, "a", "y", "1").await;
        put(&client, "a", "x", "1").await;
        assert_eq!(watch.told().await, "ADDED a");
        put(&client, "a", "x", "2").await;
        assert_eq!(watch.told().await, "MODIFIED a");
        put(&client, "a", "y", "2").await;
        assert_eq!(watch.told().await, "DELETED a");
        delete(&client, "a").await;
        put(&client, "b", "x", "1").await;
        assert_eq!(watch.told().await, "ADDED b");
    });
}

#[test]
fn the_older_paths_watch_too() {
    with_client(async |client| {
        let base = "/apis/tilt.dev/v1alpha1/watch/configmaps";
        let (mut all, mut one) = (client.watch(base).await, client.watch(&format!("{base}/b")).await);
        put(&client, "a", "x", "1").await;
        put(&client, "b", "x", "1").await;
        assert_eq!(
            (all.told().await, all.told().await),
            ("ADDED a".into(), "ADDED b".into())
        );
        assert_eq!(one.told().await, "ADDED b");
    });
}

#[test]
fn the_end_of_what_was_there_is_marked_for_who_asks() {
    with_client(async |client| {
        put(&client, "a", "x", "1").await;
        let options = "watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
        let mut watch = client.watch(&format!("{MAPS}?{options}")).await;
        assert_eq!(
            (watch.told().await, watch.told().await),
            ("ADDED a".into(), "BOOKMARK end".into())
        );
        put(&client, "b", "x", "1").await;
        assert_eq!(watch.told().await, "ADDED b");
    });
}

#[test]
fn a_watch_that_fell_too_far_behind_is_told_to_start_over() {
    let served = Served::start();
    served.runtime.block_on(async {
        let client = served.client();
        let first = put(&client, "a", "x", "0").await;
        let write = |number: usize| {
            let mut object =
                tilt::model::object::Stored::new(&tilt::model::object::kinds::CONFIG_MAP, format!("c{number}"));
            object
                .spec
                .insert("data", tilt::model::tree::Tree::Map(Default::default()));
            served.handle.write(tilt::engine::action::Write {
                kind: object.kind,
                name: (&*object.name).into(),
                verb: tilt::engine::action::Verb::Create(object),
                effort: tilt::engine::action::Effort::Real,
            })
        };
        for number in 0..4300 {
            write(number).await.unwrap();
        }
        let mut watch = client.watch(&format!("{MAPS}?watch=1&resourceVersion={first}")).await;
        assert_eq!(
            (watch.told().await, watch.told().await),
            ("ERROR 410".into(), "end".into())
        );
    });
}

#[test]
fn a_watch_ends_when_its_time_is_up() {
    with_client(async |client| {
        let mut watch = client.watch(&format!("{MAPS}?watch=1&timeoutSeconds=1")).await;
        assert_eq!(watch.told().await, "end");
    });
}

#[test]
fn a_table_is_watched_with_its_columns_told_once() {
    with_client(async |client| {
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
        let response = client
            .open(&format!("GET {MAPS}?watch=1"), &[("accept", accept)], "")
            .await;
        let mut watch = super::client::Watch::new(response.into_body());
        put(&client, "a", "x", "1").await;
        put(&client, "b", "x", "1").await;
        let (first, second) = (watch.next().await.unwrap(), watch.next().await.unwrap());
        assert_eq!(first["object"]["columnDefinitions"].as_array().unwrap().len(), 2);
        assert!(second["object"]["columnDefinitions"].is_null());
        assert_eq!(second["object"]["rows"][0]["cells"][0], json!("b"));
    });
}

#[test]
fn hundreds_of_watches_all_see_a_change_and_leave_nothing_behind() {
    with_client(async |client| {
        let path = format!("{MAPS}?watch=1");
        let opened = futures_util::future::join_all((0..300).map(|_| client.watch(&path))).await;
        put(&client, "a", "x", "1").await;
        let told = opened
            .into_iter()
            .map(|mut watch| async move { (watch.told().await, watch).0 });
        for told in futures_util::future::join_all(told).await {
            assert_eq!(told, "ADDED a");
        }
        // They are closed now; the server notices with the next event at the latest.
        loop {
            let metrics = client.get("/metrics").await.text();
            if metrics.contains("tilt_api_watches 0\n") {
                break;
            }
            tokio::task::yield_now().await;
        }
    });
}
