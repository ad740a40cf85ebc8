//! A client that trusts the server's own authority and says what the test tells it to.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;
use tilt::api::Running;

type Https = hyper_rustls::HttpsConnector<HttpConnector>;

#[derive(Clone)]
pub struct Client {
    http: hyper_util::client::legacy::Client<Https, Full<Bytes>>,
    base: String,
    authorization: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: hyper::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn code(&self) -> u16 {
        self.status.as_u16()
    }
}

impl Client {
    pub fn new(running: &Running, token: &str) -> Client {
        let mut roots = rustls::RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(running.entry.authority.as_bytes()).unwrap();
        roots.add(authority).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
            .wrap_connector(connector);
        Client {
            http: hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(https),
            base: running.entry.server.clone(),
            authorization: Some(format!("Bearer {token}")),
        }
    }

    pub fn with_authorization(mut self, authorization: Option<&str>) -> Client {
        self.authorization = authorization.map(str::to_owned);
        self
    }

    /// Headers stand before the body, a line each: `Accept: x`.
    pub async fn open(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Response<hyper::body::Incoming> {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap());
        request = request.uri(format!("{}{path}", self.base).parse::<Uri>().unwrap());
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::from(body.to_owned()));
        self.http.request(request.body(body).unwrap()).await.unwrap()
    }

    pub async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (parts, body) = self.open(line, headers, body).await.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &[], "").await
    }

    pub async fn send(&self, line: &str, body: Value) -> Answer {
        self.ask(line, &[("content-type", "application/json")], &body.to_string())
            .await
    }

    pub async fn watch(&self, path: &str) -> Watch {
        let response = self.open(&format!("GET {path}"), &[], "").await;
        assert_eq!(response.status(), 200);
        Watch::new(response.into_body())
    }
}

/// A watch, event by event.
pub struct Watch {
    body: hyper::body::Incoming,
    rest: Vec<u8>,
}

impl Watch {
    pub fn new(body: hyper::body::Incoming) -> Watch {
        Watch { body, rest: Vec::new() }
    }

    /// The next event; nothing once the server has ended the watch.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let frame = self.body.frame().await?.unwrap();
            self.rest.extend(frame.into_data().unwrap_or_default());
        }
    }

    /// `ADDED b` and the like; a bookmark names its version.
    pub async fn told(&mut self) -> String {
        let Some(event) = self.next().await else {
            return "end".to_owned();
        };
        let object = &event["object"];
        let kind = event["type"].as_str().unwrap();
        match kind {
            "ERROR" => format!("ERROR {}", object["code"]),
            "BOOKMARK" => {
                let mark = object["metadata"]["annotations"]["k8s.io/initial-events-end"].as_str();
                format!("BOOKMARK{}", if mark == Some("true") { " end" } else { "" })
            }
            _ => format!("{kind} {}", object["metadata"]["name"].as_str().unwrap_or_default()),
        }
    }
}
