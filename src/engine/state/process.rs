//! Pure. Processes that are kept running: served resources and Cmd objects.

use crate::engine::action::Readiness;
use crate::engine::state::Seq;
use crate::model::time::Time;
use crate::model::tree::Map;

/// What is known of one generation of a process.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessState {
    pub generation: u64,
    pub asked: Time,
    pub phase: Phase,
    pub readiness: Readiness,
    /// When it was last found ready.
    pub ready_at: Option<Time>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Ordered, and maybe waiting for the one before it to end.
    Starting,
    Running {
        pid: i32,
        started: Time,
    },
    Exited {
        pid: i32,
        code: i32,
        reason: String,
        started: Time,
        finished: Time,
    },
}

impl ProcessState {
    pub fn new(generation: u64, asked: Time) -> ProcessState {
        ProcessState {
            generation,
            asked,
            phase: Phase::Starting,
            readiness: Readiness::NotReady,
            ready_at: None,
        }
    }

    pub fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Running { .. }) && self.readiness == Readiness::Ready
    }
}

/// A Cmd object that runs on its own account.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CmdState {
    /// What of the spec was in force at the last start.
    pub ran: Option<Map>,
    /// The newest event that started it.
    pub handled: Seq,
    pub process: Option<ProcessState>,
    /// From the inputs of the button that started it.
    pub input_env: Vec<String>,
}
