//! Pure. Between our values and the words of the wire.

use tilt_agent::wire::{self, Absolute, Beneath};

use super::ApplyError;
use super::batch::{Batch, Cause, Exit, Kind, Listed, Problem, Stream};
use crate::model::live::{ModeRule, Ownership};
use crate::model::time::Time;

/// Numbers that kernels have for reasons, on every architecture of Linux that we know of.
const EPERM: i32 = 1;
const EACCES: i32 = 13;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
const EDQUOT: i32 = 122;

impl From<wire::Ending> for Exit {
    fn from(ending: wire::Ending) -> Exit {
        match ending {
            wire::Ending::Code(code) => Exit::Code(code),
            wire::Ending::Signal(signal) => Exit::Signal(signal),
        }
    }
}

impl From<wire::Stream> for Stream {
    fn from(stream: wire::Stream) -> Stream {
        match stream {
            wire::Stream::Stdout => Stream::Stdout,
            wire::Stream::Stderr => Stream::Stderr,
        }
    }
}

impl From<Ownership> for wire::Owner {
    fn from(owner: Ownership) -> wire::Owner {
        match owner {
            Ownership::LikeExisting => wire::Owner::LikeExisting,
            Ownership::ContainerUser => wire::Owner::Container,
            Ownership::Ids { uid, gid } => wire::Owner::Ids(uid, gid),
        }
    }
}

impl From<ModeRule> for wire::ModeRule {
    fn from(mode: ModeRule) -> wire::ModeRule {
        match mode {
            ModeRule::Host => wire::ModeRule::Host,
            ModeRule::LikeExisting => wire::ModeRule::LikeExisting,
            ModeRule::Fixed(mode) => wire::ModeRule::Fixed(mode),
        }
    }
}

pub fn cause(errno: i32) -> Cause {
    match errno {
        EPERM | EACCES => Cause::Denied,
        EROFS => Cause::ReadOnly,
        ENOSPC | EDQUOT => Cause::Full,
        _ => Cause::Other,
    }
}

/// The agent's texts name the path already.
pub fn problems(problems: &[wire::Problem]) -> Vec<Problem> {
    let told = problems.iter().map(|problem| Problem {
        path: String::new(),
        cause: match problem.kind {
            wire::Trouble::LeadsOut => Cause::Outside,
            _ => cause(problem.errno),
        },
        reason: problem.text.clone(),
    });
    told.collect()
}

/// What a refusal means: a file here or there that has just changed makes it worth trying again.
pub fn refusal(refused: &[wire::Problem]) -> ApplyError {
    use wire::Trouble;
    let is_changed = |problem: &&wire::Problem| matches!(problem.kind, Trouble::NotAsAnnounced | Trouble::Missing);
    match refused.iter().find(is_changed) {
        Some(changed) if refused.iter().all(|problem| is_changed(&problem)) => ApplyError::Changed {
            path: String::from_utf8_lossy(changed.path.as_bytes()).into_owned(),
        },
        _ => ApplyError::Refused {
            problems: problems(refused),
        },
    }
}

pub fn listed(entry: wire::ListedEntry) -> Listed {
    Listed {
        path: entry.path.as_bytes().to_vec(),
        kind: match entry.kind {
            wire::EntryKind::File => Kind::File,
            wire::EntryKind::Symlink => Kind::Symlink { target: entry.target },
        },
        mode: entry.mode,
        size: entry.size,
        changed: Time::from_micros(entry.changed_nanos.div_euclid(1_000)),
        hash: entry.sha256,
    }
}

/// A directory of the container, as the wire wants it: without a slash at its end.
pub fn absolute(path: &str) -> Result<Absolute, ApplyError> {
    let plain = match path.trim_end_matches('/') {
        "" => "/",
        plain => plain,
    };
    Absolute::new(plain.as_bytes()).map_err(|fault| outside(path, &fault.to_string()))
}

pub fn beneath(path: &[u8]) -> Result<Beneath, ApplyError> {
    Beneath::new(path).map_err(|fault| outside(&String::from_utf8_lossy(path), &fault.to_string()))
}

pub fn outside(path: &str, reason: &str) -> ApplyError {
    ApplyError::Refused {
        problems: vec![Problem {
            path: path.to_owned(),
            cause: Cause::Outside,
            reason: reason.to_owned(),
        }],
    }
}

/// The roots of a batch, and that every change is below one of them.
pub fn roots(batch: &Batch) -> Result<Vec<(u16, Absolute)>, ApplyError> {
    let of = |(number, root): (usize, &super::Root)| {
        let number = u16::try_from(number).map_err(|_| outside(&root.path, "more roots than one batch can have"))?;
        Ok((number, absolute(&root.path)?))
    };
    let roots: Vec<_> = batch
        .roots
        .iter()
        .enumerate()
        .map(of)
        .collect::<Result<_, ApplyError>>()?;
    match batch.changes.iter().find(|change| change.root() >= roots.len()) {
        Some(change) => Err(outside(&String::from_utf8_lossy(change.path()), "below no root")),
        None => Ok(roots),
    }
}
