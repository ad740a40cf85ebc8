//! Pure. The functions below `v1alpha1.` with their parameters and documentation: for the evaluator that binds arguments, and
//! for the language server that shows them.

use std::sync::LazyLock;

use super::kinds::{KINDS, STARLARK_STRUCTS};
use super::schema::{Field, Kind, Shape, Struct};

#[derive(Debug)]
pub struct Function {
    /// Without the leading `v1alpha1.`.
    pub name: String,
    pub doc: &'static str,
    /// In the order of positional arguments.
    pub parameters: Vec<Parameter>,
    pub makes: Makes,
}

#[derive(Clone, Copy, Debug)]
pub enum Makes {
    /// An object; the function returns None.
    Object(&'static Kind),
    /// A value that it returns.
    Struct(&'static Struct),
}

#[derive(Debug)]
pub struct Parameter {
    pub name: String,
    /// As a signature shows it: `list[str]`, `probe`.
    pub type_name: String,
    pub doc: &'static str,
    pub required: bool,
}

/// The functions that register an object.
pub fn creators() -> &'static [Function] {
    static CREATORS: LazyLock<Vec<Function>> = LazyLock::new(|| {
        KINDS
            .iter()
            .filter(|kind| kind.creatable)
            .map(|kind| creator(kind))
            .collect()
    });
    &CREATORS
}

/// The functions that make a struct for use in an object.
pub fn struct_helpers() -> &'static [Function] {
    static HELPERS: LazyLock<Vec<Function>> =
        LazyLock::new(|| STARLARK_STRUCTS.iter().map(|of| struct_helper(of)).collect());
    &HELPERS
}

fn creator(kind: &'static Kind) -> Function {
    let metadata = [
        Parameter {
            name: "name".into(),
            type_name: Shape::Text.starlark_type(),
            doc: "Name of the object, unique among those of its kind.",
            required: true,
        },
        metadata("labels", "Labels of the object."),
        metadata("annotations", "Annotations of the object, such as `tilt.dev/resource`."),
    ];
    let parameters = metadata
        .into_iter()
        .chain(kind.spec().fields.iter().map(parameter))
        .collect();
    Function {
        name: kind.starlark(),
        doc: kind.doc,
        parameters,
        makes: Makes::Object(kind),
    }
}

fn struct_helper(of: &'static Struct) -> Function {
    let parameters = of.fields.iter().map(parameter).collect();
    Function {
        name: of.starlark(),
        doc: of.doc,
        parameters,
        makes: Makes::Struct(of),
    }
}

fn metadata(name: &str, doc: &'static str) -> Parameter {
    Parameter {
        name: name.into(),
        type_name: Shape::TextMap.starlark_type(),
        doc,
        required: false,
    }
}

/// No field is required in Starlark, even where the schema says so: validation has the better message.
fn parameter(field: &'static Field) -> Parameter {
    Parameter {
        name: field.starlark(),
        type_name: field.shape.starlark_type(),
        doc: field.doc,
        required: false,
    }
}
