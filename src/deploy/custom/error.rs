//! Pure. What can go wrong with a command that deploys.

use std::time::Duration;

use thiserror::Error;

use super::output::OutputError;
use crate::model::duration;

#[derive(Clone, Debug, Error)]
pub enum CustomError {
    #[error("{what} command `{command}` failed: {reason}")]
    Failed {
        what: &'static str,
        command: Box<str>,
        reason: String,
    },
    #[error(
        "Killed `{command}`. Hit timeout of {} for the {what} command; `update_settings(k8s_upsert_timeout_secs=…)` gives it more",
        duration::Duration::from_std(*limit)
    )]
    TimedOut {
        what: &'static str,
        command: Box<str>,
        limit: Duration,
    },
    #[error(
        "{what} command `{command}` printed more than any cluster takes; its standard output has to be YAML of what it applied"
    )]
    TooMuch { what: &'static str, command: Box<str> },
    #[error(
        "apply command `{command}` succeeded, but {source}\nIts standard output has to be the YAML of what it applied, and \
         nothing else: end with `kubectl apply -o yaml` or `helm get manifest NAME`, and send other output to standard error, \
         as in `helm upgrade … >&2`"
    )]
    Output { command: Box<str>, source: OutputError },
}
