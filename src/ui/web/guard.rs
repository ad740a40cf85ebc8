//! The door: every request is checked before anything else, and every answer says what browsers may do with it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Site;
use super::access::{Asked, HEADER, Needs, Purpose};

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Said with every answer. What an answer caches it says itself.
const SAID: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

pub async fn guard(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let mut response = match site.access.check(&asked(&request)) {
        Ok(()) => next.run(request).await,
        Err(denied) => text(StatusCode::FORBIDDEN, &denied.to_string()),
    };
    let headers = response.headers_mut();
    for (name, value) in SAID {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn asked(request: &Request) -> Asked<'_> {
    let headers = request.headers();
    let path = request.uri().path();
    let is_service = path.starts_with("/api/") || path.starts_with("/proxy/");
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_socket = path.starts_with("/ws/");
    let is_visit = one(headers, &MODE) == Some("navigate") && one(headers, &DEST) == Some("document");
    Asked {
        host: one(headers, &header::HOST),
        origin: said(headers, &header::ORIGIN),
        site: said(headers, &SITE),
        purpose: match is_visit && is_read && !is_service && !is_socket {
            true => Purpose::Visit,
            false => Purpose::Other,
        },
        header: headers.get(HEADER).and_then(readable),
        cookies: said(headers, &header::COOKIE),
        needs: if is_service { Needs::Token } else { Needs::Nothing },
    }
}

/// The value of a header that may be there once. Two hosts are as bad as none.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().and_then(readable);
    value.filter(|_| values.next().is_none())
}

/// As [`one`], but what is there and cannot be read counts as something foreign.
fn said<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers
        .contains_key(name)
        .then(|| one(headers, name).unwrap_or_default())
}

fn readable(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

/// A plain answer that ends its line.
pub fn text(code: StatusCode, text: &str) -> Response {
    (code, format!("{text}\n")).into_response()
}
