//! Pure. What names and labels may look like: Kubernetes' rules, in its words.

use crate::model::quote::quoted;
use regex::Regex;
use std::sync::LazyLock;
use thiserror::Error;

const LONGEST: usize = 63;
const LONGEST_DOMAIN: usize = 253;
const NAME: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const DOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("Invalid label {}: {problem}", quoted(label))]
pub struct LabelError {
    pub label: String,
    pub problem: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid value {}: {problem}", quoted(name))]
pub struct NameError {
    pub name: String,
    pub problem: String,
}

/// Whether `label` may group resources: a label's key and its value at once, without a prefix.
pub fn check_label(label: &str) -> Result<(), LabelError> {
    let mut problems = qualified_name_problems(label);
    if problems.is_empty() {
        problems = value_problems(label);
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(LabelError {
        label: label.to_owned(),
        problem: problems.join(", "),
    })
}

/// Whether `name` may name a resource or an object: a segment of a path.
pub fn check_name(name: &str) -> Result<(), NameError> {
    match name_problems(name).into_iter().next() {
        None => Ok(()),
        Some(problem) => Err(NameError {
            name: name.to_owned(),
            problem,
        }),
    }
}

/// Why `name` is no path segment; nothing if it is one.
pub fn name_problems(name: &str) -> Vec<String> {
    if name == "." || name == ".." {
        return vec![format!("may not be '{name}'")];
    }
    ["/", "%"]
        .iter()
        .filter(|part| name.contains(**part))
        .map(|part| format!("may not contain '{part}'"))
        .collect()
}

/// Why `value` is no label value; nothing if it is one.
pub fn value_problems(value: &str) -> Vec<String> {
    static VALUES: LazyLock<Regex> = LazyLock::new(|| whole(VALUE));
    let mut problems = Vec::new();
    if value.len() > LONGEST {
        problems.push(too_long(LONGEST));
    }
    if !VALUES.is_match(value) {
        let rule = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
                    and must start and end with an alphanumeric character";
        problems.push(explained(rule, VALUE, &["MyValue", "my_value", "12345"]));
    }
    problems
}

/// Why `name` is no label key (`name` or `prefix/name`); nothing if it is one.
pub fn qualified_name_problems(name: &str) -> Vec<String> {
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        [name] => name_part_problems(name),
        [prefix, name] => {
            let mut problems = prefix_problems(prefix);
            problems.extend(name_part_problems(name));
            problems
        }
        _ => vec![format!(
            "a qualified name {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
            name_rule()
        )],
    }
}

fn name_part_problems(name: &str) -> Vec<String> {
    static NAMES: LazyLock<Regex> = LazyLock::new(|| whole(NAME));
    let mut problems = Vec::new();
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    } else if name.len() > LONGEST {
        problems.push(format!("name part {}", too_long(LONGEST)));
    }
    if !NAMES.is_match(name) {
        problems.push(format!("name part {}", name_rule()));
    }
    problems
}

fn prefix_problems(prefix: &str) -> Vec<String> {
    static DOMAINS: LazyLock<Regex> = LazyLock::new(|| whole(DOMAIN));
    if prefix.is_empty() {
        return vec!["prefix part must be non-empty".to_owned()];
    }
    let mut problems = Vec::new();
    if prefix.len() > LONGEST_DOMAIN {
        problems.push(format!("prefix part {}", too_long(LONGEST_DOMAIN)));
    }
    if !DOMAINS.is_match(prefix) {
        let rule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
                    and must start and end with an alphanumeric character";
        let text = explained(rule, DOMAIN, &["example.com"]);
        problems.push(format!("prefix part {text}"));
    }
    problems
}

fn name_rule() -> String {
    let rule = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                alphanumeric character";
    explained(rule, NAME, &["MyName", "my.name", "123-abc"])
}

fn too_long(longest: usize) -> String {
    format!("must be no more than {longest} bytes")
}

/// The rule with examples and pattern, down to the comma before each `or` that Kubernetes prints.
fn explained(rule: &str, pattern: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|it| format!("'{it}', ")).collect();
    let examples = examples.join(" or ");
    format!("{rule} (e.g. {examples}regex used for validation is '{pattern}')")
}

fn whole(pattern: &str) -> Regex {
    Regex::new(&format!("^(?:{pattern})$")).expect("a constant pattern")
}

#[cfg(test)]
mod tests;
