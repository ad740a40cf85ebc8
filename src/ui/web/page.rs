//! The status page: one document that needs nothing from elsewhere, and the token that lets it ask for more.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, SET_COOKIE};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Site;
use super::access::COOKIE;
use super::guard::text;

const PAGE: &str = include_str!("page.html");
const ICON: &str = include_str!("icon.svg");
const MANIFEST: &str = r##"{"name":"Tilt","short_name":"Tilt","start_url":"/","display":"standalone","background_color":"#10161d","theme_color":"#10161d","icons":[{"src":"/favicon.ico","sizes":"any","type":"image/svg+xml"}]}"##;
/// Stands in the page where its scripts and styles prove that they are its own.
const NONCE: &str = "%NONCE%";

const YEAR: (HeaderName, &str) = (CACHE_CONTROL, "public, max-age=31536000");

/// Whatever the path: the page finds its way by itself.
pub async fn index(State(site): State<Arc<Site>>, method: Method) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "the page can only be read");
    }
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CONTENT_SECURITY_POLICY, policy(&nonce)),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    let mut response = (headers, PAGE.replace(NONCE, &nonce)).into_response();
    let cookie = site.access.token().map(cookie).and_then(|cookie| cookie.parse().ok());
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Scripts cannot read it, and pages elsewhere cannot make a browser send it.
fn cookie(token: &str) -> String {
    format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict")
}

fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self'; connect-src 'self'; \
         manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

pub async fn icon() -> Response {
    ([(CONTENT_TYPE, "image/svg+xml"), YEAR], ICON).into_response()
}

pub async fn manifest() -> Response {
    ([(CONTENT_TYPE, "application/manifest+json"), YEAR], MANIFEST).into_response()
}
