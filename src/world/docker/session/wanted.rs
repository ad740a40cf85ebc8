//! Which part of a folder BuildKit wants: the paths that the Dockerfile copies, and what links among them lead to.

use std::collections::{BTreeSet, HashMap};

use super::source::{Kind, Source};

/// Links that lead to links, and so on; nobody has this many.
const MOST_PATTERNS: usize = 4096;

/// The indices of the entries that are wanted, in order. Without patterns: all.
pub fn select(source: &dyn Source, patterns: &[String]) -> Vec<usize> {
    let all = || (0..source.count()).collect();
    let mut cleaned: BTreeSet<Vec<String>> = BTreeSet::new();
    for pattern in patterns {
        let parts = parts(pattern);
        if parts.is_empty() {
            return all();
        }
        cleaned.insert(parts);
    }
    if cleaned.is_empty() {
        return all();
    }
    follow_links(source, &mut cleaned);
    let wanted = |index: &usize| {
        let path: Vec<&str> = source.meta(*index).path.split('/').collect();
        cleaned.iter().any(|pattern| overlaps(pattern, &path))
    };
    (0..source.count()).filter(wanted).collect()
}

fn parts(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            // There is nothing above the folder.
            ".." => drop(parts.pop()),
            part => parts.push(part.to_owned()),
        }
    }
    parts
}

/// Whether the path lies on the way to what the pattern names, is it, or lies below it.
fn overlaps(pattern: &[String], path: &[&str]) -> bool {
    pattern.iter().zip(path).all(|(pattern, name)| is_match(pattern, name))
}

/// Adds what links lead to, wherever a pattern goes through or ends in one.
fn follow_links(source: &dyn Source, patterns: &mut BTreeSet<Vec<String>>) {
    let links: HashMap<&str, &str> = (0..source.count())
        .filter_map(|index| match source.meta(index) {
            meta if let Kind::Link { target } = meta.kind => Some((meta.path, target)),
            _ => None,
        })
        .collect();
    if links.is_empty() {
        return;
    }
    let mut open: Vec<Vec<String>> = patterns.iter().cloned().collect();
    while let Some(pattern) = open.pop()
        && patterns.len() < MOST_PATTERNS
    {
        for (path, target) in &links {
            let link = parts(path);
            let goes_through =
                link.len() <= pattern.len() && pattern.iter().zip(&link).all(|(pattern, name)| is_match(pattern, name));
            if !goes_through {
                continue;
            }
            let rest = &pattern[link.len()..];
            let from = match target.starts_with('/') {
                true => Vec::new(),
                false => link[..link.len() - 1].to_vec(),
            };
            let led = parts(&[from.join("/").as_str(), target].join("/"));
            let led: Vec<String> = led.into_iter().chain(rest.iter().cloned()).collect();
            // A link to the folder itself makes everything wanted; BuildKit asks for less, and so do we.
            if !led.is_empty() && patterns.insert(led.clone()) {
                open.push(led);
            }
        }
    }
}

/// One name against one part of a pattern: `*`, `?`, `[a-z]`, `\x`, as shells know them within a name.
fn is_match(pattern: &str, name: &str) -> bool {
    if !pattern.contains(['*', '?', '[', '\\']) {
        return pattern == name;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    matches(&pattern, &name)
}

fn matches(pattern: &[char], name: &[char]) -> bool {
    match pattern.first() {
        None => name.is_empty(),
        Some('*') => (0..=name.len()).any(|skipped| matches(&pattern[1..], &name[skipped..])),
        Some('?') => !name.is_empty() && matches(&pattern[1..], &name[1..]),
        Some('[') => match (class(&pattern[1..], name.first().copied()), name.is_empty()) {
            (Some((true, rest)), false) => matches(rest, &name[1..]),
            _ => false,
        },
        Some('\\') if pattern.len() > 1 => name.first() == Some(&pattern[1]) && matches(&pattern[2..], &name[1..]),
        Some(plain) => name.first() == Some(plain) && matches(&pattern[1..], &name[1..]),
    }
}

/// Whether a character is in the class that begins here, and what follows the class. Nothing for a class without an end.
fn class(pattern: &[char], name: Option<char>) -> Option<(bool, &[char])> {
    let name = name.unwrap_or_default();
    let (negated, mut rest) = match pattern {
        ['^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    loop {
        match rest {
            [']', after @ ..] => return Some((found != negated, after)),
            [low, '-', high, after @ ..] if *high != ']' => {
                found |= (*low..=*high).contains(&name);
                rest = after;
            }
            [one, after @ ..] => {
                found |= *one == name;
                rest = after;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::source::{Content, Meta};
    use super::*;

    /// Paths; one with ` -> ` is a link, one with `/` at its end a folder.
    struct Listed(Vec<(String, Option<String>, bool)>);

    impl Source for Listed {
        fn count(&self) -> usize {
            self.0.len()
        }

        fn meta(&self, index: usize) -> Meta<'_> {
            let (path, target, is_folder) = &self.0[index];
            let kind = match target {
                Some(target) => Kind::Link { target },
                None if *is_folder => Kind::Folder,
                None => Kind::File { size: 0, same_as: None },
            };
            Meta {
                path,
                kind,
                mode: 0o644,
                written: 0,
            }
        }

        fn open(&self, _index: usize) -> io::Result<Content> {
            Err(io::Error::from(io::ErrorKind::NotFound))
        }
    }

    fn selected(entries: &[&str], patterns: &[&str]) -> Vec<String> {
        let listed = entries.iter().map(|entry| match entry.split_once(" -> ") {
            Some((path, target)) => (path.to_owned(), Some(target.to_owned()), false),
            None => (entry.trim_end_matches('/').to_owned(), None, entry.ends_with('/')),
        });
        let source = Listed(listed.collect());
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        let found = select(&source, &patterns);
        found
            .into_iter()
            .map(|index| source.meta(index).path.to_owned())
            .collect()
    }

    const TREE: [&str; 7] = ["a/", "a/x.go", "a/y.rs", "ab", "b/", "b/c/", "b/c/z"];

    #[test]
    fn what_is_copied_comes_with_the_folders_on_the_way_and_all_below() {
        assert_eq!(selected(&TREE, &["b/c"]), ["b", "b/c", "b/c/z"]);
        assert_eq!(selected(&TREE, &["/b/c/z"]), ["b", "b/c", "b/c/z"]);
        assert_eq!(selected(&TREE, &["a", "ab"]), ["a", "a/x.go", "a/y.rs", "ab"]);
        assert_eq!(selected(&TREE, &["a/*.go"]), ["a", "a/x.go"]);
        assert_eq!(selected(&TREE, &["[^b]?", "b?"]), ["ab"]);
        assert_eq!(selected(&TREE, &["nothing"]), Vec::<String>::new());
    }

    #[test]
    fn no_pattern_or_the_folder_itself_means_all() {
        assert_eq!(selected(&TREE, &[]).len(), TREE.len());
        assert_eq!(selected(&TREE, &["b/c", "./"]).len(), TREE.len());
    }

    #[test]
    fn what_a_link_leads_to_is_wanted_too() {
        let tree = [
            "l -> real/one",
            "loop -> loop",
            "m -> l",
            "real/",
            "real/one/",
            "real/one/f",
            "real/two",
        ];
        assert_eq!(selected(&tree, &["l"]), ["l", "real", "real/one", "real/one/f"]);
        assert_eq!(selected(&tree, &["m/f"]), ["l", "m", "real", "real/one", "real/one/f"]);
        assert_eq!(selected(&tree, &["loop"]), ["loop"]);
    }
}
