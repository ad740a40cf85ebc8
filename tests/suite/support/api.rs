//! A small API server over TLS that keeps objects in memory. What it does not know it refuses, and the test fails at its end.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Method, Request, Response};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

const TOKEN: &str = "a-token";
const BASE: &str = "/apis/tilt.dev/v1alpha1/";

type Body = BoxBody<Bytes, Infallible>;

/// The server; it ends with the test.
pub struct Api {
    store: Arc<Mutex<Store>>,
    changes: watch::Sender<u64>,
    folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

#[derive(Default)]
struct Store {
    objects: BTreeMap<(String, String), Value>,
    events: Vec<(u64, String, Value)>,
    version: u64,
    requests: Vec<String>,
    unknown: Vec<String>,
    refusals: Vec<Value>,
    watches_end: bool,
}

impl Api {
    pub fn start() -> Api {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let acceptor = acceptor(&made);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config"), config(address, &made.cert.pem())).unwrap();
        let store = Arc::new(Mutex::new(Store::default()));
        let changes = watch::Sender::new(0);
        runtime.spawn(serve(listener, acceptor, store.clone(), changes.clone()));
        Api {
            store,
            changes,
            folder,
            _runtime: runtime,
        }
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// The binary, talking to this server, in the server's folder.
    pub fn tilt(&self, words: &[&str]) -> Command {
        let mut command = super::tilt(self.folder.path());
        command.env("TILT_CONFIG", self.config()).args(words);
        command
    }

    /// `kubectl`, talking to this server with the same words.
    pub fn kubectl(&self, words: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command
            .current_dir(self.folder.path())
            .env("KUBECONFIG", self.config())
            .env("HOME", self.folder.path());
        command.args(words);
        command
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts an object there as if it had always been.
    pub fn put(&self, plural: &str, object: Value) {
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        self.store.lock().unwrap().write(plural, object, "ADDED");
        assert!(!kind.is_empty(), "an object has a kind");
        self.announce();
    }

    pub fn get(&self, plural: &str, name: &str) -> Option<Value> {
        let key = (plural.to_owned(), name.to_owned());
        self.store.lock().unwrap().objects.get(&key).cloned()
    }

    /// The next write is refused with this status.
    pub fn refuse_next(&self, status: Value) {
        self.store.lock().unwrap().refusals.push(status);
    }

    /// What was asked since the last time, a line each.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.store.lock().unwrap().requests)
    }

    /// Watches say what they have to say and end, those of now and those to come.
    pub fn end_watches(&self) {
        self.store.lock().unwrap().watches_end = true;
        self.announce();
    }

    fn announce(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let unknown = std::mem::take(&mut self.store.lock().unwrap().unknown);
        if !std::thread::panicking() {
            assert!(unknown.is_empty(), "requests that no API server knows: {unknown:#?}");
        }
    }
}

fn acceptor(made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> TlsAcceptor {
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn config(address: SocketAddr, certificate: &str) -> String {
    let ca = STANDARD.encode(certificate);
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: tilt-default\n  cluster: {{server: 'https://{address}', certificate-authority-data: {ca}}}\n\
         users:\n- name: tilt-default\n  user: {{token: {TOKEN}}}\n\
         contexts:\n- name: tilt-default\n  context: {{cluster: tilt-default, user: tilt-default}}\ncurrent-context: tilt-default\n"
    )
}

async fn serve(
    listener: tokio::net::TcpListener,
    acceptor: TlsAcceptor,
    store: Arc<Mutex<Store>>,
    changes: watch::Sender<u64>,
) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, store, changes) = (acceptor.clone(), store.clone(), changes.clone());
        connections.spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = hyper::service::service_fn(|request| answer(request, store.clone(), changes.clone()));
            let io = hyper_util::rt::TokioIo::new(stream);
            // The client may leave whenever it likes.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(io, service)
                .await;
        });
    }
}

struct Asked {
    method: Method,
    path: String,
    query: BTreeMap<String, String>,
    content_type: String,
    as_table: bool,
    body: Value,
}

async fn answer(
    request: Request<Incoming>,
    store: Arc<Mutex<Store>>,
    changes: watch::Sender<u64>,
) -> Result<Response<Body>, Infallible> {
    let header = |name: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (authorization, content_type, accept) = (header("authorization"), header("content-type"), header("accept"));
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let bytes = request
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let asked = Asked {
        path: decoded(uri.path()),
        query: uri.query().unwrap_or_default().split('&').filter_map(pair).collect(),
        as_table: accept.contains("as=Table"),
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        method,
        content_type,
    };
    let mut locked = store.lock().unwrap();
    let table = if asked.as_table { " (table)" } else { "" };
    locked.requests.push(format!("{} {}{table}", asked.method, uri));
    if authorization != format!("Bearer {TOKEN}") {
        return Ok(whole(401, &status(401, "Unauthorized", "Unauthorized".into())));
    }
    if asked.query.get("watch").map(String::as_str) == Some("true") {
        drop(locked);
        return Ok(streamed(asked, store, changes.subscribe()));
    }
    let (code, value) = locked.handle(&asked);
    drop(locked);
    changes.send_modify(|count| *count += 1);
    Ok(whole(code, &value))
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

fn pair(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once('=')?;
    Some((key.to_owned(), decoded(value)))
}

fn whole(code: u16, value: &Value) -> Response<Body> {
    let body = Full::new(Bytes::from(value.to_string())).boxed();
    Response::builder()
        .status(code)
        .header("content-type", "application/json")
        .body(body)
        .unwrap()
}

fn streamed(asked: Asked, store: Arc<Mutex<Store>>, changes: watch::Receiver<u64>) -> Response<Body> {
    let plural = asked.path.trim_start_matches(BASE).to_owned();
    let since: Option<u64> = asked
        .query
        .get("resourceVersion")
        .and_then(|version| version.parse().ok());
    let start = (since, changes, std::collections::VecDeque::<Value>::new(), true);
    let stream = futures_util::stream::unfold(start, move |(mut since, mut changes, mut queue, mut is_first)| {
        let (store, plural, asked_table) = (store.clone(), plural.clone(), asked.as_table);
        let selected = asked.query.clone();
        async move {
            loop {
                if let Some(event) = queue.pop_front() {
                    let line = Bytes::from(format!("{event}\n"));
                    return Some((Ok(Frame::data(line)), (since, changes, queue, is_first)));
                }
                let ends = {
                    let store = store.lock().unwrap();
                    let fits = |object: &Value| is_selected(object, &selected);
                    let shape = |object: &Value| {
                        if asked_table {
                            table(std::slice::from_ref(object), store.version)
                        } else {
                            object.clone()
                        }
                    };
                    if since.is_none() && is_first {
                        let all = store.of(&plural).into_iter().filter(fits);
                        queue.extend(all.map(|object| json!({"type": "ADDED", "object": shape(&object)})));
                    } else {
                        let from = since.unwrap_or_default();
                        let new = store
                            .events
                            .iter()
                            .filter(|(version, of, _)| *version > from && *of == plural);
                        for (_, _, event) in new.filter(|(_, _, event)| fits(&event["object"])) {
                            queue.push_back(json!({"type": event["type"], "object": shape(&event["object"])}));
                        }
                    }
                    is_first = false;
                    since = Some(store.version);
                    store.watches_end
                };
                if queue.is_empty() && (ends || changes.changed().await.is_err()) {
                    return None;
                }
            }
        }
    });
    let body = StreamBody::new(stream).boxed_unsync();
    Response::new(BoxBody::new(SyncBody(Mutex::new(body))))
}

/// A stream is read by one at a time; that makes it shareable.
struct SyncBody(Mutex<http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>>);

impl hyper::body::Body for SyncBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut body = self.0.lock().unwrap();
        std::pin::Pin::new(&mut *body).poll_frame(context)
    }
}

fn is_selected(object: &Value, query: &BTreeMap<String, String>) -> bool {
    let fields = query.get("fieldSelector").map(String::as_str).unwrap_or_default();
    let named = fields
        .strip_prefix("metadata.name=")
        .is_none_or(|name| object["metadata"]["name"] == name);
    let labels = query.get("labelSelector").map(String::as_str).unwrap_or_default();
    let labelled = labels
        .split_once('=')
        .is_none_or(|(key, value)| object["metadata"]["labels"][key] == value);
    named && labelled
}

fn status(code: u16, reason: &str, message: String) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message, "code": code})
}

fn table(objects: &[Value], version: u64) -> Value {
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let metadata = &object["metadata"];
            json!({"cells": [metadata["name"], metadata["creationTimestamp"]], "object": {"kind": "PartialObjectMetadata", "metadata": metadata}})
        })
        .collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version.to_string()},
        "columnDefinitions": [{"name": "Name", "type": "string", "format": "name", "priority": 0}, {"name": "Created At", "type": "date", "format": "", "priority": 0}],
        "rows": rows})
}

/// What `kubectl` asks before anything else; we never do.
fn discovery(path: &str) -> Option<Value> {
    let version = json!({"groupVersion": "tilt.dev/v1alpha1", "version": "v1alpha1"});
    match path {
        "/api" => Some(json!({"kind": "APIVersions", "versions": []})),
        "/version" => Some(json!({"major": "1", "minor": "36", "gitVersion": "v1.36.0"})),
        "/apis" => Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": [
            {"name": "tilt.dev", "versions": [version], "preferredVersion": version}]})),
        "/apis/tilt.dev/v1alpha1" => {
            let resource = |kind: &&tilt::model::object::Kind| {
                json!({"name": kind.plural, "singularName": kind.singular(), "namespaced": false, "kind": kind.name,
                    "shortNames": kind.short, "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"]})
            };
            let resources: Vec<Value> = tilt::model::object::KINDS.iter().map(resource).collect();
            Some(
                json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "tilt.dev/v1alpha1", "resources": resources}),
            )
        }
        _ => None,
    }
}

impl Store {
    fn of(&self, plural: &str) -> Vec<Value> {
        let of_kind = self.objects.iter().filter(|((of, _), _)| of == plural);
        of_kind.map(|(_, object)| object.clone()).collect()
    }

    fn write(&mut self, plural: &str, mut object: Value, event: &str) -> Value {
        self.version += 1;
        let metadata = &mut object["metadata"];
        metadata["resourceVersion"] = json!(self.version.to_string());
        if metadata["uid"].is_null() {
            metadata["uid"] = json!(format!("uid-{}", self.version));
            metadata["creationTimestamp"] = json!("2026-11-21T07:10:56Z");
        }
        metadata["managedFields"] = json!([{"manager": "someone"}]);
        let name = metadata["name"].as_str().unwrap_or_default().to_owned();
        self.events.push((
            self.version,
            plural.to_owned(),
            json!({"type": event, "object": object}),
        ));
        let key = (plural.to_owned(), name);
        match event {
            "DELETED" => self.objects.remove(&key),
            _ => self.objects.insert(key, object.clone()),
        };
        object
    }

    fn handle(&mut self, asked: &Asked) -> (u16, Value) {
        let is_write = asked.method != Method::GET;
        if let Some(refusal) = is_write.then(|| self.refusals.pop()).flatten() {
            return (refusal["code"].as_u64().unwrap_or(500) as u16, refusal);
        }
        if let Some(discovered) = discovery(&asked.path) {
            return (200, discovered);
        }
        let Some(rest) = asked.path.strip_prefix(BASE) else {
            return self.refuse(asked);
        };
        let (plural, name) = rest.split_once('/').unwrap_or((rest, ""));
        let name = name.trim_end_matches("/status");
        let found = self.objects.get(&(plural.to_owned(), name.to_owned())).cloned();
        let is_dry = asked.query.contains_key("dryRun") || !asked.body["dryRun"].is_null();
        match (asked.method.as_str(), name, found) {
            ("GET", "", _) => (200, self.list(plural, asked)),
            ("POST", "", _) => self.create(plural, asked, is_dry),
            (_, "", _) => self.refuse(asked),
            (_, name, None) if asked.content_type != "application/apply-patch+yaml" => (
                404,
                status(404, "NotFound", format!("{plural}.tilt.dev {name:?} not found")),
            ),
            ("GET", _, Some(object)) if asked.as_table => (200, table(&[object], self.version)),
            ("GET", _, Some(object)) => (200, object),
            ("DELETE", name, Some(object)) => {
                let uid = object["metadata"]["uid"].clone();
                if !is_dry {
                    self.write(plural, object, "DELETED");
                }
                (
                    200,
                    json!({"kind": "Status", "status": "Success", "details": {"name": name, "uid": uid}}),
                )
            }
            ("PATCH", _, found) => self.patch(plural, asked, (found, is_dry)),
            _ => self.refuse(asked),
        }
    }

    fn refuse(&mut self, asked: &Asked) -> (u16, Value) {
        self.unknown.push(format!("{} {}", asked.method, asked.path));
        (501, status(501, "", "this fake does not know that".to_owned()))
    }

    fn list(&self, plural: &str, asked: &Asked) -> Value {
        let objects: Vec<Value> = self
            .of(plural)
            .into_iter()
            .filter(|object| is_selected(object, &asked.query))
            .collect();
        if asked.as_table {
            return table(&objects, self.version);
        }
        json!({"kind": "AList", "apiVersion": "tilt.dev/v1alpha1", "metadata": {"resourceVersion": self.version.to_string()}, "items": objects})
    }

    fn create(&mut self, plural: &str, asked: &Asked, is_dry: bool) -> (u16, Value) {
        let name = asked.body["metadata"]["name"].as_str().unwrap_or_default();
        if self.objects.contains_key(&(plural.to_owned(), name.to_owned())) {
            let message = format!("{plural}.tilt.dev {name:?} already exists");
            return (409, status(409, "AlreadyExists", message));
        }
        match is_dry {
            true => (201, asked.body.clone()),
            false => (201, self.write(plural, asked.body.clone(), "ADDED")),
        }
    }

    fn patch(&mut self, plural: &str, asked: &Asked, (found, is_dry): (Option<Value>, bool)) -> (u16, Value) {
        let before = found.clone().unwrap_or(Value::Null);
        let mut object = before.clone();
        match asked.content_type.as_str() {
            "application/json-patch+json" => {
                let patch: json_patch::Patch = serde_json::from_value(asked.body.clone()).unwrap();
                json_patch::patch(&mut object, &patch).unwrap();
            }
            "application/merge-patch+json"
            | "application/strategic-merge-patch+json"
            | "application/apply-patch+yaml" => {
                json_patch::merge(&mut object, &asked.body);
            }
            _ => return self.refuse(asked),
        }
        if object == before || is_dry {
            return (200, object);
        }
        let event = if found.is_some() { "MODIFIED" } else { "ADDED" };
        (200, self.write(plural, object, event))
    }
}
