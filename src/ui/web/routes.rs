//! What is where, and what is answered.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, HeaderMap};
use axum::http::{Method, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};

use super::button::{self, Place};
use super::guard::{guard, text};
use super::{Site, dump, page, request, socket, view};
use crate::engine::action::{Ask, Effort, Expected, Part, Refusal, Verb, Write};
use crate::model::object::Stored;
use crate::model::object::kinds::UI_BUTTON;
use crate::model::tree::Tree;
use crate::model::yaml::json;

/// No honest body comes near it.
const MOST_BYTES: usize = 1 << 20;

type Shared = State<Arc<Site>>;

pub fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/api/view", get(whole_view))
        .route("/api/dump/engine", get(engine))
        .route("/api/snapshot/{id}", get(snapshot))
        .route("/api/websocket_token", get(websocket_token))
        .route("/api/trigger", posted(post(trigger)))
        .route("/api/override/trigger_mode", posted(post(trigger_mode)))
        .route("/api/set_tiltfile_args", posted(post(args)))
        .route("/api/analytics", posted(post(analytics)))
        .route("/api/analytics_opt", posted(post(analytics_opt)))
        .route("/ws/view", get(socket::open))
        .route("/proxy/{*path}", any(proxy))
        .route("/api/{*path}", any(nothing))
        .route("/ws/{*path}", any(nothing))
        .route("/static/{*path}", any(nothing))
        .route("/favicon.ico", get(page::icon))
        .route("/manifest.json", get(page::manifest))
        .fallback(page::index)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), guard))
        .with_state(site)
}

/// A route that changes something: no link and no picture can get there.
fn posted(route: MethodRouter<Arc<Site>>) -> MethodRouter<Arc<Site>> {
    route.fallback(|| async {
        let refused = text(StatusCode::BAD_REQUEST, "must be POST request");
        ([(ALLOW, "POST")], refused)
    })
}

async fn nothing() -> Response {
    text(StatusCode::NOT_FOUND, "there is nothing here")
}

// ---- reading --------------------------------------------------------------------------------------------------------

async fn whole_view(State(site): Shared) -> Response {
    match socket::whole(&site, socket::MOST_LOG_BYTES).await {
        Ok((view, ..)) => json_text(StatusCode::OK, view),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn snapshot(State(site): Shared) -> Response {
    match socket::whole(&site, socket::MOST_LOG_BYTES).await {
        Ok((view, ..)) => json_text(StatusCode::OK, view::snapshot(&view, crate::engine::store::now())),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn engine(State(site): Shared) -> Response {
    json_tree(StatusCode::OK, &dump::state(&site.handle.snapshot()))
}

async fn websocket_token(State(site): Shared) -> String {
    site.csrf.clone()
}

// ---- changing -------------------------------------------------------------------------------------------------------

/// A body that says that it is JSON. A page elsewhere cannot send one without asking first.
struct Body(Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Body, Response> {
        if !is_json(request.headers()) {
            let message = "the content type must be application/json";
            return Err(text(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
        let bytes = Bytes::from_request(request, state).await;
        bytes.map(Body).map_err(IntoResponse::into_response)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let stated = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = stated.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

async fn trigger(State(site): Shared, Body(body): Body) -> Response {
    let asked = match request::trigger(&body) {
        Ok(asked) => asked,
        Err(malformed) => return bad(&malformed),
    };
    let answer = site.handle.ask(Ask::Trigger {
        resource: asked.resource,
        source: asked.source,
    });
    match answer.await {
        Ok(_) => StatusCode::OK.into_response(),
        // The command line tells this from what worked by there being a text.
        Err(refusal @ Refusal::Disabled { .. }) => refusal.to_string().into_response(),
        Err(refusal @ Refusal::NoResource { .. }) => text(StatusCode::NOT_FOUND, &refusal.to_string()),
        Err(refusal) => refused(&refusal),
    }
}

async fn trigger_mode(State(site): Shared, Body(body): Body) -> Response {
    let asked = match request::trigger_mode(&body) {
        Ok(asked) => asked,
        Err(malformed) => return bad(&malformed),
    };
    let known = site.handle.snapshot();
    if let Some(resource) = asked
        .resources
        .iter()
        .find(|name| !known.resources.contains_key(&**name))
    {
        let resource = Arc::clone(resource);
        return refused(&Refusal::NoResource { resource });
    }
    for resource in asked.resources {
        let mode = asked.mode;
        if let Err(refusal) = site.handle.ask(Ask::SetTriggerMode { resource, mode }).await {
            return refused(&refusal);
        }
    }
    StatusCode::OK.into_response()
}

async fn args(State(site): Shared, Body(body): Body) -> Response {
    match request::args(&body) {
        Ok(args) => done(site.handle.ask(Ask::SetArgs { args }).await.map(drop)),
        Err(malformed) => bad(&malformed),
    }
}

async fn analytics(Body(body): Body) -> Response {
    match request::analytics(&body) {
        Ok(()) => StatusCode::OK.into_response(),
        Err(malformed) => bad(&malformed),
    }
}

async fn analytics_opt(State(site): Shared, Body(body): Body) -> Response {
    let opt = match request::analytics_opt(&body) {
        Ok(opt) => opt,
        Err(malformed) => return bad(&malformed),
    };
    let Some(file) = &site.analytics_choice else {
        return StatusCode::OK.into_response();
    };
    if let Some(folder) = file.parent()
        && let Err(error) = tokio::fs::create_dir_all(folder).await
    {
        return text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string());
    }
    match tokio::fs::write(file, opt.name()).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

// ---- buttons --------------------------------------------------------------------------------------------------------

async fn proxy(State(site): Shared, method: Method, Path(path): Path<String>, request: Request) -> Response {
    let Some(place) = button::place(&path) else {
        let message = "only the buttons of tilt.dev/v1alpha1 can be reached here";
        return failure(404, "NotFound", message);
    };
    match (place, method) {
        (Place::All, Method::GET) => {
            let table = &site.handle.snapshot().table;
            let buttons = table.list(&UI_BUTTON).map(|button| &**button);
            json_tree(StatusCode::OK, &button::list(buttons, table.version()))
        }
        (Place::One(name) | Place::Status(name), Method::GET) => shown(&site, name),
        (Place::Status(name), Method::PUT) => match Body::from_request(request, &()).await {
            Ok(Body(body)) => click(&site, name, &String::from_utf8_lossy(&body)).await,
            Err(refused) => refused,
        },
        _ => failure(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        ),
    }
}

fn shown(site: &Site, name: &str) -> Response {
    match site.handle.snapshot().table.get(&UI_BUTTON, name) {
        Some(button) => json_tree(StatusCode::OK, &button.to_json_tree()),
        None => rejected(&missing(name)),
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::Missing {
        plural: UI_BUTTON.plural,
        name: name.into(),
    }
}

async fn click(site: &Site, name: &str, body: &str) -> Response {
    let click = match button::click(name, body) {
        Ok(click) => click,
        Err(bad) => return failure(400, "BadRequest", &bad.to_string()),
    };
    let Some(known) = site.handle.snapshot().table.get(&UI_BUTTON, name).cloned() else {
        return rejected(&missing(name));
    };
    let object = Stored {
        status: click.status,
        ..Stored::clone(&known)
    };
    let expected = Expected {
        version: click.version,
        uid: None,
    };
    let write = Write {
        kind: &UI_BUTTON,
        name: name.into(),
        verb: Verb::Replace {
            object,
            part: Part::Status,
            expected,
        },
        effort: Effort::Real,
    };
    match site.handle.write(write).await {
        Ok(button) => json_tree(StatusCode::OK, &button.unwrap_or(known).to_json_tree()),
        Err(refusal) => rejected(&refusal),
    }
}

fn rejected(refusal: &Refusal) -> Response {
    let (code, reason) = button::refused(refusal);
    failure(code, reason, &refusal.to_string())
}

fn failure(code: u16, reason: &str, message: &str) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json_tree(status, &button::failure(code, reason, message))
}

// ---- answers --------------------------------------------------------------------------------------------------------

fn json_tree(code: StatusCode, tree: &Tree) -> Response {
    json_text(code, json::compact(tree))
}

fn json_text(code: StatusCode, text: String) -> Response {
    (code, [(CONTENT_TYPE, "application/json")], text).into_response()
}

fn bad(malformed: &request::Malformed) -> Response {
    text(StatusCode::BAD_REQUEST, &malformed.to_string())
}

fn done(answer: Result<(), Refusal>) -> Response {
    match answer {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> Response {
    let code = match refusal {
        Refusal::Ended => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    text(code, &refusal.to_string())
}
