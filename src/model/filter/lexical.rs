//! Pure. Slashes and dots of patterns. These are texts, not paths: an element may hold wildcards, and a path that is
//! not UTF-8 has been made readable before it gets here.

/// Without empty and `.` elements, and without `..` where something stands before it.
pub fn clean(text: &str) -> String {
    let rooted = text.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for element in text.split('/') {
        match element {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if rooted => {}
            other => kept.push(other),
        }
    }
    match (rooted, kept.is_empty()) {
        (true, _) => format!("/{}", kept.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => kept.join("/"),
    }
}

pub fn below(base: &str, text: &str) -> String {
    clean(&format!("{base}/{text}"))
}

/// Whether `path` is `root` or below it; both are clean.
pub fn is_within(root: &str, path: &str) -> bool {
    let rest = path.strip_prefix(root);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || root.ends_with('/'))
}
