//! Pure. An object in the words of `kubectl describe`: every field below its label, lists unfolded.

use crate::model::tree::{Map, Tree};
use crate::ui::print::tabwriter::TabWriter;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// A longer annotation gets lines of its own, and a longer line of it is cut off.
const LONGEST_ANNOTATION: usize = 140;
const ACRONYMS: [&str; 5] = ["API", "URL", "UID", "OSB", "GUID"];
/// What the head already says, or nobody reads.
const SKIPPED: [&str; 5] = [
    ".metadata.managedFields",
    ".metadata.name",
    ".metadata.namespace",
    ".metadata.labels",
    ".metadata.annotations",
];

/// One object, described.
pub fn describe(object: &Tree) -> String {
    let mut text = String::with_capacity(1024);
    let meta = |key: &str| object.at(&["metadata", key]);
    let word = |key: &str| meta(key).and_then(Tree::as_text).unwrap_or_default();
    text.push_str(&format!("Name:\t{}\nNamespace:\t{}\n", word("name"), word("namespace")));
    text.push_str(&labels(meta("labels").and_then(Tree::as_map)));
    text.push_str(&annotations(meta("annotations").and_then(Tree::as_map)));
    if let Some(content) = object.as_map() {
        fields(content, 0, "", &mut text);
    }
    TabWriter::new(0, 2).align(&text)
}

/// Several objects, with two empty lines between them.
pub fn describe_all<'a>(objects: impl IntoIterator<Item = &'a Tree>) -> String {
    let described: Vec<String> = objects.into_iter().map(describe).collect();
    described.join("\n\n")
}

fn sorted(map: &Map) -> Vec<(&str, &Tree)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by_key(|entry| entry.0);
    entries
}

fn labels(labels: Option<&Map>) -> String {
    let entries = labels.map(sorted).unwrap_or_default();
    if entries.is_empty() {
        return "Labels:\t<none>\n".to_owned();
    }
    let line = |(key, value): (&str, &Tree)| format!("{key}={}\n", value.as_text().unwrap_or_default());
    let lines: Vec<String> = entries.into_iter().map(line).collect();
    format!("Labels:\t{}", lines.join("\t"))
}

fn annotations(annotations: Option<&Map>) -> String {
    let mut entries = annotations.map(sorted).unwrap_or_default();
    entries.retain(|(key, _)| *key != LAST_APPLIED);
    if entries.is_empty() {
        return "Annotations:\t<none>\n".to_owned();
    }
    let blocks: Vec<String> = entries.into_iter().map(|(key, value)| annotation(key, value)).collect();
    format!("Annotations:\t{}", blocks.join("\t"))
}

fn annotation(key: &str, value: &Tree) -> String {
    let value = value.as_text().unwrap_or_default();
    let value = value.strip_suffix('\n').unwrap_or(value);
    if key.len() + value.len() + 2 <= LONGEST_ANNOTATION && !value.contains('\n') {
        return format!("{key}: {value}\n");
    }
    let lines: String = value
        .split('\n')
        .map(|line| format!("\t  {}\n", shortened(line)))
        .collect();
    format!("{key}:\n{lines}")
}

fn shortened(line: &str) -> String {
    let most = LONGEST_ANNOTATION - 2;
    if line.len() <= most {
        return line.to_owned();
    }
    let end = (0..=most).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
    format!("{}...", &line[..end])
}

fn fields(content: &Map, level: usize, path: &str, text: &mut String) {
    let indent = "  ".repeat(level);
    for (field, value) in sorted(content) {
        let path = format!("{path}.{field}");
        if SKIPPED.contains(&path.as_str()) {
            continue;
        }
        let label = label(field);
        match value {
            Tree::Map(map) => {
                text.push_str(&format!("{indent}{label}:\n"));
                fields(map, level + 1, &path, text);
            }
            Tree::List(items) => {
                text.push_str(&format!("{indent}{label}:\n"));
                items.iter().for_each(|item| list_item(item, level + 1, &path, text));
            }
            value => text.push_str(&format!("{indent}{label}:\t{}\n", super::go_value(value))),
        }
    }
}

fn list_item(item: &Tree, level: usize, path: &str, text: &mut String) {
    match item {
        Tree::Map(map) => fields(map, level, path, text),
        item => text.push_str(&format!("{}{}\n", "  ".repeat(level), super::go_value(item))),
    }
}

/// `resourceVersion` is `Resource Version`; a name with anything but letters and dashes stays as it is.
fn label(field: &str) -> String {
    if !field.chars().all(|c| c.is_alphabetic() || c == '-') {
        return field.to_owned();
    }
    let words = words(field).into_iter().map(|word| {
        let upper = word.to_uppercase();
        if ACRONYMS.contains(&upper.as_str()) {
            return upper;
        }
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect())
            .unwrap_or_default()
    });
    words.collect::<Vec<String>>().join(" ")
}

/// Camel case to words: `spanID` is `span`, `ID`; `podIPAddress` is `pod`, `IP`, `Address`.
fn words(field: &str) -> Vec<String> {
    let letters: Vec<char> = field.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (index, letter) in letters.iter().enumerate() {
        let upper = letter.is_uppercase();
        let after_small = index > 0 && !letters[index - 1].is_uppercase();
        let before_small = letters.get(index + 1).is_some_and(|next| next.is_lowercase());
        let class_changes = index > 0 && (letters[index - 1] == '-') != (*letter == '-');
        let begins = words.is_empty() || class_changes || upper && (after_small || before_small);
        match words.last_mut().filter(|_| !begins) {
            Some(word) => word.push(*letter),
            None => words.push(letter.to_string()),
        }
    }
    words
}
