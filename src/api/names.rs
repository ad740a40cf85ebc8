//! Names that the server makes up, and what makes metadata invalid.

use crate::api::decode::Decoded;
use crate::model::label;
use crate::model::object::{FieldError, Problem};
use crate::model::tree::Tree;

/// Letters and digits that look like no others and spell no words.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX: usize = 5;

/// A name that begins as asked for.
pub fn generated(prefix: &str) -> String {
    let random = uuid::Uuid::new_v4();
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]);
    let suffix: String = random.as_bytes().iter().take(SUFFIX).map(letter).collect();
    format!("{prefix}{suffix}")
}

/// What is wrong with labels, annotations and the like; the name itself is the engine's to judge.
pub fn metadata_problems(decoded: &Decoded) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut invalid = |path: &str, value: &str, details: Vec<String>| {
        errors.extend(details.into_iter().map(|detail| FieldError {
            path: path.to_owned(),
            problem: Problem::Invalid(Tree::text(value)),
            detail,
        }));
    };
    let meta = &decoded.object.meta;
    for (key, value) in meta.labels.iter() {
        invalid("metadata.labels", key, label::qualified_name_problems(key));
        let value = value.as_text().unwrap_or_default();
        invalid("metadata.labels", value, label::value_problems(value));
    }
    for (key, _) in meta.annotations.iter() {
        invalid(
            "metadata.annotations",
            key,
            label::qualified_name_problems(&key.to_ascii_lowercase()),
        );
    }
    for finalizer in &meta.finalizers {
        invalid(
            "metadata.finalizers",
            finalizer,
            label::qualified_name_problems(finalizer),
        );
    }
    if !decoded.namespace.is_empty() {
        errors.push(FieldError {
            path: "metadata.namespace".into(),
            problem: Problem::Forbidden,
            detail: "not allowed on this type".into(),
        });
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_names_differ_and_begin_as_asked_for() {
        let (a, b) = (generated("job-"), generated("job-"));
        assert!(a.starts_with("job-") && a.len() == 9 && a != b, "{a} {b}");
    }
}
