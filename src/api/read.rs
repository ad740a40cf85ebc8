//! Single objects and lists of them, from one snapshot.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::api::context::Context;
use crate::api::encode::{self, Form, Page};
use crate::api::params::{Scope, VersionMatch};
use crate::api::reply::Done;
use crate::api::status::Failure;
use crate::model::object::{Kind, Stored, Table};

pub fn one(context: &Context, kind: &'static Kind, name: &str, form: Form) -> Result<Done, Failure> {
    let snapshot = context.snapshot();
    let object = snapshot
        .table
        .get(kind, name)
        .ok_or_else(|| Failure::missing(kind, name))?;
    Ok(Done::ok(encode::object(object, form)))
}

pub fn list(context: &Context, kind: &'static Kind, scope: &Scope, form: Form) -> Result<Done, Failure> {
    let snapshot = context.snapshot();
    let table = &snapshot.table;
    check_version(table, scope)?;
    let after = scope.resume.as_deref().map(resumed).transpose()?;
    let is_further = |object: &&Arc<Stored>| after.as_deref().is_none_or(|last| *object.name > *last);
    let matching = table
        .list(kind)
        .filter(|object| scope.selection.matches(object))
        .filter(is_further);
    let found: Vec<&Stored> = matching.map(Arc::as_ref).collect();
    let shown = if scope.limit == 0 {
        found.len()
    } else {
        found.len().min(scope.limit)
    };
    let left = found.len() - shown;
    let last = found[..shown].last().filter(|_| left > 0);
    let page = Page {
        version: table.version(),
        resume: last.map(|object| URL_SAFE_NO_PAD.encode(&*object.name)),
        remaining: (left > 0 && scope.selection.labels.is_empty()).then_some(left),
    };
    Ok(Done::ok(encode::list(
        kind,
        found[..shown].iter().copied(),
        &page,
        form,
    )))
}

/// There is one snapshot to answer from: the newest.
fn check_version(table: &Table, scope: &Scope) -> Result<(), Failure> {
    let current = table.version();
    match (scope.version, scope.version_match) {
        (Some(asked), _) if asked > current => Err(Failure::too_new(asked, current)),
        (Some(0), Some(VersionMatch::Exact)) => {
            let why = "resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"";
            Err(Failure::bad_request(why))
        }
        (Some(asked), Some(VersionMatch::Exact)) if asked < current => Err(Failure::expired(asked, current)),
        _ => Ok(()),
    }
}

/// The name that the page before ended with.
fn resumed(token: &str) -> Result<String, Failure> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let name = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| Failure::bad_request("continue key is not valid"))
}
