//! From a path as somebody wrote it to the place that it leads to, and the names on which that depends.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Longer chains of links are loops.
const MOST_LINKS: usize = 40;

/// Follows the links of `path`, and calls `pass` with each name on the way before it is looked at. What does not exist
/// (yet) is taken as written.
pub fn follow(path: &Path, mut pass: impl FnMut(&Path)) -> PathBuf {
    let mut ahead: VecDeque<OsString> = names(path).collect();
    let (mut at, mut links) = (PathBuf::from("/"), 0);
    while let Some(name) = ahead.pop_front() {
        if name == ".." {
            at.pop();
            continue;
        }
        let next = at.join(name);
        pass(&next);
        match std::fs::read_link(&next) {
            Ok(target) if links < MOST_LINKS => {
                links += 1;
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                names(&target).rev().for_each(|name| ahead.push_front(name));
            }
            _ => at = next,
        }
    }
    at
}

fn names(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    })
}
