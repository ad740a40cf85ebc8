//! Kubernetes objects.

use starlark::values::Value;

use crate::model::kube::{self, Object, ObjectMatcher, Patterns};
use crate::model::report::Frame;
use crate::tiltfile::call::{Call, Flag};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::values::blob::Blob;

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "k8s_yaml",
        params: &[
            Param::required("yaml", "str | Blob | list"),
            Param::optional("allow_duplicates", "bool", "False"),
        ],
        rest: Rest::Refused,
        returns: "None",
        doc: "Registers Kubernetes objects, from a file or from text. Workloads become resources of their own; services and other \
              objects join the workload that they belong to. Files are watched.",
        body: k8s_yaml,
    },
    Builtin {
        name: "filter_yaml",
        params: &[
            Param::required("yaml", "str | Blob | list"),
            Param::optional("labels", "dict[str, str]", "{}"),
            Param::optional("name", "str", "''"),
            Param::optional("namespace", "str", "''"),
            Param::optional("kind", "str", "''"),
            Param::optional("api_version", "str", "''"),
        ],
        rest: Rest::Refused,
        returns: "tuple[Blob, Blob]",
        doc: "Splits Kubernetes objects into those that match and the rest. Texts are regular expressions that may match anywhere, \
              in any case; labels have to be there as given.",
        body: filter_yaml,
    },
];

fn k8s_yaml<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let values = call.one_or_many("yaml");
    let is_empty_text = |value: &Value| Blob::from_value(*value).is_some_and(|blob| blob.text().trim().is_empty());
    if values.is_empty() || values.len() == 1 && values.iter().all(is_empty_text) {
        return Err("Empty YAML passed to k8s_yaml".into());
    }
    let objects = objects(call, &values)?;
    let allow = call.flag("allow_duplicates", Flag::Off)?;
    let frames = call.frames();
    let mut declared = call.run.declared.borrow_mut();
    if !allow && let Some(duplicate) = declared.kube.duplicate(&objects, &frames) {
        return Err(Fault::Said(format!(
            "Duplicate YAML: {}\nIgnore this error with k8s_yaml(..., allow_duplicates=True)\nYAML originally registered at: {}",
            duplicate.name,
            stack_of(&duplicate.frames)
        )));
    }
    declared.kube.register(objects, frames);
    call.none()
}

/// The calls that registered an object, indented below the error's own text.
fn stack_of(frames: &[Frame]) -> String {
    let mut out = String::from("Traceback (most recent call last):\n");
    for frame in frames {
        let place = format!("{}:{}:{}", frame.path.display(), frame.line, frame.column);
        out.push_str(&format!("    {place}: in {}\n", frame.function));
    }
    out + "    <builtin>: in k8s_yaml\n  "
}

fn objects<'v>(call: &Call<'v, '_, '_, '_>, values: &[Value<'v>]) -> Result<Vec<Object>, Fault> {
    let mut objects = Vec::new();
    for value in values {
        objects.extend(objects_of(call, *value)?);
    }
    Ok(objects)
}

fn objects_of<'v>(call: &Call<'v, '_, '_, '_>, value: Value<'v>) -> Result<Vec<Object>, Fault> {
    if let Some(blob) = Blob::from_value(value) {
        return kube::parse(blob.text())
            .map_err(|error| Fault::Said(format!("Error reading yaml from {}: {error}", blob.source())));
    }
    let path = call
        .unpack_path(value)
        .map_err(|mismatch| call.wrong("yaml", mismatch))?;
    let bytes = call
        .run
        .host
        .read(&path)
        .map_err(|error| Fault::Said(format!("error reading yaml file: {error}")))?;
    let text = String::from_utf8_lossy(&bytes);
    kube::parse(&text).map_err(|error| match error.to_string() {
        said if said.contains("json parse error: ") => {
            Fault::Said(format!("{} is not a valid YAML file: {said}", path.display()))
        }
        said => Fault::Said(format!("{}: {said}", path.display())),
    })
}

fn filter_yaml<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let values = call.one_or_many("yaml");
    let objects = objects(call, &values)?;
    let patterns = ["api_version", "kind", "name", "namespace"].map(|name| call.string_or(name, ""));
    let [api_version, kind, name, namespace] = patterns;
    let (api_version, kind, name, namespace) = (api_version?, kind?, name?, namespace?);
    let matcher = ObjectMatcher::partial(Patterns {
        api_version: &api_version,
        kind: &kind,
        name: &name,
        namespace: &namespace,
    })
    .map_err(Fault::said)?;
    let labels = call.string_map("labels")?;
    let has_labels = |object: &Object| {
        labels
            .iter()
            .all(|(key, value)| object.labels().any(|(k, v)| k == key && v == value))
    };
    let (matching, rest): (Vec<Object>, Vec<Object>) = objects
        .into_iter()
        .partition(|object| matcher.matches(object) && has_labels(object));
    let source = values
        .first()
        .and_then(|value| Blob::from_value(*value))
        .map_or("filter_yaml", |blob| blob.source())
        .to_owned();
    let blob = |objects: &[Object]| call.blob(kube::emit(objects), source.clone());
    Ok(call.alloc((blob(&matching), blob(&rest))))
}
