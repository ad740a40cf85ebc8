//! PATCH: what changes are made of the object that is there now, or of none.

use crate::api::accept::{Format, media_type};
use crate::api::decode;
use crate::api::json::Parsed;
use crate::api::params::Validation;
use crate::api::patch::apply::{self, Conflicts, Strength, Wish};
use crate::api::patch::managed::{Managed, Operation};
use crate::api::patch::{self, PatchError};
use crate::api::reply::Done;
use crate::api::status::{Cause, Failure};
use crate::api::write::{Candidate, Request};
use crate::engine::action::{Expected, Part};
use crate::engine::store;
use crate::model::object::{FieldError, Problem, Stored};
use crate::model::tree::{Map, Tree};
use crate::model::yaml::json;

const ACCEPTED: &str = "application/json-patch+json, application/merge-patch+json, \
                        application/strategic-merge-patch+json, application/apply-patch+yaml";

pub async fn patch(request: Request<'_>, body: &[u8], content_type: Option<&str>) -> Result<Done, Failure> {
    let kind = match media_type(content_type).as_str() {
        "application/json-patch+json" => patch::Kind::Json,
        "application/merge-patch+json" => patch::Kind::Merge,
        "application/strategic-merge-patch+json" => patch::Kind::Strategic,
        "application/apply-patch+yaml" => return apply(request, body).await,
        other => return Err(Failure::unsupported(other, ACCEPTED)),
    };
    if request.options.force {
        let why = "may not be specified for non-apply patch";
        return Err(options_invalid("force", Problem::Forbidden, why));
    }
    let patch = decode::read(body, Format::Json)?;
    let make = |live: &Stored| modified(&request, live, &patch, kind);
    let mut done = request.replace(make).await?;
    done.warnings = warnings(&request, &patch, kind);
    Ok(done)
}

fn modified(request: &Request, live: &Stored, patch: &Parsed, kind: patch::Kind) -> Result<Candidate, Failure> {
    let before = live.to_json_tree();
    let after = patch::patched(&before, &patch.tree, kind).map_err(|error| unusable_patch(&error))?;
    let decoded = decode::object(request.kind, &after).map_err(|why| request.unusable(&why))?;
    let complaints = request.complaints(&decoded, &patch.duplicates);
    if request.options.validation == Validation::Strict && !complaints.is_empty() {
        let error = FieldError {
            path: "patch".into(),
            problem: Problem::Invalid(Tree::text(json::compact(&patch.tree))),
            detail: format!("strict decoding error: {}", complaints.join(", ")),
        };
        return Err(Failure::invalid(request.kind, request.name, &[error]));
    }
    request.check_metadata(&decoded)?;
    request.check_name(&decoded.object.name)?;
    let object = request.take_over(live, &decoded.object);
    let mut candidate = request.candidate(live, object, &decoded);
    // The version stands in the object already: only one that the patch itself put there binds the client.
    candidate.expected.version = candidate.expected.version.filter(|_| names_version(&patch.tree));
    Ok(candidate)
}

fn names_version(patch: &Tree) -> bool {
    let is_version = |operation: &Tree| {
        let path = operation.get("path").and_then(Tree::as_text);
        path == Some("/metadata/resourceVersion")
    };
    match patch {
        Tree::List(operations) => operations.iter().any(is_version),
        other => other
            .at(&["metadata", "resourceVersion"])
            .is_some_and(|version| !version.is_null()),
    }
}

/// Fields that no object of the kind has, found in an object that holds the patch alone.
fn warnings(request: &Request, patch: &Parsed, kind: patch::Kind) -> Vec<String> {
    if request.options.validation != Validation::Warn || kind == patch::Kind::Json {
        return Vec::new();
    }
    let alone = patch::patched(&Tree::Map(Map::new()), &patch.tree, kind);
    let decoded = alone.ok().and_then(|tree| decode::object(request.kind, &tree).ok());
    decoded
        .map(|decoded| request.complaints(&decoded, &patch.duplicates))
        .unwrap_or_default()
}

fn unusable_patch(error: &PatchError) -> Failure {
    match error {
        // What a patch expects of the object is not so.
        PatchError::Json(patch::JsonPatchError::Operation { .. }) => {
            let message = format!("the server rejected our request due to an error in our request: {error}");
            Failure::new(422, "Invalid", message)
        }
        other => Failure::bad_request(other.to_string()),
    }
}

fn options_invalid(field: &str, problem: Problem, detail: &str) -> Failure {
    let error = FieldError {
        path: field.to_owned(),
        problem,
        detail: detail.to_owned(),
    };
    let message = format!("PatchOptions.meta.k8s.io \"\" is invalid: {error}");
    Failure::new(422, "Invalid", message)
}

/// Server-side apply: changes the object that is there, or makes it.
async fn apply(request: Request<'_>, body: &[u8]) -> Result<Done, Failure> {
    if request.options.manager == "unknown" {
        return Err(options_invalid(
            "fieldManager",
            Problem::Required,
            "is required for apply patch",
        ));
    }
    let parsed = read_config(body)?;
    let (decoded, warnings) = request.decode(&parsed)?;
    request.check_name(&decoded.object.name)?;
    if !decoded.object.meta.managed_fields.is_empty() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    let config = match request.part {
        Part::Main => parsed.tree,
        Part::Status => status_only(&parsed.tree),
    };
    let expected = Expected {
        version: decoded.version,
        uid: decoded.uid,
    };
    let mut done = apply_config(&request, &config, &expected).await?;
    done.warnings = warnings;
    Ok(done)
}

/// Makes the object or changes it; whoever else does the same at the same time is no obstacle.
async fn apply_config(request: &Request<'_>, config: &Tree, expected: &Expected) -> Result<Done, Failure> {
    let may_create = request.part == Part::Main && *expected == Expected::default();
    let make = |live: &Stored| {
        let object = wished(request, live, config)?;
        let expected = expected.clone();
        Ok(Candidate { object, expected })
    };
    loop {
        let (live, at) = request.live();
        let result = match live.is_none() && may_create {
            true => {
                let empty = Stored::new(request.kind, request.name);
                request.create(wished(request, &empty, config)?).await
            }
            false => request.replace(make).await,
        };
        match result {
            Err(failure) if may_create && matches!(failure.reason, "AlreadyExists" | "NotFound") => {
                request.context.see(at + 1).await;
            }
            result => return result,
        }
    }
}

fn read_config(body: &[u8]) -> Result<Parsed, Failure> {
    let parsed = decode::read(body, Format::Yaml)?;
    for key in ["apiVersion", "kind"] {
        if parsed.tree.get(key).and_then(Tree::as_text).is_none_or(str::is_empty) {
            return Err(Failure::bad_request(format!("an apply patch needs `{key}`")));
        }
    }
    Ok(parsed)
}

fn status_only(config: &Tree) -> Tree {
    let status = config.get("status").map(|status| (Box::from("status"), status.clone()));
    Tree::Map(status.into_iter().collect())
}

fn wished(request: &Request, live: &Stored, config: &Tree) -> Result<Stored, Failure> {
    let wish = Wish {
        kind: request.kind,
        config,
        manager: &request.manager(Operation::Apply),
        strength: if request.options.force {
            Strength::Force
        } else {
            Strength::Polite
        },
        now: store::now(),
    };
    let managed = Managed::from_trees(&live.meta.managed_fields).unwrap_or_default();
    let (tree, managed) = apply::applied(&live.to_json_tree(), managed, wish).map_err(|why| conflict(&why))?;
    let decoded = decode::object(request.kind, &tree).map_err(|why| request.unusable(&why))?;
    let mut object = request.take_over(live, &decoded.object);
    object.meta.managed_fields = managed.to_trees();
    Ok(object)
}

fn conflict(conflicts: &Conflicts) -> Failure {
    let mut failure = Failure::new(409, "Conflict", conflicts.to_string());
    let cause = |conflict: &apply::Conflict| Cause {
        reason: "FieldManagerConflict",
        message: format!("conflict with {}", conflict.manager_shown()),
        field: conflict.path.clone(),
    };
    failure.details.causes = conflicts.0.iter().map(cause).collect();
    failure
}
