//! Pure. `--for`: the state that is waited for, and whether an object is in it.

use thiserror::Error;

use crate::model::gotemplate::go_value;
use crate::model::kube::jsonpath::JsonPath;
use crate::model::tree::Tree;
use crate::ui::print::relaxed_path;

#[derive(Debug)]
pub enum State {
    Deleted,
    Created,
    /// Everything that was saved before runs.
    Fresh,
    Condition {
        name: String,
        status: String,
    },
    /// A path leads to this value, or to any.
    Value {
        path: JsonPath,
        value: Option<String>,
    },
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StateError {
    #[error("unrecognized condition: {0:?}")]
    Unknown(String),
    #[error("{0}")]
    Path(String),
    #[error(
        "jsonpath wait format must be --for=jsonpath='{{.status.readyReplicas}}'=3 or --for=jsonpath='{{.status.readyReplicas}}'"
    )]
    Format,
}

impl State {
    pub fn parse(text: &str) -> Result<State, StateError> {
        match text.split_once('=') {
            None if text.eq_ignore_ascii_case("delete") => Ok(State::Deleted),
            None if text.eq_ignore_ascii_case("create") => Ok(State::Created),
            None if text.eq_ignore_ascii_case("fresh") => Ok(State::Fresh),
            Some(("condition", rest)) => {
                let (name, status) = rest.split_once('=').unwrap_or((rest, "true"));
                Ok(State::Condition {
                    name: name.to_owned(),
                    status: status.to_owned(),
                })
            }
            Some(("jsonpath", rest)) => value(rest),
            _ => Err(StateError::Unknown(text.to_owned())),
        }
    }

    /// Whether an object that exists is in the state.
    pub fn holds(&self, object: &Tree) -> Result<bool, StateError> {
        match self {
            State::Deleted => Ok(false),
            State::Created => Ok(true),
            State::Fresh => Ok(has_condition(object, "Fresh", "true")),
            State::Condition { name, status } => Ok(has_condition(object, name, status)),
            State::Value { path, value } => {
                let found = path.find(object).map_err(|error| StateError::Path(error.to_string()))?;
                match (found.as_slice(), value) {
                    ([], _) => Ok(false),
                    (_, None) => Ok(true),
                    ([(_, found)], Some(value)) => Ok(go_value(found) == value.trim()),
                    (_, Some(_)) => Err(StateError::Path(
                        "given jsonpath expression matches more than one value".to_owned(),
                    )),
                }
            }
        }
    }
}

/// The path ends at its last brace, since a filter within may have an equals sign of its own.
fn value(rest: &str) -> Result<State, StateError> {
    let rest = rest.trim_matches('\'');
    let (path, value) = match rest.rfind('}') {
        Some(end) => {
            let after = &rest[end + 1..];
            let value = after.trim_start_matches('\'').strip_prefix('=');
            if value.is_none() && !after.is_empty() {
                return Err(StateError::Format);
            }
            (&rest[..=end], value)
        }
        None => match rest.split_once('=') {
            Some((path, value)) => (path, Some(value)),
            None => (rest, None),
        },
    };
    if value == Some("") || path.is_empty() {
        return Err(StateError::Format);
    }
    Ok(State::Value {
        path: relaxed_path(path).map_err(|error| StateError::Path(error.to_string()))?,
        value: value.map(str::to_owned),
    })
}

fn has_condition(object: &Tree, name: &str, status: &str) -> bool {
    let conditions = object
        .at(&["status", "conditions"])
        .and_then(Tree::as_list)
        .unwrap_or_default();
    let word = |condition: &Tree, key: &str| {
        condition
            .get(key)
            .and_then(Tree::as_text)
            .unwrap_or_default()
            .to_owned()
    };
    conditions
        .iter()
        .find(|condition| word(condition, "type").eq_ignore_ascii_case(name))
        .is_some_and(|condition| word(condition, "status").eq_ignore_ascii_case(status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::yaml;

    #[test]
    fn states_are_read_and_held_against_objects() {
        let object = yaml::parse_one(
            "{status: {phase: ok, count: 3, list: [{name: a, v: '1'}], conditions: [{type: Ready, status: 'True'}, {type: UpToDate, status: 'False'}]}}",
        )
        .unwrap();
        let table = [
            ("condition=Ready", Some(true)),
            ("condition=ready=true", Some(true)),
            ("condition=UpToDate", Some(false)),
            ("condition=UpToDate=False", Some(true)),
            ("condition=Other", Some(false)),
            ("jsonpath={.status.phase}=ok", Some(true)),
            ("jsonpath='{.status.count}'=3", Some(true)),
            ("jsonpath=.status.phase=no", Some(false)),
            ("jsonpath={.status.list[?(@.name==\"a\")].v}=1", Some(true)),
            ("jsonpath={.status.phase}", Some(true)),
            ("jsonpath={.status.nope}", Some(false)),
            ("jsonpath={.status.phase}=", None),
            ("delete", Some(false)),
            ("create", Some(true)),
            ("fresh", Some(false)),
            ("ready", None),
        ];
        for (text, expected) in table {
            let held = State::parse(text).ok().and_then(|state| state.holds(&object).ok());
            assert_eq!(held, expected, "{text}");
        }
    }
}
