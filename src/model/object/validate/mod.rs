//! Pure. What is wrong with an object: the rules of each kind, reported as Kubernetes reports the fields of an object.
//!
//! Paths and wording are upstream's, with one difference: where upstream points at a whole struct and prints it, we point at
//! the very item and print its name.

mod rules;
#[cfg(test)]
mod tests;

use thiserror::Error;

use super::show::json;
use super::{Kind, Object, kinds};
use crate::model::tree::Tree;

/// One thing that is wrong with one field.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{path}: {problem}{}", after_colon(.detail))]
pub struct FieldError {
    /// From the object's root: `spec.inputs[1].name`.
    pub path: String,
    pub problem: Problem,
    pub detail: String,
}

#[derive(Clone, Debug, Error, PartialEq)]
pub enum Problem {
    #[error("Required value")]
    Required,
    #[error("Invalid value: {}", json(.0))]
    Invalid(Tree),
    #[error("Duplicate value: {}", json(.0))]
    Duplicate(Tree),
    #[error("Unsupported value: {}", json(.0))]
    Unsupported(Tree),
    #[error("Forbidden")]
    Forbidden,
}

fn after_colon(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    }
}

impl FieldError {
    fn new(path: impl Into<String>, problem: Problem, detail: impl Into<String>) -> FieldError {
        FieldError {
            path: path.into(),
            problem,
            detail: detail.into(),
        }
    }

    fn required(path: impl Into<String>, detail: &str) -> FieldError {
        FieldError::new(path, Problem::Required, detail)
    }

    fn invalid(path: impl Into<String>, value: Tree, detail: &str) -> FieldError {
        FieldError::new(path, Problem::Invalid(value), detail)
    }
}

type Rule = fn(&rules::Spec) -> Vec<FieldError>;

/// Every rule of the object's kind that it breaks.
pub fn validate(object: &Object) -> Vec<FieldError> {
    let spec = &object.spec;
    let rules: [(&Kind, Rule); 10] = [
        (&kinds::CLUSTER, rules::cluster),
        (&kinds::EXTENSION_REPO, rules::extension_repo),
        (&kinds::FILE_WATCH, rules::file_watch),
        (&kinds::KUBERNETES_APPLY, rules::kubernetes_apply),
        (&kinds::KUBERNETES_DISCOVERY, rules::kubernetes_discovery),
        (&kinds::LIVE_UPDATE, rules::live_update),
        (&kinds::PORT_FORWARD, rules::port_forward),
        (&kinds::SESSION, rules::session),
        (&kinds::TOGGLE_BUTTON, rules::toggle_button),
        (&kinds::UI_BUTTON, rules::ui_button),
    ];
    let of_kind = rules.iter().find(|(kind, _)| std::ptr::eq(*kind, object.kind));
    of_kind
        .map(|(_, rule)| rule(&rules::Spec::new(spec)))
        .unwrap_or_default()
}

/// What the API server demands of a name: that it can be a segment of a URL's path.
pub fn validate_name(name: &str) -> Vec<FieldError> {
    const PATH: &str = "metadata.name";
    let invalid = |detail: String| FieldError::new(PATH, Problem::Invalid(Tree::text(name)), detail);
    match name {
        "" => vec![FieldError::required(PATH, "name or generateName is required")],
        "." | ".." => vec![invalid(format!("may not be '{name}'"))],
        _ => {
            let contained = ['/', '%'].into_iter().filter(|c| name.contains(*c));
            contained.map(|c| invalid(format!("may not contain '{c}'"))).collect()
        }
    }
}

/// Several errors in one line, each once: `[a, b]`; a single one is itself.
pub fn aggregate(errors: &[FieldError]) -> Option<String> {
    let mut messages: Vec<String> = Vec::new();
    for message in errors.iter().map(FieldError::to_string) {
        if !messages.contains(&message) {
            messages.push(message);
        }
    }
    match messages.as_slice() {
        [] => None,
        [message] => Some(message.clone()),
        _ => Some(format!("[{}]", messages.join(", "))),
    }
}
