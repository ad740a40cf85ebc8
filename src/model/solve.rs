//! Pure. What BuildKit tells of a build while it runs: steps, what they transfer, what they print.

use crate::model::time::Time;

/// News of a build. Each piece repeats all that is known of what it is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    pub steps: Vec<Step>,
    pub transfers: Vec<Transfer>,
    pub output: Vec<Output>,
    pub warnings: Vec<Warning>,
}

/// One vertex of the build's graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    pub digest: String,
    pub inputs: Vec<String>,
    pub name: String,
    pub cached: bool,
    pub started: Option<Time>,
    pub finished: Option<Time>,
    pub error: String,
}

/// A part of a step that is counted: bytes transferred, layers fetched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transfer {
    /// What it is, in the builder's words: `transferring context: 2B`, a layer's digest.
    pub id: String,
    /// The digest of its step.
    pub step: String,
    pub name: String,
    pub current: u64,
    /// Zero where it is not known.
    pub total: u64,
    pub started: Option<Time>,
    pub finished: Option<Time>,
}

/// Bytes that a step printed, cut anywhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// The digest of its step.
    pub step: String,
    pub stderr: bool,
    pub bytes: Vec<u8>,
    pub at: Option<Time>,
}

/// What the builder thinks of the Dockerfile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Warning {
    pub step: String,
    pub text: String,
    pub detail: Vec<String>,
    pub url: String,
    /// Lines of the Dockerfile, counted from 1.
    pub lines: Option<(u32, u32)>,
}

/// How a build failed, as far as the builder says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SolveFailure {
    pub message: String,
    /// The digest of the step that failed.
    pub step: Option<String>,
    /// Lines of the Dockerfile, counted from 1.
    pub lines: Option<(u32, u32)>,
}
