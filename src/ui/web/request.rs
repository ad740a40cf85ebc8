//! Pure. Bodies that clients post, decoded and checked.

use serde::Deserialize;

use crate::engine::state::{Name, TriggerSource};
use crate::model::project::TriggerMode;

/// Who triggered an update, as one number: these bits are read, the others are somebody's own.
const FROM_WEB: i64 = 16;
const FROM_CLI: i64 = 32;

/// What is wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("error parsing JSON payload: {0}")]
    Json(String),
    #[error("/api/trigger currently supports exactly one manifest name, got {0}")]
    NotOne(usize),
    #[error("invalid trigger mode: {0}")]
    Mode(i64),
    #[error("error parsing payloads: only incr verbs are supported")]
    Verb,
    #[error("analytics opt must be `opt-in` or `opt-out`, not {0:?}")]
    Opt(String),
}

#[derive(Debug, PartialEq, Eq)]
pub struct Trigger {
    pub resource: Name,
    pub source: TriggerSource,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Override {
    pub resources: Vec<Name>,
    pub mode: TriggerMode,
}

/// Whether somebody wants to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opt {
    In,
    Out,
}

impl Opt {
    pub fn name(self) -> &'static str {
        match self {
            Opt::In => "opt-in",
            Opt::Out => "opt-out",
        }
    }
}

#[derive(Deserialize)]
struct TriggerBody {
    #[serde(default)]
    manifest_names: Option<Vec<String>>,
    #[serde(default)]
    build_reason: i64,
}

pub fn trigger(body: &[u8]) -> Result<Trigger, Malformed> {
    let body: TriggerBody = decoded(body)?;
    let names = body.manifest_names.unwrap_or_default();
    let [name] = names.as_slice() else {
        return Err(Malformed::NotOne(names.len()));
    };
    Ok(Trigger {
        resource: name.as_str().into(),
        source: source(body.build_reason),
    })
}

fn source(reason: i64) -> TriggerSource {
    match reason {
        reason if reason & FROM_WEB != 0 => TriggerSource::Web,
        reason if reason & FROM_CLI != 0 => TriggerSource::Cli,
        _ => TriggerSource::Unknown,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OverrideBody {
    #[serde(default)]
    manifest_names: Option<Vec<String>>,
    #[serde(default)]
    trigger_mode: i64,
}

pub fn trigger_mode(body: &[u8]) -> Result<Override, Malformed> {
    let body: OverrideBody = decoded(body)?;
    let mode = match body.trigger_mode {
        0 => TriggerMode::Auto,
        1 => TriggerMode::ManualWithAutoInit,
        2 => TriggerMode::Manual,
        3 => TriggerMode::AutoWithManualInit,
        other => return Err(Malformed::Mode(other)),
    };
    let names = body.manifest_names.unwrap_or_default();
    Ok(Override {
        resources: names.iter().map(|name| name.as_str().into()).collect(),
        mode,
    })
}

/// The Tiltfile's new arguments.
pub fn args(body: &[u8]) -> Result<Vec<String>, Malformed> {
    let args: Option<Vec<String>> = decoded(body)?;
    Ok(args.unwrap_or_default())
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    verb: String,
}

/// Events that the page wants counted. Nothing is counted, yet a wrong one is told so.
pub fn analytics(body: &[u8]) -> Result<(), Malformed> {
    let events: Option<Vec<Event>> = decoded(body)?;
    let is_known = |event: &Event| event.verb == "incr";
    match events.unwrap_or_default().iter().all(is_known) {
        true => Ok(()),
        false => Err(Malformed::Verb),
    }
}

#[derive(Deserialize)]
struct OptBody {
    #[serde(default)]
    opt: String,
}

pub fn analytics_opt(body: &[u8]) -> Result<Opt, Malformed> {
    let body: OptBody = decoded(body)?;
    [Opt::In, Opt::Out]
        .into_iter()
        .find(|opt| opt.name() == body.opt)
        .ok_or(Malformed::Opt(body.opt))
}

fn decoded<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Malformed> {
    serde_json::from_slice(body).map_err(|error| Malformed::Json(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_names_one_resource_and_says_where_it_comes_from() {
        let cases = [
            (16, TriggerSource::Web),
            (32, TriggerSource::Cli),
            (48, TriggerSource::Web),
            (0, TriggerSource::Unknown),
            (64, TriggerSource::Unknown),
            (-1, TriggerSource::Web),
        ];
        for (reason, source) in cases {
            let body = format!(r#"{{"manifest_names":["a"],"build_reason":{reason},"more":1}}"#);
            let resource = "a".into();
            assert_eq!(trigger(body.as_bytes()), Ok(Trigger { resource, source }), "{reason}");
        }
        for (body, count) in [("{}", 0), (r#"{"manifest_names":["a","b"]}"#, 2)] {
            assert_eq!(trigger(body.as_bytes()), Err(Malformed::NotOne(count)));
        }
        assert!(matches!(trigger(b"x"), Err(Malformed::Json(_))));
    }

    #[test]
    fn a_trigger_mode_is_one_of_four_and_nothing_unknown_is_said_with_it() {
        let body = |rest: &str| format!(r#"{{"manifest_names":["a","b"],{rest}}}"#);
        let found = trigger_mode(body(r#""trigger_mode":2"#).as_bytes()).unwrap();
        assert_eq!((found.resources.len(), found.mode), (2, TriggerMode::Manual));
        assert_eq!(
            trigger_mode(body(r#""trigger_mode":4"#).as_bytes()),
            Err(Malformed::Mode(4))
        );
        let unknown = trigger_mode(body(r#""trigger_mode":1,"x":1"#).as_bytes());
        assert!(matches!(unknown, Err(Malformed::Json(_))));
    }

    #[test]
    fn arguments_are_a_list_of_texts() {
        assert_eq!(args(br#"["--a","b"]"#), Ok(vec!["--a".to_owned(), "b".to_owned()]));
        assert_eq!(args(b"null"), Ok(Vec::new()));
        for body in ["{}", "[1]", "", r#"["a"] ["b"]"#] {
            assert!(matches!(args(body.as_bytes()), Err(Malformed::Json(_))), "{body}");
        }
    }

    #[test]
    fn only_what_counts_is_taken_for_analytics() {
        assert_eq!(analytics(br#"[{"verb":"incr","name":"x","tags":{}}]"#), Ok(()));
        assert_eq!(analytics(br#"[{"verb":"timer","name":"x"}]"#), Err(Malformed::Verb));
        assert_eq!(analytics_opt(br#"{"opt":"opt-out"}"#), Ok(Opt::Out));
        assert_eq!(
            analytics_opt(br#"{"opt":"maybe"}"#),
            Err(Malformed::Opt("maybe".to_owned()))
        );
    }
}
