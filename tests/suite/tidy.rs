//! The rules of the house, checked on its own files: who may use whom, who may name which crate, what pure files may not
//! do, sizes, forbidden words, and that the README's map names every folder.
//!
//! All violations are reported at once, each with its place and the rule's reason. The rules are plain data and the checks
//! run on text, so that `tests` can show that each of them is able to fail.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

mod tests;

/// From the bottom up: a module may use those before it. Services stand on one layer and never use one another.
const LAYERS: [&[&str]; 6] = [
    &["model"],
    &["world"],
    &["tiltfile", "build", "pack", "liveupdate", "deploy"],
    &["engine"],
    &["api", "ui"],
    &["cli"],
];

/// Crates that are named in these places only: a folder ends with a slash.
const CRATE_HOMES: &[(&[&str], &[&str])] = &[
    (&["starlark", "starlark_syntax"], &["tiltfile/"]),
    (
        &["bollard", "bollard_buildkit_proto", "tonic", "prost"],
        &["world/docker/"],
    ),
    (&["kube", "k8s_openapi"], &["world/cluster/"]),
    (&["tilt_agent"], &["world/agent/"]),
    (&["oci_client"], &["world/registry.rs", "world/registry/"]),
    (&["notify"], &["world/watcher/kernel.rs"]),
    (&["ignore"], &["world/walk.rs"]),
    (
        &["tar", "flate2"],
        &["world/archive.rs", "world/archive/", "world/registry/", "pack/"],
    ),
    (&["sha1", "sha2"], &["model/digest.rs"]),
    (&["axum"], &["api/", "ui/web/"]),
    (&["rcgen"], &["api/", "world/http/"]),
    (
        &["rustls", "tokio_rustls"],
        &["api/", "world/http.rs", "world/http/", "world/docker/", "cli/client/"],
    ),
    (&["rustls_native_certs"], &["world/http/"]),
    (&["clap", "clap_complete"], &["cli/", "main.rs"]),
    // The interpreter's own interfaces speak in it.
    (&["anyhow"], &["cli/", "main.rs", "tiltfile/"]),
    (&["indicatif"], &["ui/"]),
    (&["libyaml_safer"], &["model/yaml/", "model/yaml.rs"]),
    (&["lsp_server", "lsp_types"], &["cli/lsp/", "cli/lsp.rs"]),
    (&["url"], &["model/link/", "model/link.rs"]),
];

/// Crates that these places may not name, whoever else does.
const CRATE_BANS: &[(&str, &[&str])] = &[
    ("serde", &["model/", "engine/"]),
    ("serde_json", &["model/", "engine/"]),
    ("tokio", &["model/"]),
];

/// What a file that calls itself pure may not name.
const IMPURE: &[(&str, &str)] = &[
    ("async", "is async"),
    ("tokio", "names tokio"),
    ("std::fs", "reads or writes files"),
    ("std::process", "starts processes"),
    ("std::net", "uses the network"),
    ("std::env", "reads the environment"),
    ("Instant::now", "reads the clock"),
    ("SystemTime", "reads the clock"),
    ("crate::world", "uses what is outside this process"),
];

const MOST_LINES: usize = 700;

/// Somebody's home in an example is nobody's in particular.
const EXAMPLE_HOMES: [&str; 3] = ["/home/user", "/home/me", "/home/u"];

/// Split, so that this file does not hold them itself.
fn forbidden_words() -> Vec<(String, &'static str)> {
    let word = |parts: [&str; 2]| parts.concat();
    vec![
        (word(["todo", "!"]), "unfinished work belongs into an issue"),
        (word(["unimplemented", "!"]), "unfinished work belongs into an issue"),
        (word(["FIX", "ME"]), "known faults are mended or belong into an issue"),
        (word(["db", "g!"]), "output goes through the reports"),
        (
            word(["#[ig", "nore"]),
            "a test runs, or says that it skipped itself and why",
        ),
        (word(["/ro", "ot/"]), "no file knows the machine it was written on"),
        (word(["/ho", "me/"]), "no file knows the machine it was written on"),
        (word(["/wo", "rk/"]), "no file knows the machine it was written on"),
    ]
}

/// One source file, by its path from the repository's root with forward slashes.
struct Source<'a> {
    path: &'a str,
    text: &'a str,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    path: String,
    /// 0 where the file as a whole is meant.
    line: usize,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line.max(1), self.rule)
    }
}

#[test]
fn the_house_is_tidy() {
    let files = read_house();
    let sources: Vec<Source> = files.iter().map(|(path, text)| Source { path, text }).collect();
    let mut violations: Vec<Violation> = sources.iter().flat_map(check_source).collect();
    let text_of = |path: &str| files.get(path).map(String::as_str).unwrap_or_default();
    violations.extend(check_declarations(text_of("src/lib.rs")));
    violations.extend(check_map(text_of("README.md"), &folders(&files)));
    violations.sort();
    let shown: Vec<String> = violations.iter().map(Violation::to_string).collect();
    assert!(shown.is_empty(), "{} violations:\n{}", shown.len(), shown.join("\n"));
}

// ---- the rules -----------------------------------------------------------------------------------------------------

fn check_source(source: &Source) -> Vec<Violation> {
    let mut violations = check_words(source);
    if source.path.ends_with(".rs") {
        violations.extend(check_header(source));
        violations.extend(check_size(source));
    }
    if let Some(place) = source
        .path
        .strip_prefix("src/")
        .filter(|_| source.path.ends_with(".rs"))
    {
        let lines: Vec<(usize, String)> = code_lines(source.text);
        violations.extend(check_layers(source, place, &lines));
        violations.extend(check_crates(source, place, &lines));
        violations.extend(check_purity(source, &lines));
    }
    violations
}

fn check_words(source: &Source) -> Vec<Violation> {
    let words = forbidden_words();
    let mut found = Vec::new();
    for (number, line) in numbered(source.text) {
        let line = without_example_homes(line);
        for (word, reason) in words.iter().filter(|(word, _)| line.contains(word)) {
            found.push(source.violation(number, format!("`{word}`: {reason}")));
        }
    }
    found
}

/// A home is replaced where its whole name is one of the examples, not where it only starts like one.
fn without_example_homes(line: &str) -> String {
    let mut line = line.to_owned();
    for home in EXAMPLE_HOMES {
        let is_whole = |at: usize| !line[at + home.len()..].starts_with(is_name);
        let found: Vec<usize> = line
            .match_indices(home)
            .map(|(at, _)| at)
            .filter(|at| is_whole(*at))
            .collect();
        for at in found.into_iter().rev() {
            line.replace_range(at..at + home.len(), "~");
        }
    }
    line
}

fn check_header(source: &Source) -> Option<Violation> {
    let opens = source.text.starts_with("//! ");
    (!opens).then(|| source.violation(1, "a file opens with `//!` and says what lives here".to_owned()))
}

fn check_size(source: &Source) -> Option<Violation> {
    let lines = without_tests(source.text).count();
    let is_test = source.path.starts_with("tests/") || source.path.ends_with("/tests.rs");
    (lines > MOST_LINES && !is_test).then(|| {
        source.violation(
            0,
            format!("{lines} lines without tests: at most {MOST_LINES}, better under 400; split it"),
        )
    })
}

fn check_layers(source: &Source, place: &str, lines: &[(usize, String)]) -> Vec<Violation> {
    let Some(own) = layer_of(module_of(place)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (number, line) in lines {
        for used in modules_used(line) {
            let Some(layer) = layer_of(&used).filter(|_| used != module_of(place)) else {
                continue;
            };
            if layer > own {
                found.push(source.violation(
                    *number,
                    format!("`{}` may not use `{used}`, which stands above it", module_of(place)),
                ));
            } else if layer == own {
                found.push(source.violation(*number, format!("`{}` and `{used}` are neighbours: what they share is a value (model) or an outside thing (world)", module_of(place))));
            }
        }
    }
    found
}

fn check_crates(source: &Source, place: &str, lines: &[(usize, String)]) -> Vec<Violation> {
    let is_in = |homes: &[&str]| {
        homes
            .iter()
            .any(|home| place == *home || home.ends_with('/') && place.starts_with(home))
    };
    let mut found = Vec::new();
    for (number, line) in lines {
        for (crates, homes) in CRATE_HOMES.iter().filter(|(_, homes)| !is_in(homes)) {
            for name in crates
                .iter()
                .filter(|name| names_crate(line, name) && !(is_local(name, lines) && imported(line).is_none()))
            {
                found.push(source.violation(
                    *number,
                    format!("only {} may name the crate `{name}`", homes.join(", ")),
                ));
            }
        }
        for (name, places) in CRATE_BANS
            .iter()
            .filter(|(name, places)| is_in(places) && names_crate(line, name))
        {
            found.push(source.violation(
                *number,
                format!(
                    "the crate `{name}` has no business in {}: values there are ours alone",
                    places.join(", ")
                ),
            ));
        }
    }
    found
}

fn check_purity(source: &Source, lines: &[(usize, String)]) -> Vec<Violation> {
    if !source.text.starts_with("//! Pure.") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, line) in lines {
        for (word, fault) in IMPURE.iter().filter(|(word, _)| has_word(line, word)) {
            found.push(source.violation(*number, format!("`{word}`: the file calls itself pure, but {fault}")));
        }
    }
    found
}

/// The declarations in `lib.rs` are the reading order: from the bottom up, each layer's modules together.
fn check_declarations(lib: &str) -> Vec<Violation> {
    let source = Source {
        path: "src/lib.rs",
        text: lib,
    };
    let mut found = Vec::new();
    let mut highest = 0;
    for (number, line) in numbered(lib) {
        let Some(name) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) else {
            continue;
        };
        match layer_of(name) {
            None => found.push(source.violation(
                number,
                format!("`{name}` is on no layer: add it to the table in tests/suite/tidy.rs"),
            )),
            Some(layer) if layer < highest => {
                found.push(source.violation(
                    number,
                    format!("`{name}` is declared after a module that stands above it"),
                ));
            }
            Some(layer) => highest = layer,
        }
    }
    found
}

/// Every folder that a reader meets is in the README's map, as `name/`.
fn check_map(readme: &str, folders: &[String]) -> Vec<Violation> {
    let source = Source {
        path: "README.md",
        text: readme,
    };
    let named = |folder: &str| readme.contains(&format!("{}/", folder.rsplit('/').next().unwrap_or(folder)));
    let missing = folders.iter().filter(|folder| !named(folder));
    missing
        .map(|folder| source.violation(0, format!("the map does not name `{folder}/`")))
        .collect()
}

// ---- reading -------------------------------------------------------------------------------------------------------

impl Source<'_> {
    fn violation(&self, line: usize, rule: String) -> Violation {
        Violation {
            path: self.path.to_owned(),
            line,
            rule,
        }
    }
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// `tiltfile` for `tiltfile/host.rs`, `model` for `model.rs`.
fn module_of(place: &str) -> &str {
    let first = place.split('/').next().unwrap_or(place);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// A file's lines up to the tests at its end. `mod tests;` names a file of its own and ends nothing.
fn without_tests(text: &str) -> impl Iterator<Item = &str> {
    let lines: Vec<&str> = text.lines().collect();
    let opens_tests = |index: usize| {
        let next = lines.get(index + 1).copied().unwrap_or_default();
        lines[index] == "#[cfg(test)]" && next.starts_with("mod ") && next.ends_with('{')
    };
    let end = (0..lines.len())
        .find(|index| opens_tests(*index))
        .unwrap_or(lines.len());
    lines.into_iter().take(end)
}

/// Lines of code with their numbers: without tests, comments and what stands in quotes. An import is one line, however
/// many it is laid out over.
fn code_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for (index, line) in without_tests(text).enumerate() {
        let line = without_text(line);
        match lines.last_mut().filter(|_| is_open) {
            Some((_, import)) => import.push_str(line.trim()),
            None if line.trim().is_empty() => continue,
            None => lines.push((index + 1, line.clone())),
        }
        is_open = (is_open || imported(&line).is_some()) && !line.contains(';');
    }
    lines
}

/// The path of a `use`.
fn imported(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let is_public = line.starts_with("pub");
    let line = line
        .find("use ")
        .filter(|at| *at == 0 || is_public)
        .map(|at| &line[at..])?;
    line.strip_prefix("use ")
}

/// A line without its comment and with its string literals emptied. Literals over several lines are rare enough.
fn without_text(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => drop(chars.next()),
            '\'' if !quoted && chars.peek() == Some(&'"') => drop(chars.next()),
            '"' => quoted = !quoted,
            '/' if !quoted && chars.peek() == Some(&'/') => break,
            _ if quoted => {}
            _ => out.push(c),
        }
    }
    out
}

/// Modules named in `crate::X` and in `crate::{X::…, Y}` on one line.
fn modules_used(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::").filter(|(at, _)| starts_word(line, *at)) {
        let rest = &line[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(top_level_names(group)),
            None => found.push(leading_name(rest)),
        }
    }
    found
}

/// `model`, `world` of `model::{tree, port}, world::files};`
fn top_level_names(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            _ if depth == 0 => names.last_mut().into_iter().for_each(|name| name.push(c)),
            _ => {}
        }
    }
    names.iter().map(|name| leading_name(name.trim())).collect()
}

fn leading_name(text: &str) -> String {
    text.chars().take_while(|c| is_name(*c)).collect()
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn starts_word(line: &str, at: usize) -> bool {
    !line[..at].ends_with(|c: char| is_name(c) || c == ':')
}

/// Whether a file has a module of that name, declared in it or imported, so that `name::x` speaks of that one.
fn is_local(name: &str, lines: &[(usize, String)]) -> bool {
    lines.iter().any(|(_, line)| match imported(line) {
        Some(path) => leading_name(path) != name && has_word(path, name),
        None => has_word(line, &format!("mod {name}")),
    })
}

/// `name::…`, `use name;` or `use name as …`, where the name is not part of a longer path.
fn names_crate(line: &str, name: &str) -> bool {
    if let Some(path) = imported(line) {
        let path = path.strip_prefix("::").unwrap_or(path);
        return match path.strip_prefix('{') {
            Some(group) => top_level_names(group).iter().any(|first| first == name),
            None => leading_name(path) == name,
        };
    }
    line.match_indices(name)
        .any(|(at, _)| starts_word(line, at) && line[at + name.len()..].starts_with("::"))
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(is_name);
        let after = line[at + word.len()..].chars().next().is_some_and(is_name);
        !before && !after
    })
}

// ---- the house -----------------------------------------------------------------------------------------------------

/// Text files of the repository that the rules are about, by path.
fn read_house() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = BTreeMap::new();
    for entry in [
        ".ci",
        ".cargo",
        "agent",
        "benches",
        "docs",
        "extensions",
        "scripts",
        "src",
        "testdata",
        "tests",
        "web",
    ] {
        collect(root, Path::new(entry), &mut files);
    }
    for name in [
        "CONTRIBUTING.md",
        "Cargo.toml",
        "Makefile",
        "README.md",
        "build.rs",
        "clippy.toml",
    ] {
        if let Ok(text) = std::fs::read_to_string(root.join(name)) {
            files.insert(name.to_owned(), text);
        }
    }
    files
}

/// What is not text is not ours to judge.
fn collect(root: &Path, place: &Path, files: &mut BTreeMap<String, String>) {
    let path = root.join(place);
    if let Ok(entries) = path.read_dir() {
        for entry in entries.flatten() {
            collect(root, &place.join(entry.file_name()), files);
        }
    } else if let Ok(text) = std::fs::read_to_string(&path) {
        files.insert(place.to_string_lossy().replace('\\', "/"), text);
    }
}

/// Top-level folders, and those below `src/` however deep; hidden ones speak for themselves. A folder that holds nothing
/// but the tests of the file it stands beside is no place of its own.
fn folders(files: &BTreeMap<String, String>) -> Vec<String> {
    let mut folders = std::collections::BTreeSet::new();
    for path in files.keys().filter(|path| !path.ends_with("/tests.rs")) {
        let depth = if path.starts_with("src/") { usize::MAX } else { 1 };
        for (at, _) in path.match_indices('/').take(depth) {
            folders.insert(path[..at].to_owned());
        }
    }
    folders.into_iter().filter(|folder| !folder.starts_with('.')).collect()
}
