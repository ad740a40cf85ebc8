//! Pure. Whether a written object says only what its kind knows, each value in its shape.

use super::schema::{Content, Field, Kind, Shape, Struct};
use crate::model::suggest;
use crate::model::tree::{Map, Tree};

/// What metadata holds, as all objects of Kubernetes do, and the shape of each.
pub static OBJECT_META: Struct = Struct::new(
    "ObjectMeta",
    &[
        super::schema::text_map("annotations").doc("Values that tools attach to the object; nothing selects by them."),
        super::schema::time("creationTimestamp").doc("When the object was created. Set by the server."),
        super::schema::int64("deletionGracePeriodSeconds")
            .doc("Seconds that the object has to end. Set by the server."),
        super::schema::time("deletionTimestamp").doc("When the object will be gone. Set by the server."),
        super::schema::texts("finalizers").doc("Names of those who must agree before the object is gone."),
        super::schema::text("generateName").doc("Beginning of the name, if the server is to make one up."),
        super::schema::int64("generation").doc("Counts the changes of what is wanted. Set by the server."),
        super::schema::text_map("labels").doc("Values by which objects are selected and grouped."),
        super::schema::many("managedFields", &ANYTHING).doc("Who manages which field. Set by the server."),
        super::schema::text("name").doc("Name of the object, unique in its kind: any text without `/` and `%`."),
        super::schema::text("namespace").doc("Always empty: objects have no namespace."),
        super::schema::many("ownerReferences", &OWNER_REFERENCE).doc("The objects that this one depends on."),
        super::schema::text("resourceVersion").doc("Changes with every write. Set by the server."),
        super::schema::text("selfLink").doc("No longer set."),
        super::schema::text("uid")
            .doc("Tells apart objects that had the same name one after the other. Set by the server."),
    ],
)
.doc("What every object says about itself.");

static OWNER_REFERENCE: Struct = Struct::new(
    "OwnerReference",
    &[
        super::schema::text("apiVersion")
            .required()
            .doc("Group and version of the owner."),
        super::schema::flag("blockOwnerDeletion").doc("Whether the owner stays while this object is there."),
        super::schema::flag("controller").doc("Whether the owner is the one that manages this object."),
        super::schema::text("kind").required().doc("Kind of the owner."),
        super::schema::text("name").required().doc("Name of the owner."),
        super::schema::text("uid").required().doc("Uid of the owner."),
    ],
)
.doc("An owner of an object.");

/// Whoever writes it knows what it holds.
static ANYTHING: Struct = Struct::new("ManagedFieldsEntry", &[]);

/// Everything that is wrong, each with its path: `unknown field "spec.argz" (did you mean args?)`.
pub fn faults(kind: &Kind, object: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    let Some(map) = object.as_map() else {
        return vec![format!(
            "invalid type for {}: got {:?}, expected \"map\"",
            kind.name,
            object.type_name()
        )];
    };
    let mut known: Vec<&str> = vec!["apiVersion", "kind", "metadata"];
    if let Some(metadata) = map.get("metadata") {
        structure(&OBJECT_META, metadata, "metadata", &mut faults);
    }
    match kind.content {
        Content::Spec { spec, status } => {
            known.extend(["spec", "status"]);
            for (name, of) in [("spec", spec), ("status", status)] {
                if let Some(value) = map.get(name) {
                    structure(of, value, name, &mut faults);
                }
            }
        }
        Content::Plain(of) => {
            known.extend(of.json_fields().iter().map(|field| field.json));
            fields(of, map, "", &mut faults);
        }
    }
    unknown(&known, map, "", &mut faults);
    faults
}

fn structure(of: &'static Struct, value: &Tree, path: &str, faults: &mut Vec<String>) {
    match value {
        Tree::Null => {}
        // Nothing is known of a struct without fields, so everything fits.
        Tree::Map(_) if of.fields.is_empty() && of.name == ANYTHING.name => {}
        Tree::Map(map) => {
            let known: Vec<&str> = of.json_fields().iter().map(|field| field.json).collect();
            fields(of, map, path, faults);
            unknown(&known, map, path, faults);
        }
        other => faults.push(wrong_type(path, other, "map")),
    }
}

fn fields(of: &'static Struct, map: &Map, path: &str, faults: &mut Vec<String>) {
    for field in of.json_fields() {
        if let Some(value) = map.get(field.json).filter(|value| !value.is_null()) {
            shape(field, value, &below(path, field.json), faults);
        }
    }
}

fn shape(field: &Field, value: &Tree, path: &str, faults: &mut Vec<String>) {
    match (field.shape, value) {
        (Shape::One(of) | Shape::Inline(of), value) => structure(of, value, path, faults),
        (Shape::Many(of), Tree::List(items)) => {
            for (index, item) in items.iter().enumerate() {
                structure(of, item, &format!("{path}[{index}]"), faults);
            }
        }
        (Shape::Texts | Shape::Paths, Tree::List(items)) => each(items, path, faults, is_text, "string"),
        (Shape::Ints, Tree::List(items)) => each(items, path, faults, is_integer, "integer"),
        (Shape::TextMap, Tree::Map(map)) => {
            for (key, value) in map.iter().filter(|(_, value)| !is_text(value)) {
                faults.push(wrong_type(&below(path, key), value, "string"));
            }
        }
        (Shape::Many(_) | Shape::Texts | Shape::Paths | Shape::Ints, other) => {
            faults.push(wrong_type(path, other, "array"));
        }
        (Shape::TextMap, other) => faults.push(wrong_type(path, other, "map")),
        (Shape::Bool, Tree::Bool(_)) => {}
        (Shape::Int32 | Shape::Int64, value) if is_integer(value) => {}
        (Shape::Bool, other) => faults.push(wrong_type(path, other, "boolean")),
        (Shape::Int32 | Shape::Int64, other) => faults.push(wrong_type(path, other, "integer")),
        (_, value) if is_text(value) => {}
        (_, other) => faults.push(wrong_type(path, other, "string")),
    }
}

fn each(items: &[Tree], path: &str, faults: &mut Vec<String>, fits: fn(&Tree) -> bool, expected: &str) {
    for (index, item) in items.iter().enumerate().filter(|(_, item)| !fits(item)) {
        faults.push(wrong_type(&format!("{path}[{index}]"), item, expected));
    }
}

fn is_text(value: &Tree) -> bool {
    matches!(value, Tree::Text(_) | Tree::Null)
}

fn is_integer(value: &Tree) -> bool {
    matches!(value, Tree::Int(_) | Tree::Null)
}

fn unknown(known: &[&str], map: &Map, path: &str, faults: &mut Vec<String>) {
    for (key, _) in map.iter().filter(|(key, _)| !known.contains(key)) {
        let meant = suggest::did_you_mean(key, known.iter().copied());
        faults.push(format!("unknown field {:?}{meant}", below(path, key)));
    }
}

fn wrong_type(path: &str, value: &Tree, expected: &str) -> String {
    format!(
        "invalid type for {path}: got {:?}, expected {expected:?}",
        value.type_name()
    )
}

fn below(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::object::kinds;
    use crate::model::yaml;

    #[test]
    fn what_a_kind_does_not_know_is_named_with_its_path() {
        let table = [
            (
                &kinds::CMD,
                "{metadata: {name: a, labels: {x: z}}, spec: {args: [a], dir: /d}, status: {}}",
                "",
            ),
            (
                &kinds::CMD,
                "{spec: {argz: [a]}}",
                "unknown field \"spec.argz\" (did you mean args?)",
            ),
            (
                &kinds::CMD,
                "{spec: {args: a}}",
                "invalid type for spec.args: got \"string\", expected \"array\"",
            ),
            (
                &kinds::CMD,
                "{spec: {env: [a, 1]}}",
                "invalid type for spec.env[1]: got \"number\", expected \"string\"",
            ),
            (
                &kinds::CMD,
                "{spec: {readinessProbe: {exec: {cmd: []}, httpGet: {port: 80}}}}",
                "unknown field \"spec.readinessProbe.exec.cmd\"",
            ),
            (
                &kinds::UI_BUTTON,
                "{spec: {inputs: [{nam: x}]}}",
                "unknown field \"spec.inputs[0].nam\" (did you mean name?)",
            ),
            (
                &kinds::CONFIG_MAP,
                "{data: {a: b}, metadat: {}}",
                "unknown field \"metadat\" (did you mean metadata?)",
            ),
            (
                &kinds::CONFIG_MAP,
                "{data: {a: true}}",
                "invalid type for data.a: got \"bool\", expected \"string\"",
            ),
            (&kinds::CMD, "{metadata: {managedFields: [{a: 1}]}}", ""),
        ];
        for (kind, object, expected) in table {
            let found = faults(kind, &yaml::parse_one(object).unwrap()).join("; ");
            assert_eq!(found, expected, "{object}");
        }
    }
}
