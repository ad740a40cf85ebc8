//! Pure. Which objects a Tiltfile means: patterns over an object's version, kind, name and namespace.

use regex::Regex;

use super::Object;

#[derive(Clone, Debug, thiserror::Error)]
pub enum SelectorError {
    #[error("error parsing {part} regexp: {source}")]
    Pattern { part: &'static str, source: regex::Error },
    #[error("selector can't be empty")]
    Empty,
    #[error(
        "Too many parts in selector. Selectors must contain between 1 and 3 parts (colon separated), found {found} parts in {text}"
    )]
    TooManyParts { found: usize, text: Box<str> },
    #[error("invalid escape in selector {0}")]
    Escape(Box<str>),
}

/// Matches an object if every pattern does; one that was not given matches anything. Case never matters.
#[derive(Clone, Debug)]
pub struct ObjectMatcher {
    api_version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
}

/// The patterns of a matcher; empty means not given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patterns<'a> {
    pub api_version: &'a str,
    pub kind: &'a str,
    pub name: &'a str,
    pub namespace: &'a str,
}

impl ObjectMatcher {
    /// Regular expressions that match anywhere in the text: `Job` also finds a `CronJob`.
    pub fn partial(patterns: Patterns) -> Result<ObjectMatcher, SelectorError> {
        ObjectMatcher::compile(patterns, |pattern| format!("(?i){pattern}"))
    }

    /// Texts that have to be the whole value.
    pub fn exact(patterns: Patterns) -> Result<ObjectMatcher, SelectorError> {
        ObjectMatcher::compile(patterns, |text| format!("(?i)^{}$", regex::escape(text)))
    }

    /// `name`, `name:kind` or `name:kind:namespace`; a backslash takes the meaning from a colon.
    pub fn fragment(text: &str) -> Result<ObjectMatcher, SelectorError> {
        if text.is_empty() {
            return Err(SelectorError::Empty);
        }
        let parts = split(text)?;
        match parts.as_slice() {
            [name] => ObjectMatcher::exact(Patterns {
                name,
                ..Patterns::default()
            }),
            [name, kind] => ObjectMatcher::exact(Patterns {
                name,
                kind,
                ..Patterns::default()
            }),
            [name, kind, namespace] => ObjectMatcher::exact(Patterns {
                name,
                kind,
                namespace,
                ..Patterns::default()
            }),
            parts => Err(SelectorError::TooManyParts {
                found: parts.len(),
                text: text.into(),
            }),
        }
    }

    pub fn matches(&self, object: &Object) -> bool {
        let fits = |pattern: &Option<Regex>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        fits(&self.kind, object.kind())
            && fits(&self.name, object.name())
            && fits(&self.api_version, object.api_version())
            && fits(&self.namespace, object.namespace())
    }

    fn compile(patterns: Patterns, spell: impl Fn(&str) -> String) -> Result<ObjectMatcher, SelectorError> {
        let compile = |part: &'static str, text: &str| match text {
            "" => Ok(None),
            text => Regex::new(&spell(text))
                .map(Some)
                .map_err(|source| SelectorError::Pattern { part, source }),
        };
        Ok(ObjectMatcher {
            api_version: compile("apiVersion", patterns.api_version)?,
            kind: compile("kind", patterns.kind)?,
            name: compile("name", patterns.name)?,
            namespace: compile("namespace", patterns.namespace)?,
        })
    }
}

fn split(text: &str) -> Result<Vec<String>, SelectorError> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let literal = match c {
            ':' => {
                parts.push(String::new());
                continue;
            }
            '\\' => chars.next().ok_or_else(|| SelectorError::Escape(text.into()))?,
            c => c,
        };
        parts.last_mut().into_iter().for_each(|part| part.push(literal));
    }
    Ok(parts)
}
