//! Pure. Which lines `tilt logs` and searches ask for.

use regex::{Regex, RegexBuilder};
use thiserror::Error;

use super::lines::Line;
use super::segment::{Level, Time};

/// What a line must be. The default is every line.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Names of resources, `(Tiltfile)` among them; none for all, and for what belongs to no resource.
    pub resources: Vec<String>,
    /// Lines of exactly this level: warnings are not errors, as in the web interface.
    pub level: Option<Level>,
    pub source: Source,
    /// Nothing older.
    pub since: Option<Time>,
    /// At most so many, the newest ones.
    pub tail: Option<usize>,
    pub search: Option<Search>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    #[default]
    All,
    Build,
    Runtime,
}

impl Source {
    pub fn of_name(name: &str) -> Option<Source> {
        match name {
            "all" => Some(Source::All),
            "build" => Some(Source::Build),
            "runtime" => Some(Source::Runtime),
            _ => None,
        }
    }

    /// Where a span's text comes from. What brings a resource up to date is a build, and so is the command of a local
    /// resource's update, which upstream takes for runtime.
    pub fn of_span(id: &str) -> Source {
        let is_build = ["build:", "cmdimage:", "tiltfile:"]
            .iter()
            .any(|start| id.starts_with(start));
        if is_build || id.starts_with("cmd:") && id.ends_with(":update") {
            Source::Build
        } else {
            Source::Runtime
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Source::All => "all",
            Source::Build => "build",
            Source::Runtime => "runtime",
        }
    }
}

/// Text to look for, in whatever case.
#[derive(Clone, Debug)]
pub struct Search(Regex);

#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not a regular expression: {reason}")]
pub struct BadSearch {
    pub text: String,
    pub reason: String,
}

impl Search {
    /// `/…/` is a regular expression, anything else is text.
    pub fn parse(text: &str) -> Result<Search, BadSearch> {
        let inner = text
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'))
            .filter(|expression| !expression.is_empty());
        let expression = inner.map_or_else(|| regex::escape(text), str::to_owned);
        let built = RegexBuilder::new(&expression).case_insensitive(true).build();
        built.map(Search).map_err(|error| BadSearch {
            text: text.to_owned(),
            reason: one_line(&error),
        })
    }
}

/// The crate draws the place over several lines; its last line says what is wrong.
fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or(&text);
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

impl Query {
    pub fn matches(&self, line: &Line) -> bool {
        self.names(&line.span.resource)
            && self.since.is_none_or(|since| line.time >= since)
            && self.search.as_ref().is_none_or(|search| search.0.is_match(&line.text))
            // Without the lines that begin an update nobody could tell which update the others belong to.
            && (line.fields.build_event.is_some() || self.selects(line))
    }

    fn selects(&self, line: &Line) -> bool {
        let from_source = self.source == Source::All || self.source == Source::of_span(&line.span.id);
        from_source && self.level.is_none_or(|level| line.level == level)
    }

    fn names(&self, resource: &str) -> bool {
        self.resources.is_empty() || self.resources.iter().any(|name| name == resource)
    }
}
