//! A small API server: it knows the answers that it was given and refuses anything else loudly.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub const VERSION: &str = "/version";
pub const NODES: &str = "/api/v1/nodes?&limit=50";
pub const HOSTING: &str = "/api/v1/namespaces/kube-public/configmaps/local-registry-hosting";
pub const MICROK8S: &str = "/api/v1/namespaces/container-registry/services/registry";

pub const TOKEN: &str = "let-me-in";

#[derive(Clone)]
pub enum Answer {
    Json(String),
    /// A refusal as API servers word it.
    Status(u16, &'static str),
    Text(u16, &'static str),
    Never,
}

pub struct Fake {
    pub url: String,
    book: Arc<Book>,
    _serving: JoinSet<()>,
}

struct Book {
    answers: Vec<(&'static str, Answer)>,
    strangers: Mutex<Vec<String>>,
    asked: Mutex<Vec<String>>,
}

impl Fake {
    pub async fn start(answers: Vec<(&'static str, Answer)>) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let book = Arc::new(Book {
            answers,
            strangers: Mutex::default(),
            asked: Mutex::default(),
        });
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, book.clone()));
        Fake {
            url,
            book,
            _serving: serving,
        }
    }

    pub fn asked(&self) -> Vec<String> {
        let mut asked = self.book.asked.lock().unwrap().clone();
        asked.sort();
        asked
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let strangers = self.book.strangers.lock().unwrap();
        if !std::thread::panicking() {
            assert!(strangers.is_empty(), "the fake API server was asked for {strangers:?}");
        }
    }
}

async fn serve(listener: TcpListener, book: Arc<Book>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let book = book.clone();
        let answer = service_fn(move |request| answer(book.clone(), request));
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
        connections.spawn(async move { drop(connection.await) });
    }
}

async fn answer(book: Arc<Book>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = request.uri().path_and_query().unwrap().to_string();
    book.asked.lock().unwrap().push(target.clone());
    let token = request
        .headers()
        .get("authorization")
        .map(|value| value.to_str().unwrap().to_owned());
    if token.as_deref() != Some(&format!("Bearer {TOKEN}")) {
        return Ok(refusal(401, "Unauthorized"));
    }
    let known = book.answers.iter().find(|(path, _)| *path == target);
    Ok(match known.map(|(_, answer)| answer.clone()) {
        Some(Answer::Json(body)) => respond(200, body),
        Some(Answer::Status(status, message)) => refusal(status, message),
        Some(Answer::Text(status, body)) => respond(status, body.to_owned()),
        Some(Answer::Never) => std::future::pending().await,
        None => {
            book.strangers
                .lock()
                .unwrap()
                .push(format!("{} {target}", request.method()));
            refusal(418, "nobody told me of this")
        }
    })
}

fn refusal(status: u16, message: &str) -> Response<Full<Bytes>> {
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "code": status,
    });
    respond(status, body.to_string())
}

fn respond(status: u16, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status.try_into().unwrap();
    response
}
