//! Pure. A kind and its fields explained, in the layout of `kubectl explain`.

use thiserror::Error;

use crate::model::object::schema::{Content, Field, Kind, Shape, Struct, text};
use crate::model::object::{schema, strict};
use crate::model::suggest;

const WIDTH: usize = 76;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PageError {
    #[error("field {field:?} does not exist{meant}")]
    NoField { field: String, meant: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    OneLevel,
    AllLevels,
}

/// The page about a kind, or about a field of it.
pub fn page(kind: &'static Kind, path: &[&str], depth: Depth) -> Result<String, PageError> {
    let mut out = format!(
        "GROUP:      tilt.dev\nKIND:       {}\nVERSION:    v1alpha1\n\n",
        kind.name
    );
    let mut fields = of_kind(kind);
    let mut doc = vec![kind.doc];
    let mut at = None;
    for name in path {
        let found = fields.iter().find(|field| field.json == *name).copied();
        let field = found.ok_or_else(|| PageError::NoField {
            field: (*name).to_owned(),
            meant: suggest::did_you_mean(name, fields.iter().map(|field| field.json)),
        })?;
        let inner = field.shape.structure();
        doc = vec![field.doc, inner.map_or("", |inner| inner.doc)];
        fields = inner.map(below).unwrap_or_default();
        at = Some(field);
    }
    if let Some(field) = at {
        out.push_str(&format!("FIELD: {}{}\n\n", field.json, kind_of_value(&field)));
    }
    out.push_str("\nDESCRIPTION:\n".trim_start_matches(if at.is_some() { "" } else { "\n" }));
    let doc: Vec<&str> = doc.into_iter().filter(|text| !text.is_empty()).collect();
    doc.iter().for_each(|text| out.push_str(&wrapped(text, 4)));
    out.push_str(if doc.is_empty() { "    <empty>\n" } else { "    \n" });
    if !fields.is_empty() {
        out.push_str("FIELDS:\n");
        match depth {
            Depth::OneLevel => fields.iter().for_each(|field| one_level(field, &mut out)),
            Depth::AllLevels => fields.iter().for_each(|field| all_levels(field, 1, &mut out)),
        }
    }
    Ok(out + "\n")
}

fn sorted(mut fields: Vec<Field>) -> Vec<Field> {
    fields.sort_by_key(|field| field.json);
    fields
}

fn below(of: &'static Struct) -> Vec<Field> {
    sorted(of.json_fields().into_iter().copied().collect())
}

fn of_kind(kind: &'static Kind) -> Vec<Field> {
    let mut fields = vec![
        text("apiVersion").doc("Group and version of the kind: tilt.dev/v1alpha1."),
        text("kind").doc("Name of the kind."),
        schema::one("metadata", &strict::OBJECT_META)
            .doc("What every object says about itself: name, labels, annotations."),
    ];
    match kind.content {
        Content::Spec { spec, status } => {
            fields.push(schema::one("spec", spec).doc("What is wanted."));
            fields.push(schema::one("status", status).doc("What is. Written by tilt."));
        }
        Content::Plain(of) => fields.extend(of.json_fields().into_iter().copied()),
    }
    sorted(fields)
}

fn kind_of_value(field: &Field) -> String {
    let required = if field.required { " -required-" } else { "" };
    let kind = match field.shape {
        Shape::Text | Shape::Path => "string".to_owned(),
        Shape::Duration | Shape::Time | Shape::MicroTime => "string".to_owned(),
        Shape::Int32 | Shape::Int64 => "integer".to_owned(),
        Shape::Bool => "boolean".to_owned(),
        Shape::Texts | Shape::Paths => "[]string".to_owned(),
        Shape::Ints => "[]integer".to_owned(),
        Shape::TextMap => "map[string]string".to_owned(),
        Shape::One(of) | Shape::Inline(of) => of.name.to_owned(),
        Shape::Many(of) => format!("[]{}", of.name),
    };
    format!(" <{kind}>{required}")
}

fn one_level(field: &Field, out: &mut String) {
    out.push_str(&format!("  {}\t{}\n", field.json, kind_of_value(field).trim_start()));
    let doc = if field.doc.is_empty() {
        "<no description>"
    } else {
        field.doc
    };
    out.push_str(&wrapped(doc, 4));
    out.push('\n');
}

fn all_levels(field: &Field, level: usize, out: &mut String) {
    let indent = "  ".repeat(level);
    out.push_str(&format!(
        "{indent}{}\t{}\n",
        field.json,
        kind_of_value(field).trim_start()
    ));
    let inner = field.shape.structure().map(below).unwrap_or_default();
    inner.iter().for_each(|field| all_levels(field, level + 1, out));
}

fn wrapped(text: &str, indent: usize) -> String {
    let mut out = String::new();
    let mut line = String::new();
    let pad = " ".repeat(indent);
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(&format!("{pad}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push_str(&format!("{pad}{line}\n"));
    out
}
