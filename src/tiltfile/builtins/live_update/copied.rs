//! What `auto()` makes of a Dockerfile and its context.

use std::path::{Path, PathBuf};

use crate::model::live::Sync;
use crate::model::live::derive::{self, Kind};
use crate::model::path;

/// A Dockerfile, as `docker_build` was given it.
#[derive(Debug)]
pub struct Copied<'a> {
    pub dockerfile: &'a str,
    /// How messages name it.
    pub name: String,
    pub args: &'a [(String, String)],
    pub target: &'a str,
    pub context: Option<&'a Path>,
}

/// Syncs with their local paths, which are absolute.
pub struct Derived {
    pub syncs: Vec<(PathBuf, Sync)>,
    pub stops: Vec<PathBuf>,
    pub warnings: Vec<String>,
}

impl Copied<'_> {
    pub fn derive(&self) -> Derived {
        let context = self.context.unwrap_or(Path::new("/"));
        let kind = |local: &str| match path::join(context, local).metadata() {
            Ok(found) if found.is_dir() => Kind::Folder,
            Ok(_) => Kind::File,
            Err(_) => Kind::Absent,
        };
        let known: Vec<(String, String)> = self
            .args
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .cloned()
            .collect();
        let derived = match self.context {
            Some(_) => derive::derive(self.dockerfile, &known, self.target, &kind),
            None => derive::Derived::default(),
        };
        let local = |file: &String| path::join(context, file);
        Derived {
            stops: derived.stops.iter().map(local).collect(),
            syncs: derived
                .syncs
                .into_iter()
                .map(|sync| (local(&sync.local), sync))
                .collect(),
            warnings: derived
                .left_out
                .iter()
                .map(|left| format!("auto(): line {} of {}: {}", left.line, self.name, left.reason))
                .collect(),
        }
    }
}

impl Derived {
    /// The error where there is no sync.
    pub fn nothing(&self) -> String {
        match self.warnings.as_slice() {
            [] => "auto() found nothing that the Dockerfile copies from its context: write the syncs down instead"
                .to_owned(),
            warnings => format!(
                "auto() could not follow anything that the Dockerfile copies: write the syncs down instead\n  {}",
                warnings.join("\n  ")
            ),
        }
    }
}
