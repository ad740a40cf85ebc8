//! Extensions on disk: checkouts of extension repositories, and the bundled extensions unpacked.
//!
//! A checkout is shared by every instance on the machine, so it changes only under its lock and appears all at once. A
//! repository without a ref lives at `<root>/<host>/<path>`; one that is pinned lives beside it at `<path>@<ref>`, or
//! two projects with different pins would move each other's files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

use crate::model::digest::Hasher;
use crate::model::path;
use crate::world::files::{self, FileError};
use crate::world::git::{Git, GitError, Progress};
use crate::world::lock::Lock;

#[cfg(test)]
mod tests;

/// Extensions find the folder of all checkouts by this name, so nothing inside may carry it.
const RESERVED: &str = "tilt_modules";

/// Where an extension repository comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repo {
    /// `https://…`, `http://…`, or `file:///…` for a folder that is used in place.
    pub url: String,
    /// A commit, tag or branch; empty means the newest of the default branch.
    pub reference: String,
    /// A folder in the repository that holds all of its extensions; empty means its root.
    pub subpath: String,
}

/// Whether a checkout that is there already should be brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullPolicy {
    /// Once a session; a commit or a tag that is already there never.
    Session,
    /// Only what is missing is fetched.
    Missing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// Where the repository's extensions are.
    pub folder: PathBuf,
    /// The commit that is checked out; nothing for a folder that is used in place.
    pub commit: Option<String>,
    /// Why this is not the newest, if bringing it up to date failed.
    pub stale: Option<String>,
}

#[derive(Debug, Error)]
pub enum RepoError {
    #[error("URLs must start with http(s):// or file://: {url}")]
    Scheme { url: String },
    #[error("invalid: URL names no repository: {url}")]
    NoRepository { url: String },
    #[error("file paths must be absolute. Url: {url}")]
    RelativeFile { url: String },
    #[error("spec.ref not supported on file:// repos")]
    PinnedFile,
    #[error("cannot use git_subpath for file:// URL extension repositories")]
    FileSubpath,
    #[error("loading: stat {}: {}", .0.path.display(), .0.reason)]
    Absent(FileError),
    #[error("loading: not a directory")]
    NotAFolder,
    #[error("invalid git_subpath: {subpath}")]
    Subpath { subpath: String },
    #[error("download error: {0}")]
    Download(#[source] GitError),
    #[error("sync to ref {reference}: {source}")]
    Reference { reference: String, source: GitError },
    #[error("determining head: {0}")]
    Head(#[source] GitError),
    #[error("preparing the checkout: {0}")]
    Disk(#[from] FileError),
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ExtensionError {
    #[error("invalid repo path: {path}")]
    Path { path: String },
    #[error("no extension tiltfile found at {}", tiltfile.display())]
    NoTiltfile { tiltfile: PathBuf },
}

impl Checkout {
    /// The Tiltfile of the extension at `repo_path`, which may not lead out of the repository.
    pub fn tiltfile(&self, repo_path: &str) -> Result<PathBuf, ExtensionError> {
        let tiltfile = path::clean(self.folder.join(repo_path.trim_start_matches('/')).join("Tiltfile"));
        let reserved = repo_path.split('/').any(|element| element == RESERVED);
        if reserved || !path::is_within(&self.folder, &tiltfile) {
            return Err(ExtensionError::Path {
                path: repo_path.to_owned(),
            });
        }
        match files::is_regular(&tiltfile) {
            true => Ok(tiltfile),
            false => Err(ExtensionError::NoTiltfile { tiltfile }),
        }
    }
}

/// The checkouts below one folder, and which of them are fresh as of this session.
#[derive(Debug)]
pub struct Checkouts {
    root: PathBuf,
    git: Git,
    // Shared by the threads that load Tiltfiles; held for a look-up only, never while git runs.
    fresh: Mutex<BTreeSet<PathBuf>>,
}

impl Checkouts {
    /// `root` is the folder named `tilt_modules`.
    pub fn new(root: PathBuf, git: Git) -> Checkouts {
        Checkouts {
            root,
            git,
            fresh: Mutex::default(),
        }
    }

    /// Makes a repository available. An existing checkout that cannot be brought up to date is still good to use; the
    /// answer then says why it is stale. Failures to clone are for the caller to retry.
    pub fn ensure(&self, repo: &Repo, pull: PullPolicy, progress: Progress) -> Result<Checkout, RepoError> {
        if let Some(folder) = repo.url.strip_prefix("file://") {
            return in_place(repo, folder);
        }
        let folder = self.folder(repo)?;
        let lock_file = beside(&folder, ".lock");
        let _lock = Lock::wait(&lock_file, || {
            progress(&format!(
                "waiting for another instance to release {}",
                lock_file.display()
            ))
        })?;
        let stale = match folder.join(".git").exists() {
            true => self.refresh(repo, &folder, pull, progress)?,
            false => self.download(repo, &folder, progress).map(|()| None)?,
        };
        if stale.is_none() && pull == PullPolicy::Session {
            self.fresh().insert(folder.clone());
        }
        let commit = Some(self.git.head(&folder).map_err(RepoError::Head)?);
        Ok(Checkout {
            folder: below(&folder, &repo.subpath)?,
            commit,
            stale,
        })
    }

    /// Forgets that a repository was brought up to date, so that the next `ensure` does it again.
    pub fn expire(&self, repo: &Repo) -> Result<(), RepoError> {
        let folder = self.folder(repo)?;
        self.fresh().remove(&folder);
        Ok(())
    }

    /// Where the checkout of a repository is or would be.
    pub fn folder(&self, repo: &Repo) -> Result<PathBuf, RepoError> {
        let url = &repo.url;
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let rest = rest.ok_or_else(|| RepoError::Scheme { url: url.clone() })?;
        let rest = rest.split(['?', '#']).next().unwrap_or(rest).trim_matches('/');
        let (authority, place) = rest.split_once('/').unwrap_or((rest, ""));
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let unsafe_element = |element: &str| element.is_empty() || element.starts_with('.') || element == RESERVED;
        if host.is_empty() || host.starts_with('.') || place.split('/').any(unsafe_element) {
            return Err(RepoError::NoRepository { url: url.clone() });
        }
        let folder = self.root.join(host).join(place);
        Ok(match repo.reference.as_str() {
            "" => folder,
            // A ref may have slashes; as one file name it must not.
            reference => beside(&folder, &format!("@{}", reference.replace(['/', '%'], "%"))),
        })
    }

    fn fresh(&self) -> std::sync::MutexGuard<'_, BTreeSet<PathBuf>> {
        // A set of paths is whole between any two statements, so a panic elsewhere cannot have broken it.
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Clones beside the final place and renames: a reader sees no checkout or a whole one, and a crash leaves nothing
    /// that could be mistaken for one.
    fn download(&self, repo: &Repo, folder: &Path, progress: Progress) -> Result<(), RepoError> {
        let fresh = beside(folder, ".cloning");
        remove(&fresh)?;
        self.git
            .clone(&repo.url, &fresh, progress)
            .map_err(RepoError::Download)?;
        if !repo.reference.is_empty() {
            self.sync(&fresh, &repo.reference, progress)?;
        }
        remove(folder)?;
        fs::rename(&fresh, folder).map_err(|source| FileError::new("rename", folder, source))?;
        Ok(())
    }

    /// Brings an existing checkout up to date where that is wanted; says why it is stale where it failed.
    fn refresh(
        &self,
        repo: &Repo,
        folder: &Path,
        pull: PullPolicy,
        progress: Progress,
    ) -> Result<Option<String>, RepoError> {
        if pull == PullPolicy::Missing || self.fresh().contains(folder) || self.is_fixed(repo, folder)? {
            return Ok(None);
        }
        let pulled = self
            .git
            .fetch(folder, progress)
            .and_then(|()| match repo.reference.as_str() {
                "" => self.git.checkout_default(folder, progress),
                reference => self.git.checkout(folder, reference, progress),
            });
        Ok(pulled.err().map(|error| error.to_string()))
    }

    /// Whether the checkout is at what its ref names for good: fetching could not change it.
    fn is_fixed(&self, repo: &Repo, folder: &Path) -> Result<bool, RepoError> {
        let reference = repo.reference.as_str();
        let failed = |source| RepoError::Reference {
            reference: reference.to_owned(),
            source,
        };
        if reference.is_empty() || self.git.is_branch(folder, reference).map_err(failed)? {
            return Ok(false);
        }
        let wanted = self.git.resolve(folder, reference).map_err(failed)?;
        let head = self.git.head(folder).map_err(RepoError::Head)?;
        Ok(wanted.is_some_and(|wanted| wanted == head))
    }

    fn sync(&self, folder: &Path, reference: &str, progress: Progress) -> Result<(), RepoError> {
        let synced = self.git.checkout(folder, reference, progress);
        synced.map_err(|source| RepoError::Reference {
            reference: reference.to_owned(),
            source,
        })
    }
}

fn in_place(repo: &Repo, folder: &str) -> Result<Checkout, RepoError> {
    if !repo.reference.is_empty() {
        return Err(RepoError::PinnedFile);
    }
    if !repo.subpath.is_empty() {
        return Err(RepoError::FileSubpath);
    }
    let folder = PathBuf::from(folder);
    if !folder.is_absolute() {
        return Err(RepoError::RelativeFile { url: repo.url.clone() });
    }
    let absent = |source| RepoError::Absent(FileError::new("stat", &folder, source));
    match folder.metadata().map_err(absent)?.is_dir() {
        true => Ok(Checkout {
            folder: path::clean(&folder),
            commit: None,
            stale: None,
        }),
        false => Err(RepoError::NotAFolder),
    }
}

fn below(folder: &Path, subpath: &str) -> Result<PathBuf, RepoError> {
    let inner = path::clean(folder.join(subpath.trim_start_matches('/')));
    match path::is_within(folder, &inner) && files::is_folder(&inner) {
        true => Ok(inner),
        false => Err(RepoError::Subpath {
            subpath: subpath.to_owned(),
        }),
    }
}

/// The same path with something appended to its last element.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(folder: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FileError::new("remove", folder, error)),
        _ => Ok(()),
    }
}

/// Unpacks a bundled extension below `root` and answers with its folder, whose last element is its name. The folder is
/// named by its content, so versions of this program do not disturb each other, and it appears all at once.
pub fn materialise<N, C>(name: &str, content: &[(N, C)], root: &Path) -> Result<PathBuf, FileError>
where
    N: AsRef<str>,
    C: AsRef<[u8]>,
{
    let mut hasher = Hasher::new();
    for (file, bytes) in content {
        hasher.update_field(file.as_ref().as_bytes());
        hasher.update_field(bytes.as_ref());
    }
    let home = root.join("bundled").join(&hasher.finish()[..16]);
    let folder = home.join(name);
    if is_unpacked(&folder, content) {
        return Ok(folder);
    }
    let _lock = Lock::wait(&home.join(".lock"), || ())?;
    if !is_unpacked(&folder, content) {
        let fresh = beside(&folder, ".unpacking");
        remove(&fresh)?;
        content
            .iter()
            .try_for_each(|(file, bytes)| write(&fresh.join(file.as_ref()), bytes.as_ref()))?;
        remove(&folder)?;
        fs::rename(&fresh, &folder).map_err(|source| FileError::new("rename", &folder, source))?;
    }
    Ok(folder)
}

fn is_unpacked<N: AsRef<str>, C: AsRef<[u8]>>(folder: &Path, content: &[(N, C)]) -> bool {
    content
        .iter()
        .all(|(file, bytes)| fs::read(folder.join(file.as_ref())).is_ok_and(|found| found == bytes.as_ref()))
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), FileError> {
    use std::os::unix::fs::PermissionsExt;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(|source| FileError::new("mkdir", folder, source))?;
    }
    fs::write(file, bytes).map_err(|source| FileError::new("write", file, source))?;
    let is_program = bytes.starts_with(b"#!") || bytes.starts_with(b"\x7fELF");
    let mode = if is_program { 0o755 } else { 0o644 };
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).map_err(|source| FileError::new("chmod", file, source))
}
