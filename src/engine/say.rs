//! Pure. Lines that the engine itself writes into the log.

use std::path::{Path, PathBuf};

use crate::engine::effect::{Effect, LogOrder, Span};
use crate::engine::logs::{BuildEvent, Level};
use crate::engine::state::{Cause, Name};

pub fn info(span: &Span, text: impl Into<String>) -> Effect {
    line(span, Level::Info, text.into())
}

pub fn warn(span: &Span, text: impl Into<String>) -> Effect {
    line(span, Level::Warn, text.into())
}

pub fn error(span: &Span, text: impl Into<String>) -> Effect {
    line(span, Level::Error, text.into())
}

fn line(span: &Span, level: Level, text: String) -> Effect {
    Effect::Log(LogOrder {
        span: span.clone(),
        level,
        text,
        event: None,
    })
}

/// The line that opens an update.
pub fn opening(span: &Span, text: String) -> Effect {
    Effect::Log(LogOrder {
        span: span.clone(),
        level: Level::Info,
        text,
        event: Some(BuildEvent::Init),
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
