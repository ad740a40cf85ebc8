//! An API server that follows a script: each request has to be the next line of it, or it is refused and the test fails.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::world::cluster::Cluster;
use crate::world::kubeconfig::{self, Sources};

pub enum Reply {
    Json(u16, String),
    /// A refusal: status, reason, message.
    Status(u16, &'static str, &'static str),
    /// A refusal that asks to be left alone for some seconds.
    Later(u16, &'static str),
    /// A refusal with one cause: reason, field, message.
    Invalid(&'static str, &'static str, &'static str),
    /// The connection ends without an answer.
    Cut,
    Never,
    /// The answer, after which the order is stopped.
    Stopping(String, CancellationToken),
}

pub struct Server {
    _folder: tempfile::TempDir,
    script: Arc<Script>,
    pub cluster: Cluster,
    _serving: JoinSet<()>,
}

#[derive(Default)]
struct Script {
    next: Mutex<VecDeque<(&'static str, Reply)>>,
    strangers: Mutex<Vec<String>>,
    bodies: Mutex<Vec<String>>,
}

impl Server {
    pub async fn start(script: Vec<(&'static str, Reply)>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Script {
            next: Mutex::new(script.into()),
            ..Script::default()
        });
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, script.clone()));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let text = format!(
            "current-context: x\ncontexts: [{{name: x, context: {{cluster: x, user: x, namespace: here}}}}]\n\
             clusters: [{{name: x, cluster: {{server: '{url}'}}}}]\nusers: [{{name: x, user: {{token: t}}}}]\n"
        );
        std::fs::write(&file, text).unwrap();
        let sources = Sources {
            variable: Some(file.display().to_string()),
            ..Sources::default()
        };
        let context = kubeconfig::active(&sources).unwrap().unwrap();
        let cluster = Cluster::connect(&sources, &context, &BTreeMap::new()).await.unwrap();
        Server {
            _folder: folder,
            script,
            cluster,
            _serving: serving,
        }
    }

    /// Bodies of the requests that had one.
    pub fn bodies(&self) -> Vec<String> {
        self.script.bodies.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let strangers = self.script.strangers.lock().unwrap();
            assert!(strangers.is_empty(), "not in the script: {strangers:?}");
            let left: Vec<_> = self.script.next.lock().unwrap().iter().map(|(line, _)| *line).collect();
            assert!(left.is_empty(), "never asked for: {left:?}");
        }
    }
}

async fn serve(listener: TcpListener, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let script = script.clone();
        let answer = service_fn(move |request| answer(script.clone(), request));
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
        connections.spawn(async move { drop(connection.await) });
    }
}

async fn answer(script: Arc<Script>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let asked = format!("{} {}", request.method(), request.uri().path_and_query().unwrap());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    if !body.is_empty() {
        script
            .bodies
            .lock()
            .unwrap()
            .push(String::from_utf8_lossy(&body).into_owned());
    }
    let next = {
        let mut next = script.next.lock().unwrap();
        match next.front() {
            Some((line, _)) if *line == asked => next.pop_front().map(|(_, reply)| reply),
            _ => None,
        }
    };
    let Some(reply) = next else {
        script.strangers.lock().unwrap().push(asked);
        return Ok(refusal(418, "", "not in the script", "{}"));
    };
    Ok(match reply {
        Reply::Json(status, body) => respond(status, body),
        Reply::Status(status, reason, message) => refusal(status, reason, message, "{}"),
        Reply::Later(status, seconds) => {
            let mut response = refusal(status, "TooManyRequests", "too many", "{}");
            response.headers_mut().insert("retry-after", seconds.parse().unwrap());
            response
        }
        Reply::Invalid(reason, field, message) => {
            let cause = serde_json::json!({"reason": reason, "field": field, "message": message});
            let details = serde_json::json!({"causes": [cause]}).to_string();
            refusal(422, "Invalid", message, &details)
        }
        Reply::Cut => return Err(std::io::Error::other("cut")),
        Reply::Never => std::future::pending().await,
        Reply::Stopping(body, stop) => {
            stop.cancel();
            respond(200, body)
        }
    })
}

fn refusal(status: u16, reason: &str, message: &str, details: &str) -> Response<Full<Bytes>> {
    let details: serde_json::Value = serde_json::from_str(details).unwrap();
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "details": details, "code": status,
    });
    respond(status, body.to_string())
}

fn respond(status: u16, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status.try_into().unwrap();
    response
}
