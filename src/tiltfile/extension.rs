//! Where `ext://NAME` leads: to an extension that the Tiltfile registered, to one that comes with this program, or to one in a
//! repository, which is fetched first.
//!
//! What is loaded is also recorded as objects: an Extension, and the ExtensionRepo that it is in.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

use crate::model::object::{Object, ObjectSet, kinds};
use crate::model::suggest;
use crate::model::tree::Tree;
use crate::tiltfile::builtins::v1alpha1::MANAGED_BY;
use crate::tiltfile::bundled;
use crate::tiltfile::host::{Environment, Level};
use crate::tiltfile::run::Run;
use crate::world::dirs::{Dirs, DirsError};
use crate::world::extensions::{self, Checkouts, ExtensionError, PullPolicy, Repo, RepoError};
use crate::world::files::FileError;
use crate::world::git::Git;
use crate::world::process::Cancel;

const DEFAULT_REPO: &str = "default";
const DEFAULT_URL: &str = "https://github.com/tilt-dev/tilt-extensions";
/// The value of `MANAGED_BY` for an extension that is only loaded: no Tiltfile object runs it.
const LOADER: &str = "tiltfile.loader";

/// Why `ext://NAME` leads nowhere.
#[derive(Debug, Error)]
pub enum LoadError {
    #[error("loading extension repo {repo}: {source}{meant}")]
    Repo {
        repo: String,
        source: Box<RepoError>,
        meant: String,
    },
    #[error("loading extension {extension}: {source}{meant}")]
    Extension {
        extension: String,
        source: ExtensionError,
        meant: String,
    },
    #[error("loading extension {extension}: {source}")]
    Bundled { extension: String, source: FileError },
    #[error("extensions need a folder to be kept in: {0}")]
    Folder(#[from] DirsError),
}

/// The Tiltfile of an extension.
pub fn resolve(run: &Run, name: &str) -> Result<PathBuf, LoadError> {
    let place = register(&mut run.declared.borrow_mut().objects, name);
    let root = Dirs::from_env(|name| run.host.variable(name))?.extension_checkouts();
    let content = if place.is_upstream() {
        bundled::contents(&place.path)
    } else {
        None
    };
    if let Some(content) = content {
        let folder = extensions::materialise(&place.path, &content, &root).map_err(|source| LoadError::Bundled {
            extension: place.extension.clone(),
            source,
        })?;
        return Ok(folder.join("Tiltfile"));
    }
    let meant = || {
        if place.is_upstream() {
            did_you_mean(&place.path)
        } else {
            String::new()
        }
    };
    let mut progress = |line: &str| run.host.log(Level::Info, line);
    let checkout = checkouts(run, root)
        .ensure(&place.repo, PullPolicy::Session, &mut progress)
        .map_err(|source| LoadError::Repo {
            repo: place.repo_name.clone(),
            source: source.into(),
            meant: meant(),
        })?;
    if let Some(reason) = &checkout.stale {
        run.warn(format!(
            "extension repo {} is not up to date: {reason}",
            place.repo_name
        ));
    }
    checkout.tiltfile(&place.path).map_err(|source| LoadError::Extension {
        extension: place.extension.clone(),
        source,
        meant: meant(),
    })
}

/// Brings a repository here, for whoever registered it as an object. Upstream's own is part of this program, so that only
/// what is not is fetched.
pub fn fetch(
    repo: &Repo,
    environment: &Environment,
    progress: &mut dyn FnMut(&str),
) -> Result<extensions::Checkout, FetchError> {
    let root = Dirs::from_env(|name| environment.get(name).cloned())?.extension_checkouts();
    if is_upstream(repo) {
        return Ok(extensions::Checkout {
            folder: root,
            commit: None,
            stale: None,
        });
    }
    let checkouts = checkouts_below(root, environment);
    Ok(checkouts.ensure(repo, PullPolicy::Session, progress)?)
}

/// The Tiltfile of an extension in a repository, which is fetched first.
pub fn find(
    repo: &Repo,
    path: &str,
    environment: &Environment,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf, FetchError> {
    let root = Dirs::from_env(|name| environment.get(name).cloned())?.extension_checkouts();
    if let Some(content) = bundled::contents(path).filter(|_| is_upstream(repo)) {
        return Ok(extensions::materialise(path, &content, &root)?.join("Tiltfile"));
    }
    let checkout = checkouts_below(root, environment).ensure(repo, PullPolicy::Session, progress)?;
    Ok(checkout.tiltfile(path)?)
}

/// Why an extension, or the repository that it is in, is not to be had.
#[derive(Debug, Error)]
pub enum FetchError {
    #[error(transparent)]
    Repo(#[from] RepoError),
    #[error(transparent)]
    Extension(#[from] ExtensionError),
    #[error(transparent)]
    Bundled(#[from] FileError),
    #[error("extensions need a folder to be kept in: {0}")]
    Folder(#[from] DirsError),
}

/// Whether upstream's own repository is meant, in whatever version: what we bundle stands in for it.
fn is_upstream(repo: &Repo) -> bool {
    let url = repo.url.trim_end_matches('/');
    url.strip_suffix(".git").unwrap_or(url) == DEFAULT_URL && repo.reference.is_empty() && repo.subpath.is_empty()
}

/// Where an extension is.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// Name of the object.
    extension: String,
    repo_name: String,
    repo: Repo,
    path: String,
}

impl Place {
    fn is_upstream(&self) -> bool {
        is_upstream(&self.repo)
    }
}

/// Finds the objects that a name stands for, and declares those that are not there.
fn register(objects: &mut ObjectSet, name: &str) -> Place {
    let extension = object_name(name);
    let plural = kinds::EXTENSION.plural;
    if objects.get(plural, &extension).is_none() {
        let (repo, path) = hosted(objects, name).unwrap_or_else(|| (DEFAULT_REPO.to_owned(), name.to_owned()));
        let mut object = Object::new(&kinds::EXTENSION, extension.as_str());
        object.spec.push("repoName", Tree::text(repo));
        object.spec.push("repoPath", Tree::text(path));
        objects.set(object);
    }
    let mut repo_name = String::new();
    let mut path = String::new();
    if let Some(object) = objects.get_mut(plural, &extension) {
        object.annotations.insert(MANAGED_BY, Tree::text(LOADER));
        repo_name = text(object, "repoName");
        path = text(object, "repoPath");
    }
    let plural = kinds::EXTENSION_REPO.plural;
    if objects.get(plural, &repo_name).is_none() {
        let mut object = Object::new(&kinds::EXTENSION_REPO, repo_name.as_str());
        object.spec.push("url", Tree::text(DEFAULT_URL));
        objects.set(object);
    }
    let repo = objects.get(plural, &repo_name).map(repo).unwrap_or_default();
    Place {
        extension,
        repo_name,
        repo,
        path,
    }
}

/// The repository whose `load_host` a name begins with, and the rest of the name; the longest such host wins.
fn hosted(objects: &ObjectSet, name: &str) -> Option<(String, String)> {
    let repos = objects
        .iter()
        .filter(|object| std::ptr::eq(object.kind, &kinds::EXTENSION_REPO));
    let matching = repos.filter_map(|repo| {
        let host = text(repo, "loadHost");
        let path = name.strip_prefix(host.trim_end_matches('/'))?.strip_prefix('/')?;
        (!host.is_empty()).then(|| (host.len(), repo.name.to_string(), path.to_owned()))
    });
    matching
        .max_by_key(|(length, _, _)| *length)
        .map(|(_, repo, path)| (repo, path))
}

fn repo(object: &Object) -> Repo {
    Repo {
        url: text(object, "url"),
        reference: text(object, "ref"),
        subpath: text(object, "gitSubpath"),
    }
}

fn text(object: &Object, field: &str) -> String {
    object
        .spec
        .get(field)
        .and_then(Tree::as_text)
        .unwrap_or_default()
        .to_owned()
}

/// A name with slashes as the name of an object, which may have none.
fn object_name(name: &str) -> String {
    name.replace(['/', '%'], "_")
}

fn did_you_mean(path: &str) -> String {
    let names: Vec<&str> = bundled::names().collect();
    match suggest::nearest(path, names.iter().copied()) {
        Some(name) => format!(" (did you mean `ext://{name}`, which comes with tilt?)"),
        None => format!(" (these come with tilt: {})", suggest::list_of(&names)),
    }
}

fn checkouts(run: &Run, root: PathBuf) -> Arc<Checkouts> {
    checkouts_below(root, &run.host.environment())
}

/// One process is one session, in which a repository is brought up to date once, however often the Tiltfile is evaluated.
fn checkouts_below(root: PathBuf, environment: &Environment) -> Arc<Checkouts> {
    // Evaluations run on threads of their own; held for the look-up only.
    static BY_FOLDER: Mutex<Option<HashMap<PathBuf, Arc<Checkouts>>>> = Mutex::new(None);
    let mut by_folder = BY_FOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    let by_folder = by_folder.get_or_insert_default();
    let made = || Arc::new(Checkouts::new(root.clone(), Git::new(environment, Cancel::default())));
    Arc::clone(by_folder.entry(root.clone()).or_insert_with(made))
}
