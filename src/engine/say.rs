//! Pure. Lines that the engine itself writes into the log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::engine::effect::{Effect, LogLevel, LogOrder, Span};
use crate::engine::state::{Cause, Name};

pub fn info(span: &Span, text: impl Into<String>) -> Effect {
    line(span, LogLevel::Info, text.into())
}

pub fn warn(span: &Span, text: impl Into<String>) -> Effect {
    line(span, LogLevel::Warn, text.into())
}

pub fn error(span: &Span, text: impl Into<String>) -> Effect {
    line(span, LogLevel::Error, text.into())
}

fn line(span: &Span, level: LogLevel, text: String) -> Effect {
    Effect::Log(LogOrder {
        span: span.clone(),
        level,
        text,
        fields: BTreeMap::new(),
    })
}

/// The line that opens an update.
pub fn opening(span: &Span, text: String) -> Effect {
    Effect::Log(LogOrder {
        span: span.clone(),
        level: LogLevel::Info,
        text,
        fields: BTreeMap::from([("buildEvent", "init".to_owned())]),
    })
}

pub fn span(id: impl Into<Name>, resource: &str) -> Span {
    Span {
        id: id.into(),
        resource: resource.into(),
    }
}

/// Causes on one line, with paths as seen from the folder of the Tiltfile.
pub fn causes(causes: &[Cause], base: &Path) -> String {
    let shown: Vec<String> = causes.iter().map(|cause| relative(cause, base).to_string()).collect();
    let mut unique: Vec<String> = Vec::new();
    for text in shown {
        if !unique.contains(&text) {
            unique.push(text);
        }
    }
    unique.join(" | ")
}

fn relative(cause: &Cause, base: &Path) -> Cause {
    match cause {
        Cause::Files(files) => Cause::Files(files.iter().map(|path| below(path, base)).collect()),
        other => other.clone(),
    }
}

fn below(path: &Path, base: &Path) -> PathBuf {
    path.strip_prefix(base).unwrap_or(path).to_owned()
}
