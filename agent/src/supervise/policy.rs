//! Pure. When the container ends with its command, and with which code.

/// What becomes of the container when the command has ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitPolicy {
    /// It ends, unless the command crashed after it had been started again: then the next restart is waited for. So a container
    /// that never worked fails as it would without us, and one that somebody is working on stays.
    Adaptive,
    /// It always ends.
    Restart,
    /// It always stays, and waits for the next restart.
    Continue,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Exited(u8),
    Killed(i32),
}

/// How often the command was started again in this container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    FirstRun,
    Restarted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Leave(u8),
    Stay,
}

impl End {
    /// As a shell says it: a process that was killed by a signal counts as 128 and the signal's number.
    pub fn code(self) -> u8 {
        match self {
            End::Exited(code) => code,
            End::Killed(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            End::Exited(code) => write!(out, "exited with code {code}"),
            End::Killed(signal) => write!(out, "was killed by signal {signal}"),
        }
    }
}

/// For a command that ended without anybody having asked for that.
pub fn after(policy: ExitPolicy, history: History, end: End) -> Next {
    let stays = match policy {
        ExitPolicy::Restart => false,
        ExitPolicy::Continue => true,
        ExitPolicy::Adaptive => history == History::Restarted && end != End::Exited(0),
    };
    match stays {
        true => Next::Stay,
        false => Next::Leave(end.code()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_restarted_survives_a_crash() {
        use ExitPolicy::*;
        use History::*;
        for (policy, history, end, next) in [
            (Adaptive, FirstRun, End::Exited(3), Next::Leave(3)),
            (Adaptive, FirstRun, End::Killed(11), Next::Leave(139)),
            (Adaptive, Restarted, End::Exited(3), Next::Stay),
            (Adaptive, Restarted, End::Killed(9), Next::Stay),
            (Adaptive, Restarted, End::Exited(0), Next::Leave(0)),
            (Restart, Restarted, End::Exited(1), Next::Leave(1)),
            (Continue, FirstRun, End::Exited(0), Next::Stay),
        ] {
            assert_eq!(after(policy, history, end), next, "{policy:?}, {history:?}, {end:?}");
        }
    }
}
