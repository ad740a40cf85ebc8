//! What a tree holds, here or in a container, and how two of them differ.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tilt::model::digest::sha256_hex;
use tilt::model::filter::Filter;

use crate::support::stderr;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    File { mode: u32, size: u64, hash: String },
    Folder { mode: u32 },
    Link { target: PathBuf },
    Other,
}

pub type Tree = BTreeMap<PathBuf, Node>;

/// All below a folder that is not left out. Pipes and the like are of no interest.
pub fn local(root: &Path, filter: &Filter) -> Tree {
    let mut tree = Tree::new();
    let mut ahead = vec![root.to_owned()];
    while let Some(folder) = ahead.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let node = node(&path);
            if matches!(node, Node::Folder { .. }) && !filter.matches_entire_dir(&path) {
                ahead.push(path.clone());
            }
            if node != Node::Other && !filter.matches(&path) {
                tree.insert(path.strip_prefix(root).unwrap().to_owned(), node);
            }
        }
    }
    tree
}

fn node(path: &Path) -> Node {
    let found = fs::symlink_metadata(path).unwrap();
    let mode = found.permissions().mode() & 0o7777;
    match found.file_type() {
        kind if kind.is_dir() => Node::Folder { mode },
        kind if kind.is_symlink() => Node::Link {
            target: fs::read_link(path).unwrap(),
        },
        kind if kind.is_file() => Node::File {
            mode,
            size: found.len(),
            hash: sha256_hex(&fs::read(path).unwrap()),
        },
        _ => Node::Other,
    }
}

/// What the engine gives as the content of a folder in a container, or why there is none.
pub fn of_container(container: &str, folder: &str) -> Result<Tree, String> {
    let copy = tempfile::tempdir().unwrap();
    let script = format!("set -o pipefail; docker cp {container}:{folder} - | tar x -p --no-same-owner");
    let made = Command::new("bash")
        .args(["-c", &script])
        .current_dir(copy.path())
        .output()
        .unwrap();
    if !made.status.success() {
        return Err(stderr(&made));
    }
    let name = folder.rsplit('/').next().unwrap();
    Ok(local(&copy.path().join(name), &Filter::default()))
}

/// One line for each difference; none where they are equal.
pub fn differences(host: &Tree, container: &Tree) -> Vec<String> {
    let paths = host
        .keys()
        .chain(container.keys().filter(|path| !host.contains_key(*path)));
    let differ = paths.filter(|path| host.get(*path) != container.get(*path));
    differ
        .map(|path| format!("{path:?}: here {:?}, there {:?}", host.get(path), container.get(path)))
        .collect()
}
