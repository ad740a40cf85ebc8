//! Pure. What a command that deploys has printed: the YAML of what it applied, or what else it may be.

use thiserror::Error;

use crate::model::kube::{self, Object};

#[derive(Clone, Debug, Error)]
pub enum OutputError {
    #[error("what it printed is no YAML of objects: {source}{}", quoted(head))]
    Objects { source: kube::Error, head: Box<str> },
    #[error("what it printed has a {kind} without a name")]
    NoName { kind: Box<str> },
}

/// How much of the output is shown with an error.
const HEAD_LINES: usize = 3;
const HEAD_WIDTH: usize = 120;
/// How many lines of another output are logged.
const MOST_LINES: usize = 200;

/// The objects that were printed, lists taken apart. Nothing printed is no object.
pub fn objects(printed: &[u8]) -> Result<Vec<Object>, OutputError> {
    let text = String::from_utf8_lossy(printed);
    let objects = kube::parse(&text).map_err(|source| OutputError::Objects {
        source,
        head: head(&text),
    })?;
    match objects.iter().find(|object| object.name().is_empty()) {
        Some(nameless) => Err(OutputError::NoName {
            kind: nameless.kind().into(),
        }),
        None => Ok(objects),
    }
}

/// The end of a long text: errors come last.
pub fn shortened(text: &str) -> String {
    let count = text.lines().count();
    let Some(hidden) = count.checked_sub(MOST_LINES).filter(|hidden| *hidden > 0) else {
        return text.to_owned();
    };
    let rest: Vec<&str> = text.lines().skip(hidden).collect();
    format!("… {hidden} lines before these\n{}", rest.join("\n"))
}

fn head(text: &str) -> Box<str> {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).take(HEAD_LINES);
    let lines: Vec<String> = lines.map(|line| line.chars().take(HEAD_WIDTH).collect()).collect();
    lines.join("\n").into()
}

fn quoted(head: &str) -> String {
    let lines = head.lines().map(|line| format!("\n  {line}"));
    format!("; it begins with{}", lines.collect::<String>())
}
