//! The websocket over real sockets.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::http::get;
use super::*;
use crate::engine::logs::{BuildEvent, Config, Fields, Level, Logs};

type Socket = WebSocketStream<TcpStream>;

async fn csrf(address: SocketAddr) -> String {
    get(address, "/api/websocket_token").send().await.body
}

async fn dial(address: SocketAddr, csrf: &str, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
    let uri = format!("ws://{address}/ws/view?csrf={csrf}");
    let mut request = uri.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    client_async(request, stream).await.map(|(socket, _)| socket)
}

async fn connected(running: &Running) -> Socket {
    let address = running.address();
    dial(address, &csrf(address).await, &[]).await.unwrap()
}

async fn next(socket: &mut Socket) -> Value {
    let message = socket.next().await.unwrap().unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

fn names(view: &Value, list: &str) -> Vec<String> {
    let items = view[list].as_array().cloned().unwrap_or_default();
    let name = |item: &Value| item["metadata"]["name"].as_str().unwrap().to_owned();
    items.iter().map(name).collect()
}

#[tokio::test]
async fn the_first_message_is_whole_and_the_next_ones_say_what_changed() {
    let engine = engine(state());
    let logs = Lines::default();
    engine.create(resource("a", "ok")).await;
    engine.create(resource("b", "ok")).await;
    logs.push("one\n");
    let running = served(&engine, &logs).await;
    let mut socket = connected(&running).await;
    let first = next(&mut socket).await;
    assert_eq!(first["isComplete"], json!(true));
    assert_eq!(names(&first, "uiResources"), ["a", "b"]);
    assert_eq!(first["logList"]["segments"], json!([{"text": "one\n"}]));
    assert_eq!(first["logList"]["toCheckpoint"], json!(1));

    engine.put(resource("b", "error")).await;
    let second = next(&mut socket).await;
    assert_eq!(second.get("isComplete"), None);
    assert_eq!(names(&second, "uiResources"), ["b"]);
    assert_eq!(second["uiResources"][0]["status"]["updateStatus"], json!("error"));
    assert_eq!(second["logList"], json!({"fromCheckpoint": -1, "toCheckpoint": -1}));
    assert_eq!(second["tiltStartTime"], first["tiltStartTime"]);

    logs.push("two\n");
    let third = next(&mut socket).await;
    assert_eq!(third.get("uiResources"), None);
    assert_eq!(third["logList"]["segments"], json!([{"text": "two\n"}]));
    assert_eq!(
        (&third["logList"]["fromCheckpoint"], &third["logList"]["toCheckpoint"]),
        (&json!(1), &json!(2))
    );

    engine.delete(&resource("a", "ok")).await;
    let fourth = next(&mut socket).await;
    assert_eq!(names(&fourth, "uiResources"), ["a"]);
    assert!(fourth["uiResources"][0]["metadata"]["deletionTimestamp"].is_string());
}

#[tokio::test]
async fn a_page_says_how_much_log_it_wants_to_begin_with() {
    let engine = engine(state());
    let logs = Lines::default();
    for line in ["one\n", "two\n", "three\n"] {
        logs.push(line);
    }
    let running = served(&engine, &logs).await;
    let token = csrf(running.address()).await;
    for (bytes, begin) in [("0", -1), ("10", 1), ("11", 1), ("14", 0), ("99999999999", 0)] {
        let wish = format!("{token}&log_bytes={bytes}");
        let mut socket = dial(running.address(), &wish, &[]).await.unwrap();
        let first = next(&mut socket).await;
        assert_eq!(first["logList"]["fromCheckpoint"], json!(begin), "{bytes}");
    }
}

#[tokio::test]
async fn a_socket_opens_only_for_our_own_page_with_the_csrf_token() {
    let engine = engine(state());
    let running = served(&engine, &Lines::default()).await;
    let address = running.address();
    let token = csrf(address).await;
    let ours = format!("http://{address}");
    let refused: [(&str, &[(&str, &str)]); 9] = [
        ("", &[]),
        ("wrong", &[]),
        (TOKEN, &[]),
        (&token, &[("origin", "http://evil.com")]),
        (&token, &[("origin", "http://localhost:8000")]),
        (&token, &[("origin", "null")]),
        (&token, &[("host", "evil.com")]),
        (&token, &[("sec-fetch-site", "cross-site")]),
        (
            &token,
            &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "websocket")],
        ),
    ];
    for (token, headers) in refused {
        match dial(address, token, headers).await {
            Err(Error::Http(answer)) => assert_eq!(answer.status(), 403, "{token} {headers:?}"),
            other => panic!("{token} {headers:?}: {other:?}"),
        }
    }
    let headers = [("origin", ours.as_str()), ("sec-fetch-site", "same-origin")];
    let mut socket = dial(address, &token, &headers).await.unwrap();
    assert_eq!(next(&mut socket).await["isComplete"], json!(true));
}

#[tokio::test]
async fn who_comes_back_gets_everything_again() {
    let engine = engine(state());
    let running = served(&engine, &Lines::default()).await;
    let mut socket = connected(&running).await;
    assert_eq!(names(&next(&mut socket).await, "uiResources"), [""; 0]);
    socket.close(None).await.unwrap();
    engine.create(resource("a", "ok")).await;
    let mut again = connected(&running).await;
    let first = next(&mut again).await;
    assert_eq!(
        (&first["isComplete"], names(&first, "uiResources")),
        (&json!(true), vec!["a".to_owned()])
    );
}

#[tokio::test]
async fn at_the_end_each_page_is_told_and_the_port_is_free_again() {
    let engine = engine(state());
    let running = served(&engine, &Lines::default()).await;
    let address = running.address();
    let mut socket = connected(&running).await;
    next(&mut socket).await;
    let page = async {
        let close = socket.next().await.unwrap().unwrap();
        // Reading on answers the closing.
        assert!(socket.next().await.is_none());
        close
    };
    let ((), close) = tokio::join!(running.stop(), page);
    let Message::Close(Some(frame)) = close else {
        panic!("{close:?}")
    };
    assert_eq!(
        (u16::from(frame.code), frame.reason.as_str()),
        (1001, "tilt is shutting down")
    );
    TcpListener::bind(address).await.unwrap();
}

/// Far more than sockets buffer.
const FLOOD: usize = 400;

#[tokio::test]
async fn a_client_that_reads_nothing_holds_up_neither_the_others_nor_the_end() {
    let engine = engine(state());
    let logs = Lines::default();
    let running = served(&engine, &logs).await;
    let mut lazy = connected(&running).await;
    let mut eager = connected(&running).await;
    next(&mut lazy).await;
    next(&mut eager).await;
    let line = "x".repeat(64 << 10);
    let mut seen = 0;
    for _ in 0..FLOOD {
        logs.push(&line);
    }
    while seen < FLOOD {
        let view = next(&mut eager).await;
        seen += view["logList"]["segments"].as_array().map_or(0, Vec::len);
    }
    engine.create(resource("a", "ok")).await;
    assert_eq!(names(&next(&mut eager).await, "uiResources"), ["a"]);
    drop(eager);
    let stopped = tokio::time::timeout(Duration::from_secs(5), running.stop());
    stopped.await.unwrap();
}

#[tokio::test]
async fn a_client_may_say_things_and_is_answered_when_it_pings() {
    let engine = engine(state());
    let running = served(&engine, &Lines::default()).await;
    let mut socket = connected(&running).await;
    next(&mut socket).await;
    socket.send(Message::text("{\"toCheckpoint\":1}")).await.unwrap();
    socket.send(Message::Ping("x".into())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong("x".into()));
}

#[tokio::test]
async fn lines_of_the_log_store_come_with_their_spans() {
    let folder = tempfile::tempdir().unwrap();
    let logs = Logs::open(Config::below(folder.path())).unwrap();
    let engine = engine(state());
    let span = logs.span("build:1", "a");
    span.line(Level::Info, "Initial Build\n", Fields::of_event(BuildEvent::Init));
    logs.flush().await;
    let running = serve(engine.handle.clone(), logs.clone(), Options::new(0, TOKEN))
        .await
        .unwrap();
    let mut socket = connected(&running).await;
    let first = next(&mut socket).await["logList"].clone();
    assert_eq!(first["spans"], json!({"build:1": {"manifestName": "a"}}));
    let segment = &first["segments"][0];
    assert_eq!(
        (
            &segment["spanId"],
            &segment["text"],
            &segment["level"],
            &segment["fields"]
        ),
        (
            &json!("build:1"),
            &json!("Initial Build\n"),
            &json!("INFO"),
            &json!({"buildEvent": "init"})
        )
    );
    span.error("it broke");
    let second = next(&mut socket).await["logList"].clone();
    assert_eq!(second["fromCheckpoint"], first["toCheckpoint"]);
    assert_eq!(
        (&second["segments"][0]["level"], &second["segments"][0]["anchor"]),
        (&json!("ERROR"), &json!(true))
    );
    let whole = get(running.address(), "/api/view").send().await.json();
    assert_eq!(whole["logList"]["segments"].as_array().unwrap().len(), 2);
}
