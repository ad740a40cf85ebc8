//! Every route: what it answers, and whom it refuses.

use std::sync::Arc;

use serde_json::json;

use super::http::{Ask as Request, Got, get, post, request};
use super::*;
use crate::engine::action::Refusal;
use crate::engine::state::ResourceState;
use crate::model::project::{Resource, Target, TriggerMode};

const NOT_HERE: &str = "host not allowed: use localhost, or the name that `tilt up --host` was given";
const TRIGGER: &str = r#"{"manifest_names":["a"],"build_reason":16}"#;

/// Every route that needs the token, with a request that it takes.
fn guarded(address: SocketAddr) -> Vec<Request> {
    vec![
        get(address, "/api/view"),
        get(address, "/api/dump/engine"),
        get(address, "/api/snapshot/x"),
        get(address, "/api/websocket_token"),
        post(address, "/api/trigger", TRIGGER),
        post(
            address,
            "/api/override/trigger_mode",
            r#"{"manifest_names":["a"],"trigger_mode":1}"#,
        ),
        post(address, "/api/set_tiltfile_args", r#"["x"]"#),
        post(address, "/api/analytics", "[]"),
        post(address, "/api/analytics_opt", r#"{"opt":"opt-in"}"#),
        get(address, "/proxy/apis/tilt.dev/v1alpha1/uibuttons"),
        get(address, "/proxy/apis/tilt.dev/v1alpha1/uibuttons/b"),
        request(
            address,
            "PUT",
            "/proxy/apis/tilt.dev/v1alpha1/uibuttons/b/status",
            r#"{"status":{}}"#,
        ),
    ]
}

fn open(address: SocketAddr) -> Vec<Request> {
    ["/", "/r/(all)/overview", "/favicon.ico", "/manifest.json"]
        .map(|path| get(address, path))
        .to_vec()
}

/// A resource `a` and a button `b`, with an engine that agrees to everything.
fn agreeing() -> Engine {
    scripted(with_resource(), |_| Ok(None))
}

fn with_resource() -> State {
    let mut state = state();
    let declared = Arc::new(Resource {
        name: "a".to_owned(),
        images: Vec::new(),
        target: Target::Local(Box::default()),
        trigger: TriggerMode::Auto,
        deps: Vec::new(),
        labels: Default::default(),
        source: String::new(),
    });
    let resource = ResourceState::new(declared, "(Tiltfile)".into());
    state.resources.insert("a".into(), Arc::new(resource));
    state.table.put(button("b"), Time::default());
    state
}

fn forbidden(got: &Got, why: &str) -> bool {
    got.said() == (403, format!("{why}\n").as_str())
}

#[tokio::test]
async fn each_route_answers_who_may_ask_and_nobody_else() {
    let engine = agreeing();
    let running = served(&engine, &Lines::default()).await;
    let address = running.address();
    for ask in guarded(address) {
        let plain = ask.clone().with("X-Tilt-Token", "");
        let cases = [
            (plain.clone(), "missing session token"),
            (ask.clone().with("X-Tilt-Token", "wrong"), "invalid session token"),
            (
                plain.clone().with("Cookie", "Tilt-Token=wrong"),
                "invalid session token",
            ),
            (ask.clone().with("Host", "evil.com"), NOT_HERE),
            (ask.clone().with("Host", ""), NOT_HERE),
            (
                ask.clone().with("Origin", "http://evil.com"),
                "cross-origin request forbidden",
            ),
            (ask.clone().with("Origin", "null"), "cross-origin request forbidden"),
            (
                ask.clone().with("Sec-Fetch-Site", "cross-site"),
                "cross-origin request forbidden",
            ),
            (
                ask.clone().with("Sec-Fetch-Site", "same-site"),
                "cross-origin request forbidden",
            ),
        ];
        for (ask, why) in cases {
            let got = ask.send().await;
            assert!(forbidden(&got, why), "{why}: {got:?}");
        }
        assert_eq!(engine.asked(), [""; 0]);
        let origin = format!("http://{address}");
        let cookie = format!("x=1; Tilt-Token={TOKEN}");
        let from_page = plain.with("Cookie", &cookie).with("Origin", &origin);
        for ask in [ask, from_page.with("Sec-Fetch-Site", "same-origin")] {
            let got = ask.send().await;
            assert_eq!(got.code, 200, "{got:?}");
        }
        engine.asked();
    }
}

#[tokio::test]
async fn a_route_that_needs_no_token_still_refuses_other_hosts_and_origins() {
    let running = served(&agreeing(), &Lines::default()).await;
    for ask in open(running.address()) {
        let ask = ask.with("X-Tilt-Token", "");
        assert_eq!(ask.send().await.code, 200);
        assert!(forbidden(&ask.clone().with("Host", "evil.com").send().await, NOT_HERE));
        for (name, value) in [("Origin", "http://evil.com"), ("Sec-Fetch-Site", "same-site")] {
            let got = ask.clone().with(name, value).send().await;
            assert!(forbidden(&got, "cross-origin request forbidden"), "{got:?}");
        }
    }
}

#[tokio::test]
async fn another_site_may_link_to_the_page_but_not_to_an_answer() {
    let running = served(&agreeing(), &Lines::default()).await;
    let linked = |path: &str| {
        let ask = get(running.address(), path).with("Sec-Fetch-Site", "cross-site");
        ask.with("Sec-Fetch-Mode", "navigate")
            .with("Sec-Fetch-Dest", "document")
    };
    assert_eq!(linked("/").send().await.code, 200);
    assert_eq!(linked("/api/view").send().await.code, 403);
    let framed = linked("/").with("Sec-Fetch-Dest", "iframe");
    assert_eq!(framed.send().await.code, 403);
}

#[tokio::test]
async fn what_changes_something_is_posted_as_json() {
    let engine = agreeing();
    let running = served(&engine, &Lines::default()).await;
    let address = running.address();
    for ask in guarded(address) {
        let path = ask.path().to_owned();
        if !ask.changes() {
            continue;
        }
        for kind in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "text/plain; x=application/json",
        ] {
            let got = ask.clone().with("Content-Type", kind).send().await;
            assert_eq!(got.code, 415, "{path} {kind}");
        }
        if path.starts_with("/api") {
            for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
                let got = request(address, method, &path, "").send().await;
                assert_eq!(got.said(), (400, "must be POST request\n"), "{path}");
                assert_eq!(got.header("allow"), Some("POST"));
            }
        }
    }
    assert_eq!(engine.asked(), [""; 0]);
    let with_charset = post(address, "/api/trigger", TRIGGER).with("Content-Type", "application/json; charset=utf-8");
    assert_eq!(with_charset.send().await.code, 200);
}

#[tokio::test]
async fn a_trigger_says_whether_it_was_taken() {
    let engine = scripted(state(), |ask| match ask {
        Ask::Trigger { resource, .. } if &**resource == "off" => Err(Refusal::Disabled {
            resource: resource.clone(),
        }),
        Ask::Trigger { resource, .. } if &**resource == "gone" => Err(Refusal::NoResource {
            resource: resource.clone(),
        }),
        Ask::Trigger { resource, .. } if &**resource == "late" => Err(Refusal::Ended),
        _ => Ok(None),
    });
    let running = served(&engine, &Lines::default()).await;
    let cases = [
        (r#"{"manifest_names":["a"],"build_reason":32}"#, 200, ""),
        (
            r#"{"manifest_names":["off"]}"#,
            200,
            "resource \"off\" is currently disabled",
        ),
        (
            r#"{"manifest_names":["gone"]}"#,
            404,
            "resource \"gone\" does not exist\n",
        ),
        (r#"{"manifest_names":["late"]}"#, 503, "tilt is shutting down\n"),
        (
            r#"{"manifest_names":["a","b"]}"#,
            400,
            "/api/trigger currently supports exactly one manifest name, got 2\n",
        ),
        (
            "{",
            400,
            "error parsing JSON payload: EOF while parsing an object at line 1 column 1\n",
        ),
    ];
    for (body, code, said) in cases {
        let got = post(running.address(), "/api/trigger", body).send().await;
        assert_eq!(got.said(), (code, said), "{body}");
    }
    let asked = engine.asked();
    assert_eq!(asked[0], "trigger a Cli");
    assert_eq!(asked.len(), 4);
}

#[tokio::test]
async fn the_engine_itself_knows_which_resources_there_are() {
    let engine = engine(with_resource());
    let running = served(&engine, &Lines::default()).await;
    let trigger = |name: &str| {
        let body = format!(r#"{{"manifest_names":["{name}"],"build_reason":16}}"#);
        post(running.address(), "/api/trigger", &body)
    };
    assert_eq!(trigger("a").send().await.said(), (200, ""));
    let unknown = trigger("x").send().await;
    assert_eq!(unknown.said(), (404, "resource \"x\" does not exist\n"));
}

#[tokio::test]
async fn trigger_modes_are_set_for_all_or_none() {
    let engine = agreeing();
    let running = served(&engine, &Lines::default()).await;
    let cases = [
        (r#"{"manifest_names":["a"],"trigger_mode":2}"#, 200, ""),
        (
            r#"{"manifest_names":["a","b"],"trigger_mode":2}"#,
            400,
            "resource \"b\" does not exist\n",
        ),
        (
            r#"{"manifest_names":["a"],"trigger_mode":9}"#,
            400,
            "invalid trigger mode: 9\n",
        ),
    ];
    for (body, code, said) in cases {
        let got = post(running.address(), "/api/override/trigger_mode", body).send().await;
        assert_eq!(got.said(), (code, said), "{body}");
    }
    assert_eq!(engine.asked(), ["mode a Manual"]);
}

#[tokio::test]
async fn arguments_reach_the_engine() {
    let engine = agreeing();
    let running = served(&engine, &Lines::default()).await;
    let set = post(running.address(), "/api/set_tiltfile_args", r#"["--x","y"]"#);
    assert_eq!(set.send().await.said(), (200, ""));
    assert_eq!(engine.asked(), [r#"args ["--x", "y"]"#]);
}

#[tokio::test]
async fn the_view_is_whole_and_a_snapshot_holds_it() {
    let engine = agreeing();
    let logs = Lines::default();
    logs.push("hello\n");
    let running = served(&engine, &logs).await;
    let got = get(running.address(), "/api/view").send().await;
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert_eq!(got.header("cache-control"), Some("no-store"));
    let view = got.json();
    assert_eq!(view["isComplete"], json!(true));
    assert_eq!(view["tiltStartTime"], json!("2026-11-21T07:10:56.201388Z"));
    assert_eq!(view["uiButtons"][0]["metadata"]["name"], json!("b"));
    assert_eq!(view["logList"]["segments"][0]["text"], json!("hello\n"));
    let snapshot = get(running.address(), "/api/snapshot/anything").send().await.json();
    assert_eq!(snapshot["view"], view);
    assert!(Time::parse(snapshot["createdAt"].as_str().unwrap()).is_some());
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let running = served(&agreeing(), &Lines::default()).await;
    for path in ["/api/nothing", "/api/view/x", "/ws/x", "/static/x.js"] {
        assert_eq!(get(running.address(), path).send().await.code, 404, "{path}");
    }
}

#[tokio::test]
async fn somebodys_choice_about_analytics_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("user/choice.txt");
    let options = Options {
        analytics_choice: Some(file.clone()),
        ..Options::new(0, TOKEN)
    };
    let running = served_with(&agreeing(), &Lines::default(), options).await;
    let opt = |opt: &str| {
        post(
            running.address(),
            "/api/analytics_opt",
            &format!(r#"{{"opt":"{opt}"}}"#),
        )
    };
    assert_eq!(opt("opt-out").send().await.code, 200);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "opt-out");
    assert_eq!(opt("perhaps").send().await.code, 400);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "opt-out");
}

#[tokio::test]
async fn a_button_is_clicked_through_the_proxy() {
    let engine = engine(state());
    engine.create(button("(Tiltfile)-x")).await;
    let running = served(&engine, &Lines::default()).await;
    let base = "/proxy/apis/tilt.dev/v1alpha1/uibuttons";
    let place = format!("{base}/%28Tiltfile%29-x/status");
    let body = r#"{"metadata":{"name":"(Tiltfile)-x"},"status":{"lastClickedAt":"2026-11-21T08:00:00.000001Z"}}"#;
    let got = request(running.address(), "PUT", &place, body).send().await;
    assert_eq!(got.code, 200, "{got:?}");
    assert_eq!(
        got.json()["status"]["lastClickedAt"],
        json!("2026-11-21T08:00:00.000001Z")
    );
    let seen = get(running.address(), &format!("{base}/(Tiltfile)-x"))
        .send()
        .await
        .json();
    assert_eq!(seen, got.json());
    let list = get(running.address(), base).send().await.json();
    assert_eq!(list["kind"], json!("UIButtonList"));
    assert_eq!(list["items"], json!([seen]));
    let stale = body.replace("\"name\"", "\"resourceVersion\":\"1\",\"name\"");
    let cases = [
        (place.as_str(), stale.as_str(), 409, "Conflict"),
        (place.as_str(), "[]", 400, "BadRequest"),
        (&format!("{base}/other/status"), "{}", 404, "NotFound"),
        (&format!("{base}/(Tiltfile)-x"), body, 405, "MethodNotAllowed"),
        ("/proxy/apis/tilt.dev/v1alpha1/cmds/x/status", "{}", 404, "NotFound"),
        ("/proxy/api/v1/pods", "{}", 404, "NotFound"),
    ];
    for (path, body, code, reason) in cases {
        let got = request(running.address(), "PUT", path, body).send().await;
        assert_eq!((got.code, &got.json()["reason"]), (code, &json!(reason)), "{path}");
    }
}

#[tokio::test]
async fn a_body_may_not_be_endless() {
    let engine = agreeing();
    let running = served(&engine, &Lines::default()).await;
    let body = format!("[\"{}\"]", "x".repeat(2 << 20));
    let got = post(running.address(), "/api/set_tiltfile_args", &body).send().await;
    assert_eq!(got.code, 413);
    assert_eq!(engine.asked(), [""; 0]);
}

#[tokio::test]
async fn without_auth_hosts_and_origins_are_checked_all_the_same() {
    let options = Options {
        auth: Auth::Nothing,
        ..Options::new(0, TOKEN)
    };
    let running = served_with(&agreeing(), &Lines::default(), options).await;
    let ask = get(running.address(), "/api/view").with("X-Tilt-Token", "");
    assert_eq!(ask.send().await.code, 200);
    assert_eq!(ask.clone().with("Host", "evil.com").send().await.code, 403);
    assert_eq!(ask.clone().with("Origin", "http://evil.com").send().await.code, 403);
    let page = get(running.address(), "/").send().await;
    assert_eq!(page.header("set-cookie"), None);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_a_way_out() {
    let engine = agreeing();
    let running = served(&engine, &Lines::default()).await;
    let port = running.address().port();
    let expected = format!(
        "Tilt cannot start because you already have another process on port {port}, which is a Tilt\n\
         To run a second Tilt beside it, give it a port of its own: `tilt up --port {}`",
        port + 1
    );
    let mut error = String::new();
    // Whoever has it gets a third of a second to say what it is, which on a busy machine may be too little.
    for _ in 0..20 {
        let options = Options::new(port, TOKEN);
        let refused = serve(engine.handle.clone(), Lines::default(), options).await;
        error = refused.unwrap_err().to_string();
        if error == expected {
            break;
        }
    }
    assert_eq!(error, expected);
}

#[tokio::test]
async fn whoever_else_has_the_port_need_not_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let error = serve(agreeing().handle.clone(), Lines::default(), Options::new(port, TOKEN)).await;
    let holder = Holder::Unknown;
    match error {
        Err(ServeError::PortTaken {
            port: taken,
            holder: by,
        }) => assert_eq!((taken, by), (port, holder)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_listens_on_this_machine_only_unless_told_otherwise() {
    let running = served_with(&agreeing(), &Lines::default(), Options::new(0, TOKEN)).await;
    assert!(running.address().ip().is_loopback());
    let options = Options {
        host: "no such host".to_owned(),
        ..Options::new(0, TOKEN)
    };
    let error = serve(agreeing().handle.clone(), Lines::default(), options).await;
    assert!(matches!(error, Err(ServeError::Host { .. })));
}
