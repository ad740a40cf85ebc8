//! One request: who asks, what for, in which form; then the answer.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderMap, Method, Request, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use subtle::ConstantTimeEq;

use crate::api::accept::{self, Format, View, Wanted};
use crate::api::context::Context;
use crate::api::delete::{self, DeleteOptions};
use crate::api::encode::{Form, Include};
use crate::api::health::{self, Life, Verbosity};
use crate::api::openapi;
use crate::api::params::{Query, Scope, WriteOptions};
use crate::api::reply::{self, Done, Style};
use crate::api::route::{self, Route};
use crate::api::selector::Fields;
use crate::api::status::Failure;
use crate::api::{discovery, metrics, patching, read, watch, write};
use crate::engine::action::{Effort, Expected, Part};
use crate::model::object::Kind;

/// Larger bodies are refused.
const MOST_BYTES: usize = 20 << 20;
/// Of a body that is too large.
const MOST_PASSED_OVER: usize = 10 * MOST_BYTES;

/// What of a request everybody needs to know.
struct Asked {
    method: Method,
    headers: HeaderMap,
    query: Query,
    path: String,
    body: Body,
}

pub async fn answer(context: Context, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let asked = Asked {
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        path: parts.uri.path().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body,
    };
    let response = respond(&context, asked)
        .await
        .unwrap_or_else(|failure| reply::failure(&failure));
    context.counters.requests.fetch_add(1, Ordering::Relaxed);
    if response.status().as_u16() >= 400 {
        context.counters.failures.fetch_add(1, Ordering::Relaxed);
    }
    response
}

async fn respond(context: &Context, asked: Asked) -> Result<Response<Body>, Failure> {
    admit(context, &asked)?;
    let route = route::route(&asked.path).ok_or_else(Failure::no_such_path)?;
    match route {
        Route::Collection(kind) => collection(context, kind, asked).await,
        Route::Object(kind, name) => object(context, (kind, &name), Part::Main, asked).await,
        Route::Status(kind, name) => object(context, (kind, &name), Part::Status, asked).await,
        Route::WatchCollection(kind) => watched(context, kind, Fields::default(), &asked),
        Route::WatchObject(kind, name) => watched(context, kind, Fields::named(&name), &asked),
        Route::Settled => settled(context, &asked.method).await,
        other => document(context, &other, &asked),
    }
}

/// Whatever is read after the answer knows of everything that was saved before the question.
async fn settled(context: &Context, method: &Method) -> Result<Response<Body>, Failure> {
    if method != Method::GET {
        return Ok(not_allowed(method.as_str(), "GET"));
    }
    match context.handle.fence().await {
        Ok(()) => Ok(reply::text(200, "text/plain; charset=utf-8", "settled\n".to_owned())),
        Err(refusal) => Err(Failure::new(503, "ServiceUnavailable", refusal.to_string())),
    }
}

/// Lets those in who know the token.
fn admit(context: &Context, asked: &Asked) -> Result<(), Failure> {
    let given = asked.header(AUTHORIZATION);
    let Some(given) = given else {
        let verb = asked.method.as_str().to_ascii_lowercase();
        let message = format!(
            "forbidden: User \"system:anonymous\" cannot {verb} path {:?}",
            asked.path
        );
        return Err(Failure::new(403, "Forbidden", message));
    };
    let token = given
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let is_ours = token.is_some_and(|(_, token)| token.trim().as_bytes().ct_eq(context.token.as_bytes()).into());
    match is_ours {
        true => Ok(()),
        false => Err(Failure::new(401, "Unauthorized", "Unauthorized")),
    }
}

impl Asked {
    fn header(&self, name: axum::http::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn wanted(&self) -> Result<Wanted, Failure> {
        accept::negotiate(self.header(ACCEPT))
    }

    fn content_type(&self) -> Option<String> {
        self.header(CONTENT_TYPE).map(str::to_owned)
    }

    fn options(&self) -> Result<WriteOptions, Failure> {
        self.query.write(self.header(USER_AGENT))
    }

    fn form(&self, wanted: Wanted) -> Result<Form, Failure> {
        let include = match self.query.get("includeObject") {
            None | Some("Metadata") => Include::Metadata,
            Some("None") => Include::None,
            Some("Object") => Include::Object,
            Some(other) => {
                return Err(Failure::bad_request(format!(
                    "includeObject: Unsupported value: {other:?}: supported values: \"Metadata\", \"None\", \"Object\""
                )));
            }
        };
        Ok(Form {
            view: wanted.view,
            include,
        })
    }

    fn style(&self, wanted: Wanted) -> Style {
        match (wanted.format, self.query.is_pretty()) {
            (Format::Yaml, _) => Style::Yaml,
            (Format::Json, true) => Style::Pretty,
            (Format::Json, false) => Style::Compact,
        }
    }
}

/// What is too large is read on, as far as that is bearable: whoever still sends does not listen to an answer.
async fn bytes(mut body: Body) -> Result<Bytes, Failure> {
    let mut kept = BytesMut::new();
    let mut length = 0;
    while length <= MOST_PASSED_OVER
        && let Some(frame) = body.frame().await
    {
        let frame =
            frame.map_err(|error| Failure::bad_request(format!("the body of the request cannot be read: {error}")))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length += data.len();
        if length <= MOST_BYTES {
            kept.extend_from_slice(&data);
        }
    }
    match length <= MOST_BYTES {
        true => Ok(kept.freeze()),
        false => Err(Failure::new(
            413,
            "RequestEntityTooLarge",
            format!("limit is {MOST_BYTES} bytes"),
        )),
    }
}

async fn collection(context: &Context, kind: &'static Kind, asked: Asked) -> Result<Response<Body>, Failure> {
    let wanted = asked.wanted()?;
    let (form, style) = (asked.form(wanted)?, asked.style(wanted));
    let done = match asked.method.as_str() {
        "GET" | "HEAD" => {
            let scope = asked.query.scope()?;
            if scope.is_watch {
                return watch::start(context, kind, scope, form, wanted.format);
            }
            read::list(context, kind, &scope, form)?
        }
        "POST" => {
            let options = asked.options()?;
            let format = accept::body(asked.content_type().as_deref())?;
            let request = write::Request::of_all(context, kind, &options, form);
            write::create(request, &bytes(asked.body).await?, format).await?
        }
        "DELETE" => {
            let scope = asked.query.scope()?;
            let (options, expected) =
                deletion(&asked.query, asked.options()?, asked.content_type(), asked.body).await?;
            let request = write::Request::of_all(context, kind, &options, form);
            delete::selected(request, &scope, expected).await?
        }
        other => return Ok(not_allowed(other, "GET, POST, DELETE")),
    };
    Ok(reply::done(&done, style))
}

fn not_allowed(method: &str, allowed: &'static str) -> Response<Body> {
    reply::with_allow(reply::failure(&Failure::method(method)), allowed)
}

/// Options of a deletion stand in the query, in the body, or in both.
async fn deletion(
    query: &Query,
    mut options: WriteOptions,
    content_type: Option<String>,
    body: Body,
) -> Result<(WriteOptions, Expected), Failure> {
    delete::check_policy(query.get("propagationPolicy"))?;
    let body = bytes(body).await?;
    let format = if body.is_empty() {
        Format::Json
    } else {
        accept::body(content_type.as_deref())?
    };
    let said = DeleteOptions::read(&body, format)?;
    if said.effort == Effort::Dry {
        options.effort = Effort::Dry;
    }
    Ok((options, said.expected))
}

async fn object(
    context: &Context,
    (kind, name): (&'static Kind, &str),
    part: Part,
    asked: Asked,
) -> Result<Response<Body>, Failure> {
    let wanted = asked.wanted()?;
    let (form, style) = (asked.form(wanted)?, asked.style(wanted));
    let options = asked.options()?;
    let request = write::Request {
        context,
        kind,
        name,
        part,
        options: &options,
        form,
    };
    let content_type = asked.content_type();
    let done: Done = match (asked.method.as_str(), part) {
        ("GET" | "HEAD", _) => read::one(context, kind, name, form)?,
        ("PUT", _) => {
            let format = accept::body(content_type.as_deref())?;
            write::update(request, &bytes(asked.body).await?, format).await?
        }
        ("PATCH", _) => patching::patch(request, &bytes(asked.body).await?, content_type.as_deref()).await?,
        ("DELETE", Part::Main) => {
            let (options, expected) = deletion(&asked.query, options.clone(), content_type, asked.body).await?;
            let request = write::Request {
                options: &options,
                ..request
            };
            delete::one(request, expected).await?
        }
        (other, Part::Main) => return Ok(not_allowed(other, "GET, PUT, PATCH, DELETE")),
        (other, Part::Status) => return Ok(not_allowed(other, "GET, PUT, PATCH")),
    };
    Ok(reply::done(&done, style))
}

/// The older paths of watches.
fn watched(context: &Context, kind: &'static Kind, fields: Fields, asked: &Asked) -> Result<Response<Body>, Failure> {
    if asked.method != Method::GET {
        return Ok(not_allowed(asked.method.as_str(), "GET"));
    }
    let wanted = asked.wanted()?;
    let scope: Scope = asked.query.scope_of_watch(fields)?;
    watch::start(context, kind, scope, asked.form(wanted)?, wanted.format)
}

/// What is about the server as a whole.
fn document(context: &Context, route: &Route, asked: &Asked) -> Result<Response<Body>, Failure> {
    if asked.method != Method::GET && asked.method != Method::HEAD {
        return Ok(not_allowed(asked.method.as_str(), "GET"));
    }
    match route {
        Route::Metrics => return Ok(reply::text(200, "text/plain; version=0.0.4", metrics::text(context))),
        Route::Health { of, check } => return healthy(context, *of, check.as_deref(), asked),
        Route::OpenApi2 if asked.header(ACCEPT) == Some(openapi::V2_PROTOBUF) => {
            let empty = openapi::v2_without_kinds();
            return Ok(reply::text(200, openapi::V2_PROTOBUF_PROPER, empty));
        }
        Route::OpenApi2 => return schema(asked, openapi::v2()),
        Route::OpenApi3Group => return schema(asked, openapi::v3()),
        Route::Explain(resource) => {
            let explain = context.explain.as_ref().ok_or_else(Failure::no_such_path)?;
            let text = explain(&context.snapshot(), resource);
            let missing = || Failure::new(404, "NotFound", format!("resource {resource:?} does not exist"));
            return Ok(reply::text(200, "text/plain; charset=utf-8", text.ok_or_else(missing)?));
        }
        _ => {}
    }
    let wanted = asked.wanted()?;
    let tree = match (route, wanted.view) {
        (Route::Root, _) => discovery::root(),
        (Route::Groups, View::Aggregated) => return Ok(aggregated(asked.style(wanted))),
        (Route::Groups, _) => discovery::groups(&context.address),
        (Route::Group, _) => discovery::group(&context.address),
        (Route::Resources, _) => discovery::resources(),
        (Route::OpenApi3, _) => openapi::v3_paths(),
        (Route::ServerVersion, _) => discovery::server_version(&context.version, PLATFORM),
        _ => return Err(Failure::no_such_path()),
    };
    Ok(reply::done(&Done::ok(tree), asked.style(wanted)))
}

#[cfg(target_arch = "x86_64")]
const PLATFORM: &str = "linux/amd64";
#[cfg(not(target_arch = "x86_64"))]
const PLATFORM: &str = "linux/arm64";

/// Clients look at the type to know that they got what they asked for.
fn aggregated(style: Style) -> Response<Body> {
    const TYPE: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    reply::text(200, TYPE, reply::written(&discovery::aggregated(), style))
}

/// The schema is there as JSON only; clients that insist on protobuf are told so.
fn schema(asked: &Asked, text: &'static str) -> Result<Response<Body>, Failure> {
    asked.wanted()?;
    Ok(reply::text(200, "application/json", text))
}

fn healthy(
    context: &Context,
    of: route::Health,
    check: Option<&str>,
    asked: &Asked,
) -> Result<Response<Body>, Failure> {
    let life = match context.stopping.is_cancelled() {
        true => Life::Stopping,
        false => Life::Serving,
    };
    let verbosity = match asked.query.flag("verbose") {
        Ok(true) => Verbosity::Verbose,
        _ => Verbosity::Brief,
    };
    let (code, text) = health::report(of, check, verbosity, life).ok_or_else(Failure::no_such_path)?;
    Ok(reply::text(code, "text/plain; charset=utf-8", text))
}
