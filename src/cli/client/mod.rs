//! The client of our API server: one connection, one request for each thing asked, errors in the words of `kubectl`.
//!
//! Kinds are compiled in, so nothing is discovered first. Which server there is says [`server`].

mod error;
mod server;
#[cfg(test)]
mod tests;
mod tls;
mod watch;

pub use error::{ClientError, Status};
pub use server::{Connect, Server};
pub use tls::{config as trusting, system_roots};
pub use watch::{Event, Watch};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::object::Kind;
use crate::model::tree::Tree;
use crate::model::yaml::json;

/// What a segment of a path may hold as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b':')
    .remove(b'(')
    .remove(b')');
/// More than any list of objects; an answer beyond it is not from our server.
const MOST_BYTES: usize = 512 << 20;
const BASE: &str = "/apis/tilt.dev/v1alpha1";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// How objects should be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    Objects,
    Table,
    /// A table whose rows hold whole objects.
    TableWithObjects,
}

/// Which objects of a kind.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub labels: String,
    pub fields: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl PatchType {
    fn content_type(self) -> &'static str {
        match self {
            PatchType::Json => "application/json-patch+json",
            PatchType::Merge => "application/merge-patch+json",
            PatchType::Strategic => "application/strategic-merge-patch+json",
            PatchType::Apply => "application/apply-patch+yaml",
        }
    }
}

/// What goes along with a write, as query parameters.
#[derive(Clone, Debug, Default)]
pub struct Write<'a> {
    pub manager: &'a str,
    pub is_dry: bool,
    /// `Strict`, `Warn` or `Ignore`: what the server does about fields that it does not know.
    pub validation: &'a str,
    pub forces: bool,
    pub subresource: &'a str,
}

pub struct Client {
    http: hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    server: Server,
}

impl Client {
    pub fn new(server: Server) -> Result<Client, ClientError> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls::config(&server.roots)?)
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Client {
            http: hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector),
            server,
        })
    }

    pub async fn get(&self, kind: &Kind, name: &str, accept: Accept) -> Result<Tree, ClientError> {
        let path = with_query(&object_path(kind, name, ""), &table_query(accept));
        self.object(Method::GET, &path, accept, None).await
    }

    pub async fn list(&self, kind: &Kind, selection: &Selection, accept: Accept) -> Result<Tree, ClientError> {
        let mut query = selection.query();
        // As `kubectl` asks: a long list comes whole from our server, which has it in memory.
        query.extend(table_query(accept));
        let path = with_query(&format!("{BASE}/{}", kind.plural), &query);
        self.object(Method::GET, &path, accept, None).await
    }

    /// Changes from a version on; without one, what there is comes first.
    pub async fn watch(
        &self,
        kind: &Kind,
        selection: &Selection,
        version: Option<&str>,
        accept: Accept,
    ) -> Result<Watch, ClientError> {
        let mut query = selection.query();
        query.extend(table_query(accept));
        query.push(("watch", "true".to_owned()));
        query.extend(version.map(|version| ("resourceVersion", version.to_owned())));
        let path = with_query(&format!("{BASE}/{}", kind.plural), &query);
        let response = self.send(Method::GET, &path, accept, None).await?;
        Ok(Watch::new(self.checked(response).await?.into_body()))
    }

    pub async fn create(&self, kind: &Kind, object: &Tree, write: &Write<'_>) -> Result<Tree, ClientError> {
        let path = with_query(&format!("{BASE}/{}", kind.plural), &write.query());
        let body = ("application/json", json::compact(object));
        self.object(Method::POST, &path, Accept::Objects, Some(body)).await
    }

    pub async fn update(&self, kind: &Kind, name: &str, object: &Tree, write: &Write<'_>) -> Result<Tree, ClientError> {
        let path = with_query(&object_path(kind, name, write.subresource), &write.query());
        let body = ("application/json", json::compact(object));
        self.object(Method::PUT, &path, Accept::Objects, Some(body)).await
    }

    pub async fn patch(
        &self,
        kind: &Kind,
        name: &str,
        (patch_type, patch): (PatchType, String),
        write: &Write<'_>,
    ) -> Result<Tree, ClientError> {
        let path = with_query(&object_path(kind, name, write.subresource), &write.query());
        let body = (patch_type.content_type(), patch);
        self.object(Method::PATCH, &path, Accept::Objects, Some(body)).await
    }

    /// Deletes one object with `DeleteOptions`; the answer is the object, or only that it went well.
    pub async fn delete(&self, kind: &Kind, name: &str, options: &Tree) -> Result<Tree, ClientError> {
        let body = ("application/json", json::compact(options));
        self.object(
            Method::DELETE,
            &object_path(kind, name, ""),
            Accept::Objects,
            Some(body),
        )
        .await
    }

    /// A request to a path of the server's, as it is.
    pub async fn raw(&self, method: Method, path: &str) -> Result<Bytes, ClientError> {
        let response = self.send(method, path, Accept::Objects, None).await?;
        let response = self.checked(response).await?;
        self.whole(response.into_body()).await
    }

    async fn object(
        &self,
        method: Method,
        path: &str,
        accept: Accept,
        body: Option<(&str, String)>,
    ) -> Result<Tree, ClientError> {
        let response = self.send(method, path, accept, body).await?;
        let response = self.checked(response).await?;
        let bytes = self.whole(response.into_body()).await?;
        parsed(&bytes).ok_or_else(|| ClientError::Malformed {
            server: self.server.url.clone(),
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        accept: Accept,
        body: Option<(&str, String)>,
    ) -> Result<Response<Incoming>, ClientError> {
        let accepted = if accept == Accept::Objects {
            "application/json"
        } else {
            TABLE
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server.url))
            .header("accept", accepted)
            .header("user-agent", concat!("tilt/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.server.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map_or_else(Bytes::new, |(content_type, text)| {
            if let Some(headers) = request.headers_mut() {
                headers.extend(
                    hyper::header::HeaderValue::from_str(content_type)
                        .ok()
                        .map(|value| (hyper::header::CONTENT_TYPE, value)),
                );
            }
            Bytes::from(text)
        });
        let request = request
            .body(Full::new(body))
            .map_err(|error| ClientError::Request(error.to_string()))?;
        self.http
            .request(request)
            .await
            .map_err(|error| ClientError::unreachable(&self.server, &error))
    }

    /// The answer, if it is one: else the error it stands for.
    async fn checked(&self, response: Response<Incoming>) -> Result<Response<Incoming>, ClientError> {
        let code = response.status();
        if code.is_success() {
            return Ok(response);
        }
        let bytes = self.whole(response.into_body()).await?;
        Err(ClientError::Status(Box::new(Status::of(code.as_u16(), &bytes))))
    }

    async fn whole(&self, body: Incoming) -> Result<Bytes, ClientError> {
        let collected = Limited::new(body, MOST_BYTES).collect().await;
        let collected = collected.map_err(|error| ClientError::Broken(error.to_string()))?;
        Ok(collected.to_bytes())
    }
}

impl Selection {
    pub fn named(name: &str) -> Selection {
        Selection {
            labels: String::new(),
            fields: format!("metadata.name={}", escape_field(name)),
        }
    }

    pub fn is_given(&self) -> bool {
        !self.labels.is_empty() || !self.fields.is_empty()
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        [("labelSelector", &self.labels), ("fieldSelector", &self.fields)]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key, text.clone()))
            .collect()
    }
}

/// A comma or an equals sign would end the value.
fn escape_field(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

impl Write<'_> {
    fn query(&self) -> Vec<(&'static str, String)> {
        let dry = if self.is_dry { "All" } else { "" };
        let force = if self.forces { "true" } else { "" };
        [
            ("dryRun", dry),
            ("fieldManager", self.manager),
            ("fieldValidation", self.validation),
            ("force", force),
        ]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| (key, text.to_owned()))
        .collect()
    }
}

fn table_query(accept: Accept) -> Vec<(&'static str, String)> {
    match accept {
        Accept::TableWithObjects => vec![("includeObject", "Object".to_owned())],
        _ => Vec::new(),
    }
}

fn object_path(kind: &Kind, name: &str, subresource: &str) -> String {
    let name = utf8_percent_encode(name, SEGMENT);
    let slash = if subresource.is_empty() { "" } else { "/" };
    format!("{BASE}/{}/{name}{slash}{subresource}", kind.plural)
}

fn with_query(path: &str, query: &[(&str, String)]) -> String {
    let pairs: Vec<String> = query
        .iter()
        .map(|(key, value)| format!("{key}={}", utf8_percent_encode(value, SEGMENT)))
        .collect();
    match pairs.as_slice() {
        [] => path.to_owned(),
        pairs => format!("{path}?{}", pairs.join("&")),
    }
}

fn parsed(bytes: &[u8]) -> Option<Tree> {
    let text = std::str::from_utf8(bytes).ok()?;
    json::parse(text)
}
