//! Kinds of objects that are workloads or hold images.

use starlark::values::Value;
use starlark::values::dict::DictRef;

use crate::model::kube::jsonpath::JsonPath;
use crate::model::kube::{ImageFields, ImageLocator, ObjectMatcher, Patterns};
use crate::model::quote::quoted;
use crate::model::workload::{Locator, ObjectSelector};
use crate::tiltfile::builtins::k8s_resource::unpack_readiness;
use crate::tiltfile::call::{Call, Mismatch, unpack_sequence};
use crate::tiltfile::declared::kube::Kind;
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::print;

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "k8s_kind",
        params: &[
            Param::required("kind", "str"),
            Param::optional("image_json_path", "str | list[str]", "[]"),
            Param::optional("api_version", "str", "''"),
            Param::optional("image_object", "dict", "{}").or("image_object_json_path"),
            Param::optional("pod_readiness", "str", "''"),
        ],
        rest: Rest::PositionalAtMost(1),
        returns: "None",
        doc: "Makes every object of a kind a workload, and says where such objects name images: by JSON paths such as \
              `{.spec.image}`, or as an object with a repository field and a tag field. `kind` and `api_version` are regular \
              expressions that may match anywhere.",
        body: k8s_kind,
    },
    Builtin {
        name: "k8s_image_json_path",
        params: &[
            Param::required("paths", "str | list[str]"),
            Param::optional("api_version", "str", "''"),
            Param::optional("kind", "str", "''"),
            Param::optional("name", "str", "''"),
            Param::optional("namespace", "str", "''"),
        ],
        rest: Rest::Refused,
        returns: "None",
        doc: "Says where certain objects name images: JSON paths such as `{.spec.image}` for objects picked by kind, name or \
              namespace.",
        body: k8s_image_json_path,
    },
];

fn k8s_kind<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let selector = selector(call, &["api_version", "kind"])?;
    let paths = call.read("image_json_path", unpack_paths)?.unwrap_or_default();
    let object = call.read("image_object", unpack_object)?.flatten();
    if !paths.is_empty() && object.is_some() {
        return Err("Cannot specify both image_json_path and image_object".into());
    }
    let readiness = call.read("pod_readiness", unpack_readiness)?.flatten();
    let mut locators = locators(&selector, paths)?;
    if let Some((path, repo, tag)) = object {
        locators.push(locator(&selector, path, Some((repo, tag)))?);
    }
    with_kind(call, selector, |kind| {
        if !locators.is_empty() {
            kind.locators = locators;
        }
        kind.readiness = readiness.or(kind.readiness);
    })?;
    call.none()
}

fn k8s_image_json_path<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let selector = selector(call, &["api_version", "kind", "name", "namespace"])?;
    if selector.kind.is_empty() && selector.name.is_empty() && selector.namespace.is_empty() {
        return Err("at least one of kind, name, or namespace must be specified".into());
    }
    let paths = call.read("paths", unpack_paths)?.unwrap_or_default();
    let locators = locators(&selector, paths)?;
    with_kind(call, selector, |kind| kind.locators = locators)?;
    call.none()
}

/// Patterns as they are shown to others: with the flag that makes them match in any case.
fn selector(call: &Call, params: &[&str]) -> Result<ObjectSelector, Fault> {
    let pattern = |name: &str| -> Result<String, Fault> {
        let text = if params.contains(&name) {
            call.string_or(name, "")?
        } else {
            String::new()
        };
        Ok(if text.is_empty() { text } else { format!("(?i){text}") })
    };
    Ok(ObjectSelector {
        api_version: pattern("api_version")?,
        kind: pattern("kind")?,
        name: pattern("name")?,
        namespace: pattern("namespace")?,
    })
}

fn matcher(selector: &ObjectSelector) -> Result<ObjectMatcher, Fault> {
    ObjectMatcher::partial(Patterns {
        api_version: &selector.api_version,
        kind: &selector.kind,
        name: &selector.name,
        namespace: &selector.namespace,
    })
    .map_err(Fault::said)
}

fn with_kind(call: &Call, selector: ObjectSelector, change: impl FnOnce(&mut Kind)) -> Result<(), Fault> {
    let matcher = matcher(&selector)?;
    let mut declared = call.run.declared.borrow_mut();
    change(declared.kube.kind_mut(selector, matcher));
    Ok(())
}

fn unpack_paths(value: Value) -> Result<Vec<String>, Mismatch> {
    let items = unpack_sequence(value).unwrap_or_else(|_| vec![value]);
    items
        .into_iter()
        .map(|item| {
            let text = item
                .unpack_str()
                .ok_or_else(|| format!("Expected string, got: {}", print::repr(item)))?;
            Ok(text.to_owned())
        })
        .collect()
}

const OBJECT_FORM: &str = "Expected dict of the form {'json_path': str, 'repo_field': str, 'tag_field': str}";

/// Path, repository field and tag field; nothing for an empty dict.
fn unpack_object(value: Value) -> Result<Option<(String, String, String)>, Mismatch> {
    let dict = DictRef::from_value(value).ok_or_else(|| format!("{OBJECT_FORM}. Actual: {}", print::repr(value)))?;
    if dict.iter().next().is_none() {
        return Ok(None);
    }
    let field = |name: &str| -> Result<String, Mismatch> {
        let value = dict.get_str(name).ok_or_else(|| {
            let keys: Vec<String> = dict.iter().map(|(key, _)| print::repr(key)).collect();
            format!("{OBJECT_FORM}: Missing keys. Actual keys: [{}]", keys.join(", "))
        })?;
        let text = value.unpack_str().ok_or_else(|| {
            format!(
                "{OBJECT_FORM}: Expected string at key {}. Got: {}",
                quoted(name),
                value.get_type()
            )
        })?;
        Ok(text.to_owned())
    };
    for (key, _) in dict.iter() {
        if !matches!(key.unpack_str(), Some("json_path" | "repo_field" | "tag_field")) {
            return Err(format!("{OBJECT_FORM}: Unexpected key: {}", print::repr(key)));
        }
    }
    Ok(Some((field("json_path")?, field("repo_field")?, field("tag_field")?)))
}

fn locators(selector: &ObjectSelector, paths: Vec<String>) -> Result<Vec<(Locator, ImageLocator)>, Fault> {
    paths.into_iter().map(|path| locator(selector, path, None)).collect()
}

fn locator(
    selector: &ObjectSelector,
    path: String,
    object: Option<(String, String)>,
) -> Result<(Locator, ImageLocator), Fault> {
    let search = ImageLocator {
        objects: matcher(selector)?,
        path: JsonPath::parse(&path).map_err(Fault::said)?,
        fields: object.as_ref().map(|(repo, tag)| ImageFields {
            repo: repo.as_str().into(),
            tag: tag.as_str().into(),
        }),
    };
    let shown = Locator {
        selector: selector.clone(),
        path,
        object,
    };
    Ok((shown, search))
}
