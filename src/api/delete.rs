//! DELETE: of one object, or of all that were selected.

use crate::api::accept::Format;
use crate::api::decode;
use crate::api::encode::{self, Page};
use crate::api::params::Scope;
use crate::api::reply::Done;
use crate::api::status::{self, Failure};
use crate::api::write::Request;
use crate::engine::action::{Effort, Expected, Refusal, Verb};
use crate::model::object::Stored;
use crate::model::tree::Tree;

/// What a client says about a deletion in its body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteOptions {
    pub expected: Expected,
    pub effort: Effort,
}

impl DeleteOptions {
    pub fn read(body: &[u8], format: Format) -> Result<DeleteOptions, Failure> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(DeleteOptions::default());
        }
        let tree = decode::read(body, format)?.tree;
        let text = |path: &[&str]| tree.at(path).and_then(Tree::as_text);
        check_policy(text(&["propagationPolicy"]))?;
        let version = text(&["preconditions", "resourceVersion"]);
        let unclear = |text: &str| Failure::bad_request(format!("resourceVersion {text:?} is no number"));
        let version = version
            .map(|text| text.parse().map_err(|_| unclear(text)))
            .transpose()?;
        let dry = tree.get("dryRun").and_then(Tree::as_list).unwrap_or_default();
        if let Some(other) = dry.iter().find(|item| item.as_text() != Some("All")) {
            let shown = other.as_text().unwrap_or_default();
            return Err(Failure::bad_request(format!(
                "dryRun: Unsupported value: {shown:?}: supported values: \"All\""
            )));
        }
        Ok(DeleteOptions {
            expected: Expected {
                version,
                uid: text(&["preconditions", "uid"]).map(Box::from),
            },
            effort: if dry.is_empty() { Effort::Real } else { Effort::Dry },
        })
    }
}

/// There is no garbage collector, so all policies do the same.
pub fn check_policy(policy: Option<&str>) -> Result<(), Failure> {
    match policy {
        None | Some("" | "Orphan" | "Background" | "Foreground") => Ok(()),
        Some(other) => Err(Failure::bad_request(format!(
            "propagationPolicy: Unsupported value: {other:?}: supported values: \"Background\", \"Foreground\", \"Orphan\""
        ))),
    }
}

pub async fn one(request: Request<'_>, expected: Expected) -> Result<Done, Failure> {
    let answer = request.write(request.name, Verb::Delete { expected }).await;
    let gone = match answer {
        Ok(Some(object)) => object,
        Ok(None) => return Err(Failure::missing(request.kind, request.name)),
        Err(refusal) => return Err(Failure::refused(request.kind, request.name, refusal)),
    };
    if request.options.effort == Effort::Real {
        request.context.see(gone.meta.version).await;
    }
    if gone.meta.finalizers.is_empty() {
        let success = status::success(request.kind.plural, &gone.name, &gone.meta.uid);
        return Ok(Done::ok(success));
    }
    Ok(Done::ok(encode::object(&gone, request.form)))
}

/// Deletes what there was when the request came; what goes meanwhile is as good as deleted.
pub async fn selected(request: Request<'_>, scope: &Scope, expected: Expected) -> Result<Done, Failure> {
    let snapshot = request.context.snapshot();
    let matching = snapshot
        .table
        .list(request.kind)
        .filter(|object| scope.selection.matches(object));
    let mut version = snapshot.table.version();
    let mut gone: Vec<std::sync::Arc<Stored>> = Vec::new();
    for object in matching {
        let expected = Expected {
            uid: Some(object.meta.uid.clone()),
            ..expected.clone()
        };
        match request.write(&object.name, Verb::Delete { expected }).await {
            Ok(object) => gone.extend(object),
            Err(Refusal::Missing { .. } | Refusal::OtherUid { .. }) => {}
            Err(refusal) => return Err(Failure::refused(request.kind, &object.name, refusal)),
        }
    }
    if request.options.effort == Effort::Real {
        version = gone.iter().map(|object| object.meta.version).fold(version, u64::max);
        request.context.see(version).await;
    }
    let page = Page {
        version,
        ..Page::default()
    };
    let objects = gone.iter().map(std::sync::Arc::as_ref);
    Ok(Done::ok(encode::list(request.kind, objects, &page, request.form)))
}
