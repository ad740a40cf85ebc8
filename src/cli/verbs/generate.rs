//! Pure. Objects from words: what `tilt create cmd|filewatch|repo|ext` makes.

use std::path::Path;

use super::args::{CreateCmd, CreateExt, CreateFileWatch, CreateRepo};
use super::source::object;
use crate::model::object::kinds;
use crate::model::path;
use crate::model::tree::{Map, Tree};

fn texts<S: AsRef<str>>(items: &[S]) -> Tree {
    Tree::List(items.iter().map(|item| Tree::text(item.as_ref())).collect())
}

fn absolute(here: &Path, relative: &str) -> String {
    path::join(here, relative).display().to_string()
}

pub fn cmd(args: &CreateCmd, here: &Path) -> Tree {
    let mut spec = Map::new();
    spec.push("args", texts(&args.command));
    spec.push(
        "dir",
        Tree::text(absolute(here, args.workdir.as_deref().unwrap_or("."))),
    );
    if !args.env.is_empty() {
        spec.push("env", texts(&args.env));
    }
    if !args.filewatch.is_empty() {
        let restart: Map = [("fileWatches".into(), texts(&args.filewatch))].into_iter().collect();
        spec.push("restartOn", Tree::Map(restart));
    }
    object(&kinds::CMD, &args.name, spec)
}

pub fn file_watch(args: &CreateFileWatch, here: &Path) -> Tree {
    let paths: Vec<String> = args.paths.iter().map(|path| absolute(here, path)).collect();
    let mut spec = Map::new();
    spec.push("watchedPaths", texts(&paths));
    if !args.ignore.is_empty() {
        let ignore = [
            ("basePath".into(), Tree::text(here.display().to_string())),
            ("patterns".into(), texts(&args.ignore)),
        ];
        spec.push("ignores", Tree::List(vec![Tree::Map(ignore.into_iter().collect())]));
    }
    object(&kinds::FILE_WATCH, &args.name, spec)
}

pub fn repo(args: &CreateRepo) -> Tree {
    let mut spec = Map::new();
    spec.push("url", Tree::text(args.url.as_str()));
    if !args.reference.is_empty() {
        spec.push("ref", Tree::text(args.reference.as_str()));
    }
    object(&kinds::EXTENSION_REPO, &args.name, spec)
}

/// `REPO/PATH` says in one word which repository and which folder; a name cannot have a slash, so it gets underscores.
pub fn ext(args: &CreateExt) -> Tree {
    let halves = args.name.split_once('/').filter(|_| args.repo.is_none());
    let (repo, folder) = halves.unwrap_or((args.repo.as_deref().unwrap_or("default"), &args.name));
    let mut spec = Map::new();
    spec.push("repoName", Tree::text(repo));
    spec.push("repoPath", Tree::text(args.path.as_deref().unwrap_or(folder)));
    if !args.args.is_empty() {
        spec.push("args", texts(&args.args));
    }
    object(&kinds::EXTENSION, &args.name.replace(['/', '%'], "_"), spec)
}
