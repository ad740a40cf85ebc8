//! Answers over HTTP.

use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, WARNING, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;

use crate::api::status::Failure;
use crate::model::tree::Tree;
use crate::model::yaml::{self, json};

/// How an answer is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Compact,
    Pretty,
    Yaml,
}

/// What went well: its code and what there is to say.
#[derive(Clone, Debug)]
pub struct Done {
    pub code: u16,
    pub tree: Tree,
    /// What the client should know about its request.
    pub warnings: Vec<String>,
}

impl Done {
    pub fn ok(tree: Tree) -> Done {
        Done {
            code: 200,
            tree,
            warnings: Vec::new(),
        }
    }
}

pub fn written(tree: &Tree, style: Style) -> String {
    match style {
        Style::Yaml => yaml::emit(tree),
        Style::Compact => json::compact(tree),
        Style::Pretty => pretty(&json::compact(tree)),
    }
}

/// Two spaces a level, for people who look.
fn pretty(compact: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(compact);
    value
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| compact.to_owned())
}

pub fn done(done: &Done, style: Style) -> Response<Body> {
    let mut response = text(done.code, content_type(style), written(&done.tree, style));
    for warning in &done.warnings {
        let quoted = format!("299 - {}", quoted(warning));
        if let Ok(value) = HeaderValue::from_str(&quoted) {
            response.headers_mut().append(WARNING, value);
        }
    }
    response
}

/// A header's text: no control characters, quotes escaped.
fn quoted(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
}

fn content_type(style: Style) -> &'static str {
    match style {
        Style::Yaml => "application/yaml",
        Style::Compact | Style::Pretty => "application/json",
    }
}

pub fn failure(failure: &Failure) -> Response<Body> {
    let mut response = text(failure.code, "application/json", json::compact(&failure.to_tree()));
    if failure.code == 401 {
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Only these methods are allowed where another one was tried.
pub fn with_allow(mut response: Response<Body>, methods: &'static str) -> Response<Body> {
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}

pub fn text(code: u16, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    whole(code, content_type, Body::from(body.into()))
}

pub fn whole(code: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}
