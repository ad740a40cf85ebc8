//! Pure. Paths as spelled: cleaning, joining and relating them without asking a file system.
//!
//! The rules are those of the path functions that published Tiltfiles were written against: lexical, so that `..`
//! removes what precedes it even where a symbolic link would lead elsewhere.

use std::path::{Component, Path, PathBuf};

use thiserror::Error;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("can't make {} relative to {}", target.display(), base.display())]
pub struct RelativeError {
    pub base: PathBuf,
    pub target: PathBuf,
}

/// The shortest spelling of a path: no empty or `.` elements, `..` resolved where something precedes it. Empty is `.`.
pub fn clean(path: impl AsRef<Path>) -> PathBuf {
    let mut kept = PathBuf::new();
    for component in path.as_ref().components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => step_up(&mut kept),
            other => kept.push(other),
        }
    }
    if kept.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        kept
    }
}

fn step_up(path: &mut PathBuf) {
    match path.components().next_back() {
        Some(Component::Normal(_)) => {
            path.pop();
        }
        // Above the root there is the root.
        Some(Component::RootDir) => {}
        _ => path.push(".."),
    }
}

/// `path` below `base`, or `path` itself where it is absolute; cleaned either way.
pub fn join(base: impl AsRef<Path>, path: impl AsRef<Path>) -> PathBuf {
    clean(base.as_ref().join(path))
}

/// Joins texts with single slashes and cleans. Empty parts are skipped, a later absolute part is taken as if it were
/// relative; nothing but empty parts gives the empty string.
pub fn join_texts<S: AsRef<str>>(parts: &[S]) -> String {
    let present: Vec<&str> = parts
        .iter()
        .map(AsRef::as_ref)
        .filter(|part| !part.is_empty())
        .collect();
    if present.is_empty() {
        String::new()
    } else {
        text(clean(present.join("/")))
    }
}

/// Everything before the last slash, cleaned: `.` when there is none. `a/b/` is thus in `a/b`.
pub fn directory(path: &str) -> String {
    match path.rfind('/') {
        Some(slash) => text(clean(&path[..=slash])),
        None => ".".to_owned(),
    }
}

/// The last element; `.` for the empty path and `/` for one of slashes only.
pub fn base_name(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match (path.is_empty(), trimmed.is_empty()) {
        (true, _) => ".",
        (false, true) => "/",
        (false, false) => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

/// The path that leads from `base` to `target`. Fails where only the file system could tell: one of them absolute and
/// the other not, or a `..` left at the start of `base`.
pub fn relative(base: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<PathBuf, RelativeError> {
    let (from, to) = (clean(&base), clean(&target));
    let (ups, rest) = split_shared(&from, &to);
    if from.is_absolute() != to.is_absolute() || ups.contains(&Component::ParentDir) {
        return Err(RelativeError {
            base: base.as_ref().to_owned(),
            target: target.as_ref().to_owned(),
        });
    }
    Ok(clean(
        ups.iter()
            .map(|_| Component::ParentDir)
            .chain(rest)
            .collect::<PathBuf>(),
    ))
}

/// What two cleaned paths have each on its own after their common beginning.
fn split_shared<'a>(from: &'a Path, to: &'a Path) -> (Vec<Component<'a>>, Vec<Component<'a>>) {
    let elements = |path: &'a Path| {
        path.components()
            .filter(|c| *c != Component::CurDir)
            .collect::<Vec<_>>()
    };
    let (mut from, mut to) = (elements(from), elements(to));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    (from.split_off(shared), to.split_off(shared))
}

/// Whether a path is `root` or lies below it, judged by spelling alone.
pub fn is_within(root: impl AsRef<Path>, path: impl AsRef<Path>) -> bool {
    relative(root, path).is_ok_and(|way| !way.starts_with(".."))
}

fn text(path: PathBuf) -> String {
    path.into_os_string()
        .into_string()
        .expect("made from text by dropping whole elements")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(path: &str) -> String {
        text(clean(path))
    }

    #[test]
    fn cleaning_gives_the_shortest_spelling() {
        let table = [
            ("", "."),
            ("abc", "abc"),
            ("abc/", "abc"),
            ("./abc", "abc"),
            ("a//b///c", "a/b/c"),
            ("a/./b/.", "a/b"),
            ("a/b/..", "a"),
            ("a/b/../..", "."),
            ("a/../../b", "../b"),
            ("../../a", "../../a"),
            ("../a/..", ".."),
            ("/", "/"),
            ("//a", "/a"),
            ("/..", "/"),
            ("/../../a", "/a"),
            ("/a/b/../c/", "/a/c"),
            ("..a/b..", "..a/b.."),
            ("é/../ü", "ü"),
        ];
        for (given, expected) in table {
            assert_eq!(cleaned(given), expected, "clean({given:?})");
            assert_eq!(cleaned(&cleaned(given)), expected, "cleaning twice {given:?}");
        }
    }

    #[test]
    fn joining_texts_skips_empty_parts_and_cleans() {
        assert_eq!(join_texts(&["a", "b", "c"]), "a/b/c");
        assert_eq!(join_texts(&["a", "", "b"]), "a/b");
        assert_eq!(join_texts(&["", ""]), "");
        assert_eq!(join_texts(&["/a", "../b"]), "/b");
        assert_eq!(join_texts(&["a", "/b"]), "a/b");
        assert_eq!(join_texts::<&str>(&[]), "");
    }

    #[test]
    fn an_absolute_path_ignores_the_base_it_is_joined_to() {
        assert_eq!(join("/w", "a/../b"), Path::new("/w/b"));
        assert_eq!(join("/w", "/x/."), Path::new("/x"));
        assert_eq!(join("/w", ""), Path::new("/w"));
    }

    #[test]
    fn the_directory_and_the_last_element_of_a_path() {
        let table = [
            ("", ".", "."),
            ("a", ".", "a"),
            ("a/b", "a", "b"),
            ("a/b/", "a/b", "b"),
            ("/a", "/", "a"),
            ("/", "/", "/"),
            ("a/../b", ".", "b"),
        ];
        for (given, dir, base) in table {
            assert_eq!(directory(given), dir, "directory({given:?})");
            assert_eq!(base_name(given), base, "base_name({given:?})");
        }
    }

    #[test]
    fn a_relative_path_leads_from_base_to_target() {
        let table = [
            ("a/b", "a/b/c/d", "c/d"),
            ("a/b/c", "a/b", ".."),
            ("a/b", "a/c/d", "../c/d"),
            ("/a/b", "/a/b", "."),
            ("/", "/a", "a"),
            (".", "a/b", "a/b"),
            ("a", ".", ".."),
            ("../a", "../b", "../b"),
            ("/ab", "/a", "../a"),
        ];
        for (base, target, expected) in table {
            assert_eq!(
                relative(base, target).as_deref(),
                Ok(Path::new(expected)),
                "relative({base:?}, {target:?})"
            );
        }
    }

    #[test]
    fn a_relative_path_that_only_the_file_system_knows_is_refused() {
        for (base, target) in [("/a", "b"), ("a", "/b"), ("..", "a"), ("../..", "..")] {
            assert!(relative(base, target).is_err(), "relative({base:?}, {target:?})");
        }
        assert_eq!(
            relative("/a", "b").map_err(|e| e.to_string()),
            Err("can't make b relative to /a".to_owned())
        );
    }

    #[test]
    fn a_path_is_within_a_root_by_whole_elements() {
        for (root, path, within) in [
            ("/r", "/r", true),
            ("/r", "/r/a", true),
            ("/r", "/ra", false),
            ("/r", "/r/../x", false),
            ("/", "/a", true),
            (".", "a", true),
            (".", "../a", false),
            (".", "/a", false),
            ("a", "a/b", true),
        ] {
            assert_eq!(is_within(root, path), within, "is_within({root:?}, {path:?})");
        }
    }
}
