//! A registry that does what a test tells it: keeps blobs and manifests, writes down what it is asked, and fails to order.
//! What it does not know it refuses with a status that nothing else has.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::model::digest::sha256_hex;

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub enum Fault {
    Status(u16, &'static [(&'static str, &'static str)], &'static str),
    /// The connection ends after so many bytes of the body.
    CutAfter(usize),
}

/// Who is let in.
#[derive(Clone, Debug, Default)]
pub enum Door {
    #[default]
    Open,
    Basic(&'static str),
    /// A token, for `user:password` or for an identity token.
    Bearer(&'static str),
}

#[derive(Default)]
pub struct State {
    pub blobs: BTreeMap<(String, String), Bytes>,
    pub manifests: BTreeMap<(String, String), Bytes>,
    /// `METHOD path`, digests cut short, without the probe of `/v2/`.
    pub asked: Vec<String>,
    pub forms: Vec<String>,
    pub mounts: bool,
    door: Door,
    faults: Vec<(&'static str, VecDeque<Fault>)>,
    uploads: usize,
}

pub struct Fake {
    pub host: String,
    pub state: Arc<Mutex<State>>,
    _serving: JoinSet<()>,
}

impl Fake {
    pub async fn start(door: Door) -> Fake {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(Mutex::new(State {
            door,
            mounts: true,
            ..State::default()
        }));
        let (served, address) = (Arc::clone(&state), host.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (state, address) = (Arc::clone(&served), address.clone());
                let service = service_fn(move |request| answer(Arc::clone(&state), address.clone(), request));
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                connections.spawn(async move { drop(connection.await) });
            }
        });
        Fake {
            host,
            state,
            _serving: serving,
        }
    }

    /// Lets the next requests fail that begin with this, `PUT /v2/a/blobs`.
    pub fn fail(&self, what: &'static str, faults: impl IntoIterator<Item = Fault>) {
        let faults = faults.into_iter().collect();
        self.state.lock().expect("whole").faults.push((what, faults));
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("whole").asked)
    }

    pub fn count(&self, start: &str) -> usize {
        let state = self.state.lock().expect("whole");
        state.asked.iter().filter(|line| line.starts_with(start)).count()
    }
}

type Answer = Response<Full<Bytes>>;

async fn answer(state: Arc<Mutex<State>>, host: String, request: Request<Incoming>) -> Result<Answer, io::Error> {
    let (parts, mut body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let line = format!("{} {path}", parts.method);
    let fault = {
        let mut state = state.lock().expect("whole");
        if path != "/v2/" {
            state.asked.push(shortened(&line));
        }
        let found = state
            .faults
            .iter_mut()
            .find(|(what, faults)| line.starts_with(what) && !faults.is_empty());
        found.and_then(|(_, faults)| faults.pop_front())
    };
    if let Some(Fault::CutAfter(most)) = fault {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read >= most {
                break;
            }
        }
        return Err(io::Error::other("cut"));
    }
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    if let Some(Fault::Status(status, headers, text)) = fault {
        return Ok(told(status, headers, text.as_bytes()));
    }
    let shown = parts
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let asked = Asked {
        method: parts.method,
        path,
        query,
        shown: shown.to_owned(),
        body,
    };
    let Ok(answer) = respond(&mut state.lock().expect("whole"), &host, &asked);
    Ok(answer)
}

struct Asked {
    method: Method,
    path: String,
    query: String,
    shown: String,
    body: Bytes,
}

impl Asked {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
}

fn respond(state: &mut State, host: &str, asked: &Asked) -> Result<Answer, Infallible> {
    if asked.path == "/token" {
        return Ok(token(state, asked));
    }
    if let Some(refusal) = refusal(&state.door, host, asked) {
        return Ok(refusal);
    }
    if asked.path == "/v2/" {
        return Ok(told(200, &[], b"{}"));
    }
    let parts: Vec<&str> = asked.path.trim_start_matches("/v2/").split('/').collect();
    Ok(match (asked.method.as_str(), parts.as_slice()) {
        ("HEAD", [repo, "blobs", digest]) => {
            let there = state.blobs.contains_key(&(repo.to_string(), digest.to_string()));
            told(if there { 200 } else { 404 }, &[], b"")
        }
        ("POST", [repo, "blobs", "uploads", ""]) => begin(state, repo, asked),
        ("PUT", [repo, "blobs", "uploads", _]) => finish(state, repo, asked),
        ("DELETE", [_, "blobs", "uploads", _]) => told(204, &[], b""),
        ("HEAD" | "GET", [repo, "manifests", tag]) => match state.manifests.get(&(repo.to_string(), tag.to_string())) {
            Some(manifest) => told(200, &[("docker-content-digest", &digest(manifest))], manifest),
            None => told(
                404,
                &[],
                br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#,
            ),
        },
        ("PUT", [repo, "manifests", tag]) => place(state, repo, tag, asked),
        _ => told(418, &[], b"the fake does not know this request"),
    })
}

fn begin(state: &mut State, repo: &str, asked: &Asked) -> Answer {
    if let (Some(digest), Some(from)) = (asked.parameter("mount"), asked.parameter("from"))
        && state.mounts
        && let Some(blob) = state.blobs.get(&(from.to_owned(), digest.to_owned())).cloned()
    {
        state.blobs.insert((repo.to_owned(), digest.to_owned()), blob);
        return told(201, &[], b"");
    }
    state.uploads += 1;
    let location = format!("/v2/{repo}/blobs/uploads/{}?_state=x", state.uploads);
    told(202, &[("location", &location)], b"")
}

fn finish(state: &mut State, repo: &str, asked: &Asked) -> Answer {
    let stated = asked.parameter("digest").unwrap_or_default().to_owned();
    if asked.parameter("_state") != Some("x") || stated != digest(&asked.body) {
        let text =
            br#"{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match uploaded content"}]}"#;
        return told(400, &[], text);
    }
    state.blobs.insert((repo.to_owned(), stated), asked.body.clone());
    told(201, &[], b"")
}

fn place(state: &mut State, repo: &str, tag: &str, asked: &Asked) -> Answer {
    let manifest: serde_json::Value = serde_json::from_slice(&asked.body).expect("a manifest");
    let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
    for blob in layers.iter().chain([&manifest["config"]]) {
        let digest = blob["digest"].as_str().expect("a digest").to_owned();
        if !state.blobs.contains_key(&(repo.to_owned(), digest)) {
            return told(
                404,
                &[],
                br#"{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}"#,
            );
        }
    }
    let digest = digest(&asked.body);
    state
        .manifests
        .insert((repo.to_owned(), tag.to_owned()), asked.body.clone());
    told(201, &[("docker-content-digest", &digest)], b"")
}

fn refusal(door: &Door, host: &str, asked: &Asked) -> Option<Answer> {
    let (challenge, wanted) = match door {
        Door::Open => return None,
        Door::Basic(who) => (
            r#"Basic realm="fake""#.to_owned(),
            format!("Basic {}", STANDARD.encode(who)),
        ),
        Door::Bearer(_) => {
            let challenge = format!(r#"Bearer realm="http://{host}/token",service="fake",scope="repository:a:pull""#);
            (challenge, "Bearer letmein".to_owned())
        }
    };
    let text = br#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#;
    (asked.shown != wanted).then(|| told(401, &[("www-authenticate", &challenge)], text))
}

fn token(state: &mut State, asked: &Asked) -> Answer {
    let form = String::from_utf8_lossy(&asked.body).into_owned();
    state.forms.push(format!("{}{form}", asked.query));
    let Door::Bearer(who) = state.door else {
        return told(418, &[], b"nobody asks for tokens here");
    };
    let by_password = asked.shown == format!("Basic {}", STANDARD.encode(who));
    let by_identity = form.contains("grant_type=refresh%5Ftoken") && form.contains("refresh_token=identity");
    match by_password || by_identity {
        true => told(200, &[], br#"{"token":"letmein"}"#),
        false => told(
            401,
            &[],
            br#"{"errors":[{"code":"DENIED","message":"wrong password"}]}"#,
        ),
    }
}

fn told(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response
        .body(Full::new(Bytes::copy_from_slice(body)))
        .expect("a response")
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256_hex(bytes))
}

fn shortened(line: &str) -> String {
    match line.split_once("sha256:") {
        Some((before, hex)) => format!("{before}{}", &hex[..4]),
        None => line.to_owned(),
    }
}
