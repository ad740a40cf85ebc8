//! Which files make no image and no resource out of date.

use std::path::{Path, PathBuf};

use crate::model::filter::{self, Ignore};
use crate::tiltfile::declared::images::Watch;
use crate::tiltfile::host::Host;
use crate::world::files::{self, FileError};

/// What an image leaves out, in the order in which it was said.
pub struct ImageIgnores {
    /// What its build does not see.
    pub context: Vec<Ignore>,
    /// What its file watch does not see: the same, and more.
    pub watch: Vec<Ignore>,
}

/// Works out the ignores of an image; reads ignore files, which makes them configuration.
pub fn of_image(host: &Host, watch: &Watch) -> Result<ImageIgnores, FileError> {
    let mut context: Vec<Ignore> = watch.tiltfile.iter().map(Ignore::whole).collect();
    context.extend(repositories(&watch.repositories));
    for root in roots(watch) {
        context.extend(below(root, watch));
        context.extend(ignore_file(host, root, watch.dockerfile.as_deref())?);
    }
    let mut watched = context.clone();
    watched.extend(watch.dockerfile.iter().chain(&watch.mounts).map(Ignore::whole));
    Ok(ImageIgnores {
        context,
        watch: watched,
    })
}

/// The `.git` of each of these directories that is the top of a checkout.
pub fn repositories<'a>(directories: impl IntoIterator<Item = &'a PathBuf>) -> Vec<Ignore> {
    let mut ignores: Vec<Ignore> = Vec::new();
    for directory in directories {
        let ignore = Ignore::whole(directory.join(".git"));
        if files::is_folder(&ignore.base) && !ignores.contains(&ignore) {
            ignores.push(ignore);
        }
    }
    ignores
}

/// Those that are directories, each once.
fn roots(watch: &Watch) -> Vec<&Path> {
    let mut roots: Vec<&Path> = Vec::new();
    for root in &watch.roots {
        if files::is_folder(root) && !roots.contains(&root.as_path()) {
            roots.push(root);
        }
    }
    roots
}

/// What `ignore=` and `only=` leave out below a directory.
fn below(root: &Path, watch: &Watch) -> Vec<Ignore> {
    let mut ignores = Vec::new();
    if !watch.ignore.is_empty() {
        ignores.push(Ignore::patterns(root, watch.ignore.iter().cloned()));
    }
    if !watch.only.is_empty() {
        let all_but = watch.only.iter().map(|only| format!("!{only}"));
        ignores.push(Ignore::patterns(root, ["**".to_owned()].into_iter().chain(all_but)));
    }
    ignores
}

/// What the ignore file of a directory, or the one of the Dockerfile in its stead, leaves out.
fn ignore_file(host: &Host, root: &Path, dockerfile: Option<&Path>) -> Result<Option<Ignore>, FileError> {
    let of_dockerfile = dockerfile.map(|dockerfile| {
        let mut name = dockerfile.as_os_str().to_owned();
        name.push(".dockerignore");
        PathBuf::from(name)
    });
    let file = match of_dockerfile.filter(|file| files::exists(file)) {
        Some(file) => file,
        None => root.join(".dockerignore"),
    };
    let bytes = match host.read(&file) {
        Ok(bytes) => bytes,
        Err(error) if error.is_missing() => return Ok(None),
        Err(error) => return Err(error),
    };
    let patterns = filter::read_patterns(&String::from_utf8_lossy(&bytes));
    // No pattern at all would mean everything.
    Ok((!patterns.is_empty()).then(|| Ignore::patterns(root, patterns)))
}
