//! Pure. Where changed files go in a container, what runs there afterwards, and which changes only a build can bring in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::model::live::{LiveUpdate, ModeRule, Ownership, Restart};
use crate::model::path;

/// What is to happen to a container so that it has the changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Sorted, each file once.
    pub copies: Vec<Copied>,
    /// In the order in which they are declared.
    pub runs: Vec<Run>,
    pub restart: Restart,
}

/// One file, or what is left of it, on its way into a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    pub local: PathBuf,
    /// What the sync calls its place in the container.
    pub root: String,
    /// Below that place; empty for the place itself.
    pub below: PathBuf,
    pub owner: Ownership,
    pub mode: ModeRule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub argv: Vec<String>,
    pub is_shown: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// None of the changes is of interest.
    Nothing,
    Go(Plan),
    /// Only a build brings them in.
    Stop(Stop),
}

/// Why only a build brings changes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// `fall_back_on` names it.
    Named { file: PathBuf },
    Unmatched {
        files: Vec<PathBuf>,
        /// What would have come closest to the first of them.
        nearest: Option<Nearest>,
    },
}

/// A sync that does not match a file, though others match it less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearest {
    pub local: PathBuf,
    pub container: String,
    /// The folder in which both are.
    pub common: PathBuf,
}

/// So many files are named before the rest is counted.
const MOST_NAMED: usize = 10;

/// What an image's changed files come to. `rules` are its own live update, or that of the image that is made from it.
pub fn plan<'f>(rules: &LiveUpdate, files: impl IntoIterator<Item = &'f PathBuf>) -> Verdict {
    let files: BTreeSet<&PathBuf> = files.into_iter().collect();
    if files.is_empty() {
        return Verdict::Nothing;
    }
    let stops: Vec<PathBuf> = rules
        .stop_paths
        .iter()
        .map(|stop| path::join(&rules.base, stop))
        .collect();
    let is_named = |file: &&&PathBuf| stops.iter().any(|stop| path::is_within(stop, file));
    if let Some(file) = files.iter().find(is_named) {
        return Verdict::Stop(Stop::Named { file: (*file).clone() });
    }
    let mut copies = Vec::new();
    let mut unmatched = Vec::new();
    for file in &files {
        match copied(rules, file) {
            Some(copied) => copies.push(copied),
            None => unmatched.push((*file).clone()),
        }
    }
    if let Some(first) = unmatched.first() {
        let nearest = nearest(rules, first);
        return Verdict::Stop(Stop::Unmatched {
            files: unmatched,
            nearest,
        });
    }
    Verdict::Go(Plan {
        copies,
        runs: runs(rules, &files),
        restart: match is_due(rules, &rules.restart_triggers, &files) {
            true => rules.restart,
            false => Restart::Never,
        },
    })
}

/// Where a file goes: the first sync that has it decides.
pub fn copied(rules: &LiveUpdate, file: &Path) -> Option<Copied> {
    rules.syncs.iter().find_map(|sync| {
        let local = path::join(&rules.base, &sync.local);
        let below = file.strip_prefix(&local).ok()?;
        Some(Copied {
            local: file.to_owned(),
            root: sync.container.clone(),
            below: below.to_owned(),
            owner: sync.owner,
            mode: sync.mode,
        })
    })
}

/// Whether something is due that has these triggers: without any it always is, else if a changed file is, or lies below, one of them.
fn is_due(rules: &LiveUpdate, triggers: &[String], files: &BTreeSet<&PathBuf>) -> bool {
    let hits = |trigger: &String| {
        let trigger = path::join(&rules.base, trigger);
        files.iter().any(|file| path::is_within(&trigger, file))
    };
    triggers.is_empty() || triggers.iter().any(hits)
}

fn runs(rules: &LiveUpdate, files: &BTreeSet<&PathBuf>) -> Vec<Run> {
    let due = rules.execs.iter().filter(|exec| is_due(rules, &exec.triggers, files));
    due.map(|exec| Run {
        argv: exec.argv.clone(),
        is_shown: exec.echo == crate::model::command::Echo::On,
    })
    .collect()
}

fn nearest(rules: &LiveUpdate, file: &Path) -> Option<Nearest> {
    let common = |local: &Path| -> PathBuf {
        let both = local.components().zip(file.components());
        both.take_while(|(one, other)| one == other)
            .map(|(one, _)| one)
            .collect()
    };
    let candidates = rules.syncs.iter().map(|sync| {
        let local = path::join(&rules.base, &sync.local);
        Nearest {
            common: common(&local),
            container: sync.container.clone(),
            local,
        }
    });
    candidates.max_by_key(|nearest| nearest.common.components().count())
}

impl Plan {
    /// Both, one after the other: files of a base and of what is made from it.
    pub fn join(mut self, other: Plan) -> Plan {
        // What is copied later is what counts.
        let mut copies: BTreeMap<PathBuf, Copied> = BTreeMap::new();
        for copied in self.copies.drain(..).chain(other.copies) {
            copies.insert(copied.local.clone(), copied);
        }
        self.copies = copies.into_values().collect();
        for run in other.runs {
            if !self.runs.contains(&run) {
                self.runs.push(run);
            }
        }
        if other.restart == Restart::Always {
            self.restart = Restart::Always;
        }
        self
    }
}

impl Stop {
    /// The word of the API.
    pub fn reason(&self) -> &'static str {
        "UpdateStopped"
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Named { file } => write!(f, "Detected change to stop file {:?}", file.display().to_string()),
            Stop::Unmatched { files, nearest } => {
                let named: Vec<String> = files
                    .iter()
                    .take(MOST_NAMED)
                    .map(|file| file.display().to_string())
                    .collect();
                write!(f, "Found file(s) not matching any sync (files: {}", named.join(", "))?;
                if files.len() > MOST_NAMED {
                    write!(f, " … and {} more", files.len() - MOST_NAMED)?;
                }
                f.write_str(")")?;
                match nearest {
                    Some(nearest) => write!(
                        f,
                        "; the nearest is sync('{}', '{}')",
                        nearest.local.display(),
                        nearest.container
                    ),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
