//! Git, through its own command: cloning, updating and checking out repositories.
//!
//! Git never asks anything here: without a terminal prompt a missing credential is an error in git's own words instead
//! of a program that waits for ever. Users' git configuration and credential helpers stay in force.

use std::collections::BTreeMap;
use std::path::Path;

use thiserror::Error;

use crate::world::process::{self, Cancel, Invocation, ProcessError};

#[cfg(test)]
mod tests;

/// Set where the environment does not say otherwise: no prompts of any kind, and messages in the language we search.
const DEFAULTS: [(&str, &str); 4] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_SSH_COMMAND", "ssh -oBatchMode=yes"),
    ("GCM_INTERACTIVE", "never"),
    ("LC_ALL", "C"),
];

/// What a git hook that runs us would leave behind; it would send every command to the wrong repository.
const FOREIGN: [&str; 5] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
];

#[derive(Clone, Debug)]
pub struct Git {
    env: BTreeMap<String, String>,
    cancel: Cancel,
}

#[derive(Debug, Error)]
pub enum GitError {
    #[error("git is not installed or not on $PATH")]
    Missing,
    /// `words` are git's own, `action` is what it was asked to do: `clone`, `fetch`.
    #[error("git {action}: {words}")]
    Failed { action: String, words: String },
    #[error("git {action}")]
    Process { action: String, source: ProcessError },
}

/// Receives what git says while it works.
pub type Progress<'a> = &'a mut dyn FnMut(&str);

impl Git {
    pub fn new(env: &BTreeMap<String, String>, cancel: Cancel) -> Git {
        let mut env = env.clone();
        for (name, value) in DEFAULTS {
            env.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
        // A prompt is worse than any setting that asks for one.
        env.insert("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned());
        FOREIGN.iter().for_each(|name| drop(env.remove(*name)));
        Git { env, cancel }
    }

    /// Clones into a folder that does not exist yet, submodules included.
    pub fn clone(&self, url: &str, folder: &Path, progress: Progress) -> Result<(), GitError> {
        let target = folder.to_string_lossy();
        let parent = folder.parent().unwrap_or(Path::new("/"));
        let arguments = ["clone", "--recurse-submodules", "--", url, &target];
        self.run(parent, &arguments, progress).map(drop)
    }

    /// Fetches all branches and tags, and what the remote calls its default branch.
    pub fn fetch(&self, folder: &Path, progress: Progress) -> Result<(), GitError> {
        self.run(folder, &["fetch", "--tags", "--force", "--prune", "origin"], progress)?;
        self.run(folder, &["remote", "set-head", "origin", "--auto"], &mut |_| {})
            .map(drop)
    }

    /// Moves the folder to a commit, a tag, or where a branch of the remote is as of the last fetch. Local changes that
    /// are in the way are not overwritten.
    pub fn checkout(&self, folder: &Path, revision: &str, progress: Progress) -> Result<(), GitError> {
        let commit = match self.resolve(folder, &format!("origin/{revision}"))? {
            Some(commit) => commit,
            None => revision.to_owned(),
        };
        self.run(
            folder,
            &["-c", "advice.detachedHead=false", "checkout", "--detach", &commit, "--"],
            progress,
        )?;
        self.run(folder, &["submodule", "update", "--init", "--recursive"], progress)
            .map(drop)
    }

    /// Moves the folder to the head of the remote's default branch.
    pub fn checkout_default(&self, folder: &Path, progress: Progress) -> Result<(), GitError> {
        self.checkout(folder, "HEAD", progress)
    }

    /// The commit that is checked out.
    pub fn head(&self, folder: &Path) -> Result<String, GitError> {
        self.run(folder, &["rev-parse", "HEAD"], &mut |_| {})
    }

    /// The commit that a revision stands for in the folder, if it knows the revision.
    pub fn resolve(&self, folder: &Path, revision: &str) -> Result<Option<String>, GitError> {
        let name = format!("{revision}^{{commit}}");
        match self.run(
            folder,
            &["rev-parse", "--verify", "--quiet", "--end-of-options", &name],
            &mut |_| {},
        ) {
            Ok(commit) => Ok(Some(commit)),
            Err(GitError::Failed { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Whether a name is a branch of the remote: something that moves, unlike a tag or a commit.
    pub fn is_branch(&self, folder: &Path, name: &str) -> Result<bool, GitError> {
        Ok(self.resolve(folder, &format!("refs/remotes/origin/{name}"))?.is_some())
    }

    fn run(&self, folder: &Path, arguments: &[&str], progress: Progress) -> Result<String, GitError> {
        let invocation = Invocation {
            argv: std::iter::once("git")
                .chain(arguments.iter().copied())
                .map(str::to_owned)
                .collect(),
            dir: folder.to_owned(),
            env: self.env.clone(),
            cancel: self.cancel.clone(),
            ..Invocation::default()
        };
        let secret = arguments.iter().find_map(|argument| credentials(argument));
        let hide = |line: &str| secret.map_or_else(|| line.to_owned(), |secret| line.replace(secret, ""));
        let action = arguments
            .iter()
            .find(|word| !word.starts_with('-') && !word.contains('='))
            .unwrap_or(&"");
        match process::run(&invocation, &mut |_, line| progress(&hide(line))) {
            Ok(output) => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            Err(ProcessError::NotFound { .. }) => Err(GitError::Missing),
            Err(error @ ProcessError::Exit { .. }) => Err(GitError::Failed {
                action: action.to_string(),
                words: hide(&complaint(&error)),
            }),
            Err(source) => Err(GitError::Process {
                action: action.to_string(),
                source,
            }),
        }
    }
}

/// The `user:password@` of a URL, which is nobody's business in a log.
fn credentials(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split('/').next()?;
    authority.rfind('@').map(|at| &authority[..=at])
}

/// What git complained about: its `fatal:` and `error:` lines, else the last thing that it said.
fn complaint(error: &ProcessError) -> String {
    let said = error
        .output()
        .map(|output| String::from_utf8_lossy(&output.stderr).into_owned())
        .unwrap_or_default();
    let is_complaint = |line: &&str| line.starts_with("fatal: ") || line.starts_with("error: ");
    let complaints: Vec<&str> = said.lines().filter(is_complaint).collect();
    match (
        complaints.is_empty(),
        said.lines().rfind(|line| !line.trim().is_empty()),
    ) {
        (false, _) => complaints.join("; "),
        (true, Some(last)) => last.to_owned(),
        (true, None) => error.to_string(),
    }
}
