//! Pure. What stands behind the question mark: options of reads, watches and writes.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use crate::api::selector::{Fields, Labels, Selection};
use crate::api::status::Failure;
use crate::engine::action::Effort;

/// Names and values in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

/// What is done about fields that an object does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    Ignore,
    Warn,
    Strict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionMatch {
    Exact,
    NotOlderThan,
}

/// What a list or a watch is about.
#[derive(Clone, Debug)]
pub struct Scope {
    pub selection: Selection,
    pub version: Option<u64>,
    pub version_match: Option<VersionMatch>,
    pub limit: usize,
    pub resume: Option<String>,
    pub is_watch: bool,
    pub bookmarks: bool,
    /// Whether a watch begins with what is there; by its version if not said.
    pub initial: Option<bool>,
    pub timeout: Option<Duration>,
}

#[derive(Clone, Debug)]
pub struct WriteOptions {
    pub effort: Effort,
    pub manager: String,
    pub validation: Validation,
    pub force: bool,
}

const LONGEST_MANAGER: usize = 128;

impl Query {
    pub fn parse(text: &str) -> Query {
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text).decode_utf8_lossy().into_owned()
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        };
        Query(pairs.map(pair).collect())
    }

    /// The first value of a name; an empty one counts as none.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// A switch that stands alone is on.
    pub fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.get(name) {
            None => Ok(self.has(name)),
            Some("true" | "1" | "t" | "T" | "TRUE" | "True") => Ok(true),
            Some("false" | "0" | "f" | "F" | "FALSE" | "False") => Ok(false),
            Some(other) => Err(malformed(name, other, "neither true nor false")),
        }
    }

    fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        let value = self.get(name);
        value
            .map(|text| text.parse().map_err(|_| malformed(name, text, "not a number")))
            .transpose()
    }

    pub fn is_pretty(&self) -> bool {
        self.flag("pretty").unwrap_or(false)
    }

    pub fn scope(&self) -> Result<Scope, Failure> {
        let unclear = |error: crate::api::selector::SelectorError| Failure::bad_request(error.to_string());
        let labels = Labels::parse(self.get("labelSelector").unwrap_or_default()).map_err(unclear)?;
        let fields = Fields::parse(self.get("fieldSelector").unwrap_or_default()).map_err(unclear)?;
        let initial = self.has("sendInitialEvents").then(|| self.flag("sendInitialEvents"));
        let scope = Scope {
            selection: Selection { labels, fields },
            version: self.number("resourceVersion")?,
            version_match: self.version_match()?,
            limit: self
                .number("limit")?
                .map_or(0, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            resume: self.get("continue").map(str::to_owned),
            is_watch: self.flag("watch")?,
            bookmarks: self.flag("allowWatchBookmarks")?,
            initial: initial.transpose()?,
            timeout: self
                .number("timeoutSeconds")?
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
        };
        scope.check()
    }

    /// Of a watch by an older path, which says by itself that it is one and may name an object.
    pub fn scope_of_watch(&self, named: Fields) -> Result<Scope, Failure> {
        let mut query = self.clone();
        query.0.retain(|(name, _)| name != "watch");
        query.0.push(("watch".into(), "1".into()));
        let mut scope = query.scope()?;
        scope.selection.fields = scope.selection.fields.and(named);
        Ok(scope)
    }

    fn version_match(&self) -> Result<Option<VersionMatch>, Failure> {
        Ok(match self.get("resourceVersionMatch") {
            None => None,
            Some("Exact") => Some(VersionMatch::Exact),
            Some("NotOlderThan") => Some(VersionMatch::NotOlderThan),
            Some(other) => {
                return Err(malformed(
                    "resourceVersionMatch",
                    other,
                    "neither Exact nor NotOlderThan",
                ));
            }
        })
    }

    pub fn write(&self, agent: Option<&str>) -> Result<WriteOptions, Failure> {
        Ok(WriteOptions {
            effort: self.effort()?,
            manager: self.manager(agent)?,
            validation: self.validation()?,
            force: self.flag("force")?,
        })
    }

    pub fn effort(&self) -> Result<Effort, Failure> {
        match self.get("dryRun") {
            None => Ok(Effort::Real),
            Some("All") => Ok(Effort::Dry),
            Some(other) => Err(malformed("dryRun", other, "only All is supported")),
        }
    }

    fn validation(&self) -> Result<Validation, Failure> {
        match self.get("fieldValidation") {
            None | Some("Warn") => Ok(Validation::Warn),
            Some("Ignore") => Ok(Validation::Ignore),
            Some("Strict") => Ok(Validation::Strict),
            Some(other) => Err(malformed("fieldValidation", other, "none of Ignore, Warn, Strict")),
        }
    }

    /// Who writes: as the request says, else the program's name.
    fn manager(&self, agent: Option<&str>) -> Result<String, Failure> {
        let from_agent = || agent.unwrap_or_default().split('/').next().unwrap_or_default();
        let manager = self.get("fieldManager").unwrap_or_else(from_agent);
        if manager.chars().count() > LONGEST_MANAGER {
            return Err(malformed("fieldManager", manager, "longer than 128 characters"));
        }
        Ok(match manager {
            "" => "unknown".to_owned(),
            manager => manager.to_owned(),
        })
    }
}

impl Scope {
    fn check(self) -> Result<Scope, Failure> {
        let forbidden = |what: &str, why: &str| Err(Failure::bad_request(format!("{what} is forbidden: {why}")));
        match (self.is_watch, self.version_match, self.initial) {
            (false, _, Some(_)) => forbidden("sendInitialEvents", "it is for watches only"),
            (true, Some(_), None) => forbidden(
                "resourceVersionMatch",
                "for watches it goes with sendInitialEvents only",
            ),
            (true, matched, Some(_)) if matched != Some(VersionMatch::NotOlderThan) => {
                forbidden("sendInitialEvents", "it needs resourceVersionMatch=NotOlderThan")
            }
            (false, Some(_), None) if self.version.is_none() => {
                forbidden("resourceVersionMatch", "it needs a resourceVersion")
            }
            _ => Ok(self),
        }
    }
}

fn malformed(name: &str, value: &str, why: &str) -> Failure {
    Failure::bad_request(format!("{name}: Invalid value: {value:?}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded() {
        let query = Query::parse("labelSelector=a%3Db%2Cc+in+%28d%29&watch&limit=5&empty=");
        assert_eq!(query.get("labelSelector"), Some("a=b,c in (d)"));
        assert_eq!(query.get("empty"), None);
        let scope = query.scope().unwrap();
        assert!(scope.is_watch && scope.limit == 5 && !scope.bookmarks);
    }

    #[test]
    fn who_writes_is_named_by_the_request_or_its_program() {
        let manager = |query: &str, agent| Query::parse(query).write(agent).unwrap().manager;
        assert_eq!(manager("fieldManager=me", Some("kubectl/v1")), "me");
        assert_eq!(manager("", Some("kubectl/v1.32 (linux)")), "kubectl");
        assert_eq!(manager("", None), "unknown");
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        for query in ["dryRun=Some", "fieldValidation=Loose", "force=maybe"] {
            assert_eq!(Query::parse(query).write(None).unwrap_err().code, 400, "{query}");
        }
        for query in [
            "limit=x",
            "resourceVersion=x",
            "labelSelector==",
            "fieldSelector=spec.x=y",
            "sendInitialEvents=true",
            "watch=1&sendInitialEvents=true",
            "watch=1&resourceVersionMatch=Exact&resourceVersion=1",
            "resourceVersionMatch=Exact",
        ] {
            assert_eq!(Query::parse(query).scope().unwrap_err().code, 400, "{query}");
        }
    }
}
