//! Pure. Buttons through the web port: which paths lead to them, what a click says, and answers as Kubernetes words them.

use crate::engine::action::Refusal;
use crate::model::object::kinds::UI_BUTTON;
use crate::model::object::schema::{Field, Shape, Struct};
use crate::model::object::{API_VERSION, Stored};
use crate::model::time;
use crate::model::tree::{Map, Tree};
use crate::model::yaml::json;

/// What a path below `/proxy/` leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    All,
    One(&'a str),
    Status(&'a str),
}

/// The place of a path whose escapes were decoded. Nothing but buttons is reached this way.
pub fn place(path: &str) -> Option<Place<'_>> {
    let rest = path
        .trim_start_matches('/')
        .strip_prefix("apis/tilt.dev/v1alpha1/uibuttons")?;
    if rest.is_empty() {
        return Some(Place::All);
    }
    let (name, part) = match rest.strip_prefix('/')?.split_once('/') {
        Some((name, "status")) => (name, Place::Status as fn(_) -> _),
        Some(_) => return None,
        None => (rest.strip_prefix('/')?, Place::One as fn(_) -> _),
    };
    (!name.is_empty()).then(|| part(name))
}

/// What somebody who clicked wants the button to be.
#[derive(Debug, PartialEq)]
pub struct Click {
    pub status: Map,
    /// The version that was seen, if the client cares.
    pub version: Option<u64>,
}

/// Why a body is no click on that button.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadClick {
    #[error("the body is not a JSON object")]
    NotJson,
    #[error("the body is a {0}, not a UIButton")]
    OtherKind(String),
    #[error("the name of the object ({0:?}) does not match the name on the URL")]
    OtherName(String),
    #[error("metadata.resourceVersion: {0:?} is not a version")]
    Version(String),
    #[error("{path}: expected {expected}, got {found}")]
    Shape {
        path: String,
        expected: &'static str,
        found: &'static str,
    },
    #[error("{path}: {error}")]
    Time { path: String, error: time::Malformed },
}

pub fn click(name: &str, body: &str) -> Result<Click, BadClick> {
    let values = json::parse_stream(body).ok_or(BadClick::NotJson)?;
    let [object] = values.as_slice() else {
        return Err(BadClick::NotJson);
    };
    let text = |keys: &[&str]| object.at(keys).and_then(Tree::as_text).filter(|text| !text.is_empty());
    if let Some(kind) = text(&["kind"]).filter(|kind| *kind != UI_BUTTON.name) {
        return Err(BadClick::OtherKind(kind.to_owned()));
    }
    if let Some(other) = text(&["metadata", "name"]).filter(|other| *other != name) {
        return Err(BadClick::OtherName(other.to_owned()));
    }
    let version = |text: &str| text.parse().map_err(|_| BadClick::Version(text.to_owned()));
    let version = text(&["metadata", "resourceVersion"]).map(version).transpose()?;
    let status = match (UI_BUTTON.status(), object.get("status")) {
        (Some(shape), Some(status)) if !status.is_null() => structure(shape, status, "status")?,
        _ => Map::new(),
    };
    Ok(Click { status, version })
}

/// The fields that a struct has; others are left out, as the API server does.
fn structure(of: &'static Struct, tree: &Tree, path: &str) -> Result<Map, BadClick> {
    let map = tree.as_map().ok_or_else(|| misshapen(path, "an object", tree))?;
    let mut fields = Map::new();
    for field in of.json_fields() {
        if let Some(value) = map.get(field.json).filter(|value| !value.is_null()) {
            fields.push(field.json, shaped(field, value, &format!("{path}.{}", field.json))?);
        }
    }
    Ok(fields)
}

fn shaped(field: &Field, value: &Tree, path: &str) -> Result<Tree, BadClick> {
    match (field.shape, value) {
        (Shape::Text, Tree::Text(_)) | (Shape::Bool, Tree::Bool(_)) => Ok(value.clone()),
        (Shape::MicroTime, Tree::Text(text)) => match time::canonical_micro(text) {
            Ok(text) => Ok(Tree::text(text)),
            Err(error) => Err(BadClick::Time {
                path: path.to_owned(),
                error,
            }),
        },
        (Shape::One(of), _) => structure(of, value, path).map(Tree::Map),
        (Shape::Many(of), Tree::List(items)) => {
            let item = |(at, item)| structure(of, item, &format!("{path}[{at}]")).map(Tree::Map);
            let items: Result<_, _> = items.iter().enumerate().map(item).collect();
            items.map(Tree::List)
        }
        (Shape::Text | Shape::MicroTime, _) => Err(misshapen(path, "a string", value)),
        (Shape::Bool, _) => Err(misshapen(path, "a bool", value)),
        (Shape::Many(_), _) => Err(misshapen(path, "an array", value)),
        // A button's status has no field of another shape.
        _ => Err(misshapen(path, "another type", value)),
    }
}

fn misshapen(path: &str, expected: &'static str, found: &Tree) -> BadClick {
    BadClick::Shape {
        path: path.to_owned(),
        expected,
        found: found.type_name(),
    }
}

/// All buttons, as Kubernetes answers a list.
pub fn list<'a>(buttons: impl Iterator<Item = &'a Stored>, version: u64) -> Tree {
    let mut metadata = Map::new();
    metadata.push("resourceVersion", Tree::text(version.to_string()));
    let mut list = Map::new();
    list.push("apiVersion", Tree::text(API_VERSION));
    list.push("kind", Tree::text("UIButtonList"));
    list.push("metadata", Tree::Map(metadata));
    list.push("items", Tree::List(buttons.map(Stored::to_json_tree).collect()));
    Tree::Map(list)
}

/// The code and the reason that Kubernetes has for a refusal.
pub fn refused(refusal: &Refusal) -> (u16, &'static str) {
    match refusal {
        Refusal::Missing { .. } | Refusal::NoResource { .. } => (404, "NotFound"),
        Refusal::Exists { .. } => (409, "AlreadyExists"),
        Refusal::Conflict { .. } | Refusal::OtherUid { .. } => (409, "Conflict"),
        Refusal::Invalid { .. } => (422, "Invalid"),
        Refusal::Forbidden(_) | Refusal::Disabled { .. } => (403, "Forbidden"),
        Refusal::Ended => (503, "ServiceUnavailable"),
    }
}

/// A failure, as Kubernetes answers it.
pub fn failure(code: u16, reason: &str, message: &str) -> Tree {
    let mut status = Map::new();
    status.push("kind", Tree::text("Status"));
    status.push("apiVersion", Tree::text("v1"));
    status.push("metadata", Tree::Map(Map::new()));
    status.push("status", Tree::text("Failure"));
    status.push("message", Tree::text(message));
    status.push("reason", Tree::text(reason));
    status.push("code", Tree::Int(i64::from(code)));
    Tree::Map(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_buttons_are_reached() {
        let base = "apis/tilt.dev/v1alpha1/uibuttons";
        let reached = |rest: &str| place(&format!("{base}{rest}")).map(|place| format!("{place:?}"));
        assert_eq!(reached("").as_deref(), Some("All"));
        assert_eq!(reached("/(Tiltfile)-x").as_deref(), Some("One(\"(Tiltfile)-x\")"));
        assert_eq!(reached("/b/status").as_deref(), Some("Status(\"b\")"));
        for rest in ["/", "//status", "/b/", "/b/scale", "/b/status/x", "x"] {
            assert_eq!(reached(rest), None, "{rest}");
        }
        for path in [
            "apis/tilt.dev/v1alpha1/cmds",
            "api/v1/pods",
            "../apis/tilt.dev/v1alpha1/uibuttons",
            "",
        ] {
            assert_eq!(place(path), None, "{path}");
        }
    }

    #[test]
    fn a_click_is_read_by_the_fields_of_a_buttons_status() {
        let body = r#"{"kind":"UIButton","metadata":{"name":"b","resourceVersion":"7"},
            "status":{"lastClickedAt":"2026-11-21T07:10:56.5+01:00","unknown":1,
            "inputs":[{"name":"i","text":{"value":"v","x":1},"bool":null},{"name":"j","bool":{"value":true}}]}}"#;
        let click = click("b", body).unwrap();
        assert_eq!(click.version, Some(7));
        let expected = r#"{"inputs":[{"name":"i","text":{"value":"v"}},{"bool":{"value":true},"name":"j"}],"lastClickedAt":"2026-11-21T06:10:56.500000Z"}"#;
        assert_eq!(json::compact(&Tree::Map(click.status)), expected);
    }

    #[test]
    fn what_is_no_click_is_refused_with_the_place() {
        let cases = [
            ("[]", "the body is not a JSON object"),
            ("{}{}", "the body is not a JSON object"),
            (r#"{"kind":"Cmd"}"#, "the body is a Cmd, not a UIButton"),
            (
                r#"{"metadata":{"name":"c"}}"#,
                "the name of the object (\"c\") does not match the name on the URL",
            ),
            (
                r#"{"metadata":{"resourceVersion":"x"}}"#,
                "metadata.resourceVersion: \"x\" is not a version",
            ),
            (r#"{"status":[]}"#, "status: expected an object, got array"),
            (
                r#"{"status":{"inputs":[{"name":"a"},{"name":1}]}}"#,
                "status.inputs[1].name: expected a string, got number",
            ),
            (
                r#"{"status":{"inputs":[{"bool":{"value":"yes"}}]}}"#,
                "status.inputs[0].bool.value: expected a bool, got string",
            ),
        ];
        for (body, message) in cases {
            assert_eq!(click("b", body).unwrap_err().to_string(), message, "{body}");
        }
        let time = click("b", r#"{"status":{"lastClickedAt":"now"}}"#)
            .unwrap_err()
            .to_string();
        assert!(time.starts_with("status.lastClickedAt: parsing time"), "{time}");
    }
}
