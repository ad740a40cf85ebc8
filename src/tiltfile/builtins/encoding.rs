//! YAML and JSON.

use starlark::values::Value;

use crate::model::tree::{Map, Tree};
use crate::model::yaml::{self, json};
use crate::tiltfile::builtins::io;
use crate::tiltfile::call::{Call, unpack_sequence};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::print;
use crate::tiltfile::values::tree;

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "read_yaml",
        params: READ,
        rest: Rest::Refused,
        returns: "any",
        doc: "The one document of a YAML file as dicts, lists and scalars, or `default` where there is no such file. A change of the file evaluates the Tiltfile again.",
        body: read_yaml,
    },
    Builtin {
        name: "read_yaml_stream",
        params: &[
            Param::required("paths", "str").or("path"),
            Param::nullable("default", "list", "None"),
        ],
        rest: Rest::Refused,
        returns: "list",
        doc: "All documents of a YAML file, or `default` where there is no such file. Empty documents are left out. A change of the file evaluates the Tiltfile again.",
        body: read_yaml_stream,
    },
    Builtin {
        name: "read_json",
        params: READ,
        rest: Rest::Refused,
        returns: "any",
        doc: "A JSON file as dicts, lists and scalars, or `default` where there is no such file. A change of the file evaluates the Tiltfile again.",
        body: read_json,
    },
    Builtin {
        name: "decode_yaml",
        params: &[Param::required("yaml", "str | Blob")],
        rest: Rest::Refused,
        returns: "any",
        doc: "The one document of a YAML text as dicts, lists and scalars.",
        body: decode_yaml,
    },
    Builtin {
        name: "decode_yaml_stream",
        params: &[Param::required("yaml", "str | Blob")],
        rest: Rest::Refused,
        returns: "list",
        doc: "All documents of a YAML text. Empty documents are left out.",
        body: decode_yaml_stream,
    },
    Builtin {
        name: "decode_json",
        params: &[Param::required("json", "str | Blob")],
        rest: Rest::Refused,
        returns: "any",
        doc: "A JSON text as dicts, lists and scalars.",
        body: decode_json,
    },
    Builtin {
        name: "encode_yaml",
        params: &[Param::required("obj", "dict | list | str | int | float | bool | None")],
        rest: Rest::Refused,
        returns: "Blob",
        doc: "The value as a YAML document. The keys of each dict are sorted.",
        body: encode_yaml,
    },
    Builtin {
        name: "encode_yaml_stream",
        params: &[Param::required("objs", "list")],
        rest: Rest::Refused,
        returns: "Blob",
        doc: "The values as YAML documents, one after the other. The keys of each dict are sorted.",
        body: encode_yaml_stream,
    },
    Builtin {
        name: "encode_json",
        params: &[Param::required("obj", "dict | list | str | int | float | bool | None")],
        rest: Rest::Refused,
        returns: "str",
        doc: "The value as JSON, indented. The keys of each dict are sorted.",
        body: encode_json,
    },
];

const READ: &[Param] = &[
    Param::required("paths", "str").or("path"),
    Param::optional("default", "any", "unset"),
];

/// A file's text with the name to call it by in errors, or the default that was given for one that is not there.
enum Content<'v> {
    Text { text: String, name: String },
    Default(Value<'v>),
}

fn content<'v>(call: &Call<'v, '_, '_, '_>) -> Result<Content<'v>, Fault> {
    let path = call.path("paths")?.unwrap_or_default();
    let name = print::display(call.required("paths"));
    match (call.run.host.read(&path), call.value("default")) {
        (Err(error), Some(default)) if error.is_missing() => Ok(Content::Default(default)),
        (bytes, _) => {
            let text = io::text_of(call.run, &bytes.map_err(Fault::said)?, &path.display().to_string());
            Ok(Content::Text { text, name })
        }
    }
}

fn read_yaml<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    match content(call)? {
        Content::Default(default) => Ok(default),
        Content::Text { text, name } => {
            let document = one(documents(&text, Some(&name))?, "read_yaml_stream")?;
            Ok(tree::to_value(&document, call.heap()))
        }
    }
}

fn read_yaml_stream<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    call.sequence("default")?;
    match content(call)? {
        Content::Default(default) => Ok(default),
        Content::Text { text, name } => {
            let documents = Tree::List(documents(&text, Some(&name))?);
            Ok(tree::to_value(&documents, call.heap()))
        }
    }
}

fn read_json<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    match content(call)? {
        Content::Default(default) => Ok(default),
        Content::Text { text, name } => Ok(tree::to_value(&parse_json(&text, Some(&name))?, call.heap())),
    }
}

fn decode_yaml<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let text = call.text("yaml")?.unwrap_or_default();
    let document = one(documents(&text, None)?, "decode_yaml_stream")?;
    Ok(tree::to_value(&document, call.heap()))
}

fn decode_yaml_stream<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let text = call.text("yaml")?.unwrap_or_default();
    let documents = Tree::List(documents(&text, None)?);
    Ok(tree::to_value(&documents, call.heap()))
}

fn decode_json<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let text = call.text("json")?.unwrap_or_default();
    Ok(tree::to_value(&parse_json(&text, None)?, call.heap()))
}

fn encode_yaml<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let document = document(call.required("obj"))?;
    Ok(call.blob(yaml::emit(&document), "encode_yaml"))
}

fn encode_yaml_stream<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let values = call.read("objs", unpack_sequence)?.unwrap_or_default();
    let mut documents = Vec::with_capacity(values.len());
    for value in values {
        documents.push(yaml::emit(&document(value)?));
    }
    Ok(call.blob(documents.join("---\n"), "encode_yaml_stream"))
}

fn encode_json<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let document = document(call.required("obj"))?;
    if let Some(number) = not_finite(&document) {
        return Err(Fault::Said(format!(
            "error serializing object to json: json: unsupported value: {}",
            print::float(number)
        )));
    }
    Ok(call.alloc(indented(&json::compact(&document))))
}

fn document(value: Value) -> Result<Tree, Fault> {
    tree::from_value(value).map_err(|error| Fault::Said(format!("error converting object from starlark: {error}")))
}

/// ` from v.yaml`, where the text came from a file.
fn origin(name: Option<&str>) -> String {
    name.map(|name| format!(" from {name}")).unwrap_or_default()
}

fn documents(text: &str, name: Option<&str>) -> Result<Vec<Tree>, Fault> {
    yaml::parse_documents(text).map_err(|error| {
        let error = yaml::ConversionError(error);
        Fault::Said(format!("error parsing YAML{}: {error}", origin(name)))
    })
}

/// Nothing at all is a document too: null.
fn one(documents: Vec<Tree>, for_many: &str) -> Result<Tree, Fault> {
    let mut documents = documents.into_iter();
    let first = documents.next().unwrap_or_default();
    match documents.next() {
        None => Ok(first),
        Some(_) => Err(Fault::Said(format!(
            "expected a yaml document but found a yaml stream (documents separated by `---`). use {for_many} instead to decode a yaml stream"
        ))),
    }
}

fn parse_json(text: &str, name: Option<&str>) -> Result<Tree, Fault> {
    let parsed: Result<serde_json::Value, serde_json::Error> = serde_json::from_str(text);
    let value = parsed.map_err(|error| Fault::Said(format!("error parsing JSON{}: {error}", origin(name))))?;
    Ok(from_json(value))
}

fn from_json(value: serde_json::Value) -> Tree {
    match value {
        serde_json::Value::Null => Tree::Null,
        serde_json::Value::Bool(value) => Tree::Bool(value),
        serde_json::Value::Number(number) => from_number(&number),
        serde_json::Value::String(text) => Tree::text(text),
        serde_json::Value::Array(items) => Tree::List(items.into_iter().map(from_json).collect()),
        serde_json::Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (key.into(), from_json(value)));
            Tree::Map(Map::from_entries(entries.collect()))
        }
    }
}

fn from_number(number: &serde_json::Number) -> Tree {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(small), _, _) => Tree::Int(small),
        (None, Some(large), _) => Tree::Big(large.to_string().into()),
        (None, None, Some(real)) => Tree::Float(real),
        (None, None, None) => Tree::Null,
    }
}

/// A number that JSON has no words for.
fn not_finite(tree: &Tree) -> Option<f64> {
    match tree {
        Tree::Float(number) => Some(*number).filter(|number| !number.is_finite()),
        Tree::List(items) => items.iter().find_map(not_finite),
        Tree::Map(map) => map.iter().find_map(|(_, value)| not_finite(value)),
        _ => None,
    }
}

/// Compact JSON with a line for each element, two blanks for each level, and a line break at the end.
fn indented(compact: &str) -> String {
    let mut out = String::with_capacity(compact.len() * 2);
    let mut depth = 0;
    let mut chars = compact.chars().peekable();
    let break_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(c) = chars.next() {
        match c {
            '{' | '[' => {
                out.push(c);
                match chars.next_if(|next| matches!(next, '}' | ']')) {
                    Some(close) => out.push(close),
                    None => {
                        depth += 1;
                        break_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth -= 1;
                break_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                break_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            '"' => copy_string(&mut chars, &mut out),
            c => out.push(c),
        }
    }
    out.push('\n');
    out
}

/// A string up to the quote that ends it.
fn copy_string(chars: &mut impl Iterator<Item = char>, out: &mut String) {
    out.push('"');
    let mut escaped = false;
    for c in chars {
        out.push(c);
        match c {
            '"' if !escaped => return,
            c => escaped = c == '\\' && !escaped,
        }
    }
}

#[cfg(test)]
mod tests;
