//! Objects of `tilt.dev/v1alpha1`: functions that declare one, and functions that make a struct for use in one.
//!
//! The functions are made from the table of all kinds; there is nothing here that knows any one of them.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use starlark::values::Value;
use starlark::values::dict::DictRef;

use crate::model::label;
use crate::model::object::{
    self, CreateError, FieldError, Function, Makes, Object, Parameter, Problem, aggregate, validate, validate_name,
};
use crate::model::tree::{Map, Tree};
use crate::tiltfile::call::{Call, unpack_sequence};
use crate::tiltfile::function::{Builtin, Fault, Need, Outcome, Param, Rest};
use crate::tiltfile::run::Run;
use crate::tiltfile::values::blob::Blob;
use crate::tiltfile::values::git_repo::GitRepo;
use crate::tiltfile::values::tree::{from_value, to_value};

/// Marks an object that the Tiltfile only loads; what declares the same object itself takes the mark away.
pub const MANAGED_BY: &str = "tilt.dev/managed-by";

const MODULE: &str = "v1alpha1";
/// Values nested deeper than this contain themselves.
const MAX_DEPTH: usize = 100;

/// One function as the table of kinds describes it, in the form that the table of builtins can point to.
struct Entry {
    of: &'static Function,
    name: String,
    params: Vec<Param>,
    doc: String,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let functions = object::creators().iter().chain(object::struct_helpers());
    functions.map(entry).collect()
});

static FUNCTIONS: LazyLock<Vec<Builtin>> = LazyLock::new(|| {
    let entries: &'static [Entry] = &ENTRIES;
    entries.iter().map(builtin).collect()
});

pub fn functions() -> &'static [Builtin] {
    &FUNCTIONS
}

fn entry(of: &'static Function) -> Entry {
    let explained = of.parameters.iter().filter(|parameter| !parameter.doc.is_empty());
    let explanations: String = explained
        .map(|parameter| format!("\n- `{}`: {}", parameter.name, parameter.doc))
        .collect();
    Entry {
        of,
        name: format!("{MODULE}.{}", of.name),
        params: of.parameters.iter().map(param).collect(),
        doc: format!("{}{explanations}", of.doc),
    }
}

fn builtin(entry: &'static Entry) -> Builtin {
    let (returns, body): (_, crate::tiltfile::function::Body) = match entry.of.makes {
        Makes::Object(_) => ("None", declare),
        Makes::Struct(_) => ("dict", make_struct),
    };
    Builtin {
        name: &entry.name,
        params: &entry.params,
        rest: Rest::Refused,
        returns,
        doc: &entry.doc,
        body,
    }
}

fn param(parameter: &'static Parameter) -> Param {
    let accepts = parameter.type_name.as_str();
    Param {
        name: &parameter.name,
        alias: None,
        accepts,
        need: match accepts {
            _ if parameter.required => Need::Required,
            "str" => Need::Optional("''"),
            "int" => Need::Optional("0"),
            "bool" => Need::Optional("False"),
            _ => Need::Optional("None"),
        },
    }
}

fn makes(call: &Call) -> Makes {
    let entry = ENTRIES.iter().find(|entry| entry.name == call.builtin.name);
    entry
        .expect("a body is called for entries of this family only")
        .of
        .makes
}

/// The arguments that were given, by parameter.
fn given(call: &Call) -> Result<Map, Fault> {
    let mut given = Map::new();
    for param in call.builtin.params {
        if let Some(value) = call.value(param.name) {
            let tree = document(call, value, 0).map_err(|problem| call.wrong(param.name, problem))?;
            given.push(param.name, tree);
        }
    }
    Ok(given)
}

/// More than plain documents: tuples and sets are lists here, and Blobs and git repositories are the texts that they stand for.
fn document<'v>(call: &Call<'v, '_, '_, '_>, value: Value<'v>, depth: usize) -> Result<Tree, String> {
    if depth > MAX_DEPTH {
        return Err("value is nested too deep; does it contain itself?".to_owned());
    }
    if let Some(blob) = Blob::from_value(value) {
        return Ok(Tree::text(blob.text()));
    }
    if let Some(repo) = GitRepo::from_value(value) {
        return Ok(Tree::text(repo.path().display().to_string()));
    }
    if value.get_type() == "set" {
        let elements: Vec<Value<'v>> = value.iterate(call.heap()).map_err(|error| error.to_string())?.collect();
        return document(call, call.alloc(elements), depth);
    }
    if let Ok(items) = unpack_sequence(value) {
        let items: Result<Vec<Tree>, String> = items.into_iter().map(|item| document(call, item, depth + 1)).collect();
        return items.map(Tree::List);
    }
    let Some(dict) = DictRef::from_value(value) else {
        return from_value(value).map_err(|_| format!("unsupported type {}", value.get_type()));
    };
    let mut map = Map::with_capacity(dict.len());
    for (key, value) in dict.iter() {
        let key = key.unpack_str().ok_or_else(|| format!("key is not a string: {key}"))?;
        map.push(key, document(call, value, depth + 1)?);
    }
    Ok(Tree::Map(map))
}

fn absolute(run: &Run, path: &str) -> Box<str> {
    run.absolute(path).display().to_string().into()
}

fn make_struct<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let Makes::Struct(of) = makes(call) else {
        return call.none();
    };
    let made = object::make_struct(of, &given(call)?, &|path| absolute(call.run, path)).map_err(Fault::said)?;
    Ok(to_value(&Tree::Map(made), call.heap()))
}

fn declare<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let Makes::Object(kind) = makes(call) else {
        return call.none();
    };
    let created = object::create(kind, &given(call)?, &|path| absolute(call.run, path));
    let object = created.map_err(|error| match error {
        CreateError::Parameter { parameter, cause } => call.wrong(&parameter, cause),
        other => Fault::Said(format!("{}: {other}", call.builtin.name)),
    })?;
    let mut problems = validate_name(&object.name);
    problems.extend(metadata_problems(&object));
    problems.extend(validate(&object));
    if let Some(text) = aggregate(&problems) {
        return Err(Fault::Said(text));
    }
    register(call.run, object)?;
    call.none()
}

fn register(run: &Run, object: Object) -> Result<(), Fault> {
    let objects = &mut run.declared.borrow_mut().objects;
    if let Some(known) = objects.get_mut(object.kind.plural, &object.name) {
        known.annotations.remove(MANAGED_BY);
    }
    objects.register(object).map_err(Fault::said)
}

/// Keys and values of labels, and keys of annotations, by Kubernetes' rules.
fn metadata_problems(object: &Object) -> Vec<FieldError> {
    let invalid = |path: &str, value: &str, detail: String| FieldError {
        path: path.to_owned(),
        problem: Problem::Invalid(Tree::text(value)),
        detail,
    };
    let mut problems = Vec::new();
    for (key, value) in object.labels.iter() {
        let value = value.as_text().unwrap_or_default();
        problems.extend(
            label::qualified_name_problems(key)
                .into_iter()
                .map(|detail| invalid("metadata.labels", key, detail)),
        );
        problems.extend(
            label::value_problems(value)
                .into_iter()
                .map(|detail| invalid("metadata.labels", value, detail)),
        );
    }
    for (key, _) in object.annotations.iter() {
        let key = key.to_lowercase();
        let of_key = label::qualified_name_problems(&key).into_iter();
        problems.extend(of_key.map(|detail| invalid("metadata.annotations", &key, detail)));
    }
    problems
}
