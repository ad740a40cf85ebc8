//! The kubeconfig: which context is active and what it says about its cluster.
//!
//! Reads the files that `KUBECONFIG` lists, else the one in the home folder, and merges them as the Kubernetes clients
//! do: the first file that names something wins. Having no kubeconfig is no error; having a broken one is. Never talks
//! to a cluster, never runs a credential plugin, keeps no secrets.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::model::cluster_product::{self, Hints, Product};
use crate::model::path;
use crate::model::tree::Tree;
use crate::model::yaml;
use crate::world::files::{self, FileError};

mod frozen;

pub use frozen::{Frozen, freeze};

#[cfg(test)]
mod tests;

/// The active context. A context without a cluster entry of its own keeps those fields empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    pub name: String,
    /// `default` where the context names none.
    pub namespace: String,
    pub cluster: String,
    pub user: String,
    pub server: String,
    /// The certificate authority's file; empty when the certificate is written into the kubeconfig itself.
    pub authority: String,
    /// The file that defines the context; empty if none does.
    pub origin: PathBuf,
}

#[derive(Debug, Error)]
pub enum KubeconfigError {
    #[error("error loading config file \"{}\": {source}", path.display())]
    Unreadable { path: PathBuf, source: FileError },
    #[error("error loading config file \"{}\": {reason}", path.display())]
    Broken { path: PathBuf, reason: String },
    #[error("cannot keep the kubeconfig of this session: {source}")]
    Unwritable { path: PathBuf, source: FileError },
    #[error("context \"{name}\" does not exist")]
    UnknownContext { name: String, known: Vec<String> },
}

/// Where to look and what the command line overrides.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The value of `KUBECONFIG`; files separated by colons.
    pub variable: Option<String>,
    pub home: PathBuf,
    pub context: Option<String>,
    pub namespace: Option<String>,
}

impl Context {
    pub fn product(&self, home: &Path) -> Product {
        if self.cluster.is_empty() {
            return Product::None;
        }
        cluster_product::detect(Hints {
            cluster: &self.cluster,
            authority: &self.authority,
            origin: &self.origin.to_string_lossy(),
            home: &home.to_string_lossy(),
        })
    }
}

/// The active context, or nothing where no kubeconfig names one.
pub fn active(sources: &Sources) -> Result<Option<Context>, KubeconfigError> {
    let files = load(sources)?;
    let current = files
        .iter()
        .filter_map(|file| text(&file.content, "current-context"))
        .find(|name| !name.is_empty());
    let Some(name) = sources.context.as_deref().or(current) else {
        return Ok(None);
    };
    let Some((file, entry)) = find(&files, "contexts", "context", name) else {
        return match sources.context {
            Some(_) => Err(KubeconfigError::UnknownContext {
                name: name.to_owned(),
                known: names(&files),
            }),
            None => Ok(Some(bare(name, sources))),
        };
    };
    let cluster = text(entry, "cluster").unwrap_or_default();
    let defined = find(&files, "clusters", "cluster", cluster);
    let namespace = sources.namespace.as_deref().or_else(|| text(entry, "namespace"));
    Ok(Some(Context {
        namespace: namespace
            .filter(|name| !name.is_empty())
            .unwrap_or("default")
            .to_owned(),
        cluster: cluster.to_owned(),
        user: text(entry, "user").unwrap_or_default().to_owned(),
        server: defined
            .and_then(|(_, cluster)| text(cluster, "server"))
            .unwrap_or_default()
            .to_owned(),
        authority: defined
            .map(|(file, cluster)| authority(file, cluster))
            .unwrap_or_default(),
        origin: file.path.clone(),
        name: name.to_owned(),
    }))
}

/// A context that is named as current but defined nowhere.
fn bare(name: &str, sources: &Sources) -> Context {
    let namespace = sources.namespace.clone().unwrap_or_else(|| "default".to_owned());
    Context {
        name: name.to_owned(),
        namespace,
        ..Context::default()
    }
}

struct File {
    path: PathBuf,
    content: Tree,
}

impl Sources {
    /// The files to read, the first one first. Any of them may be absent.
    pub fn files(&self) -> Vec<PathBuf> {
        let variable = self.variable.as_deref().unwrap_or_default();
        let listed = variable.split(':').filter(|path| !path.is_empty());
        let mut paths: Vec<PathBuf> = listed.map(PathBuf::from).collect();
        if paths.is_empty() {
            paths.push(self.home.join(".kube/config"));
        }
        paths
    }
}

fn load(sources: &Sources) -> Result<Vec<File>, KubeconfigError> {
    let paths = sources.files();
    paths.iter().filter_map(|path| load_file(path).transpose()).collect()
}

fn load_file(path: &Path) -> Result<Option<File>, KubeconfigError> {
    let broken = |reason: String| KubeconfigError::Broken {
        path: path.to_owned(),
        reason,
    };
    let content = match files::read_text(path) {
        Ok(content) => content,
        Err(error) if error.is_missing() => return Ok(None),
        Err(source) => {
            return Err(KubeconfigError::Unreadable {
                path: path.to_owned(),
                source,
            });
        }
    };
    let documents = yaml::parse_documents(&content).map_err(|error| broken(error.to_string()))?;
    match documents.into_iter().next().unwrap_or_default() {
        Tree::Null => Ok(None),
        content @ Tree::Map(_) => Ok(Some(File {
            path: path.to_owned(),
            content,
        })),
        other => Err(broken(format!("expected an object, found {}", other.type_name()))),
    }
}

/// The first entry of this name in a list such as `contexts`, and the file it stands in.
fn find<'a>(files: &'a [File], list: &str, field: &str, name: &str) -> Option<(&'a File, &'a Tree)> {
    files.iter().find_map(|file| {
        let entry = entries(file, list).find(|entry| text(entry, "name") == Some(name))?;
        Some((file, entry.get(field)?))
    })
}

fn entries<'a>(file: &'a File, list: &str) -> impl Iterator<Item = &'a Tree> {
    file.content
        .get(list)
        .and_then(Tree::as_list)
        .unwrap_or_default()
        .iter()
}

fn names(files: &[File]) -> Vec<String> {
    let entries = files.iter().flat_map(|file| entries(file, "contexts"));
    entries
        .filter_map(|entry| text(entry, "name"))
        .map(str::to_owned)
        .collect()
}

/// The certificate authority's path; a relative one is relative to the file that names it.
fn authority(file: &File, cluster: &Tree) -> String {
    let named = text(cluster, "certificate-authority").filter(|path| !path.is_empty());
    let folder = file.path.parent().unwrap_or(Path::new(""));
    named
        .map(|named| path::join(folder, named).to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn text<'a>(tree: &'a Tree, key: &str) -> Option<&'a str> {
    tree.get(key)?.as_text()
}
