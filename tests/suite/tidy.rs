//! The rules of the house, checked on its own files: who may use whom, who may name which crate, what pure files may not
//! do, sizes, forbidden words, and that the README's map names every folder.
//!
//! All violations are reported at once, each with its place and the rule's reason. The rules are plain data and the checks
//! run on text, so that the second half of this file can show that each of them is able to fail.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

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
    (&["bollard", "tonic"], &["world/docker/"]),
    (&["kube", "k8s_openapi"], &["world/cluster/"]),
    (&["oci_client"], &["world/registry.rs"]),
    (&["notify"], &["world/watcher.rs"]),
    (&["ignore"], &["world/walk.rs"]),
    (&["tar", "flate2"], &["world/archive.rs", "pack/"]),
    (&["sha1", "sha2"], &["model/digest.rs"]),
    (&["axum"], &["api/", "ui/web/"]),
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
        (
            word(["unimplemented", "!"]),
            "unfinished work belongs into an issue",
        ),
        (
            word(["FIX", "ME"]),
            "known faults are mended or belong into an issue",
        ),
        (word(["db", "g!"]), "output goes through the reports"),
        (
            word(["#[ig", "nore"]),
            "a test runs, or says that it skipped itself and why",
        ),
        (
            word(["/ro", "ot/"]),
            "no file knows the machine it was written on",
        ),
        (
            word(["/ho", "me/"]),
            "no file knows the machine it was written on",
        ),
        (
            word(["/wo", "rk/"]),
            "no file knows the machine it was written on",
        ),
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
    let sources: Vec<Source> = files
        .iter()
        .map(|(path, text)| Source { path, text })
        .collect();
    let mut violations: Vec<Violation> = sources.iter().flat_map(check_source).collect();
    let text_of = |path: &str| files.get(path).map(String::as_str).unwrap_or_default();
    violations.extend(check_declarations(text_of("src/lib.rs")));
    violations.extend(check_map(text_of("README.md"), &folders(&files)));
    violations.sort();
    let shown: Vec<String> = violations.iter().map(Violation::to_string).collect();
    assert!(
        shown.is_empty(),
        "{} violations:\n{}",
        shown.len(),
        shown.join("\n")
    );
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

/// `/home/user/x` loses its home; `/home/username/x` keeps it.
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
    (!opens).then(|| {
        source.violation(
            1,
            "a file opens with `//!` and says what lives here".to_owned(),
        )
    })
}

fn check_size(source: &Source) -> Option<Violation> {
    let lines = without_tests(source.text).count();
    let is_test = source.path.starts_with("tests/") || source.path.ends_with("/tests.rs");
    (lines > MOST_LINES && !is_test).then(|| {
        source.violation(
            0,
            format!(
                "{lines} lines without tests: at most {MOST_LINES}, better under 400; split it"
            ),
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
                    format!(
                        "`{}` may not use `{used}`, which stands above it",
                        module_of(place)
                    ),
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
            for name in crates.iter().filter(|name| names_crate(line, name)) {
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
            found.push(source.violation(
                *number,
                format!("`{word}`: the file calls itself pure, but {fault}"),
            ));
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
        let Some(name) = line
            .strip_prefix("pub mod ")
            .and_then(|rest| rest.strip_suffix(';'))
        else {
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
    let named = |folder: &str| {
        readme.contains(&format!("{}/", folder.rsplit('/').next().unwrap_or(folder)))
    };
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
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
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

/// Lines of code with their numbers: without tests, comments and what stands in quotes.
fn code_lines(text: &str) -> Vec<(usize, String)> {
    let code = without_tests(text).enumerate();
    code.map(|(index, line)| (index + 1, without_text(line)))
        .filter(|(_, line)| !line.trim().is_empty())
        .collect()
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
    for (at, _) in line
        .match_indices("crate::")
        .filter(|(at, _)| starts_word(line, *at))
    {
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

/// `name::…`, `use name;` or `use name as …`, where the name is not part of a longer path.
fn names_crate(line: &str, name: &str) -> bool {
    let imported = line
        .trim_start()
        .strip_prefix("pub ")
        .unwrap_or(line.trim_start())
        .strip_prefix("use ");
    let whole = imported.is_some_and(|path| leading_name(path) == name);
    let in_path = line.match_indices(name).any(|(at, _)| {
        let start = starts_word(line, at)
            || line[..at].ends_with(['<', '&', '(', ' '])
            || line[..at].ends_with(" ::");
        start && line[at + name.len()..].starts_with("::")
    });
    whole || in_path
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
        let depth = if path.starts_with("src/") {
            usize::MAX
        } else {
            1
        };
        for (at, _) in path.match_indices('/').take(depth) {
            folders.insert(path[..at].to_owned());
        }
    }
    folders
        .into_iter()
        .filter(|folder| !folder.starts_with('.'))
        .collect()
}

// ---- the rules can fail --------------------------------------------------------------------------------------------

/// What the rules say about one file, as `line: rule`.
fn judged(path: &str, text: &str) -> Vec<String> {
    let violations = check_source(&Source { path, text });
    violations
        .iter()
        .map(|violation| format!("{}: {}", violation.line, violation.rule))
        .collect()
}

#[test]
fn a_sound_file_passes() {
    let text = "//! Pure. Ports.\n\nuse crate::model::tree::Tree;\n\n// crate::world is named here only in words\nfn f() -> &'static str {\n    \"crate::world std::fs tokio::spawn\"\n}\n";
    assert_eq!(judged("src/model/port.rs", text), [""; 0]);
}

#[test]
fn using_a_higher_layer_is_a_violation() {
    let text = "//! Ports.\nuse crate::world::files;\nuse crate::{model::tree, tiltfile::{host, stack}};\n";
    assert_eq!(
        judged("src/model/port.rs", text),
        [
            "2: `model` may not use `world`, which stands above it",
            "3: `model` may not use `tiltfile`, which stands above it",
        ]
    );
}

#[test]
fn services_using_one_another_is_a_violation() {
    let said = judged(
        "src/build/tag.rs",
        "//! Tags.\nfn f() { crate::deploy::apply::now() }\n",
    );
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("2: `build` and `deploy` are neighbours"),
        "{said:?}"
    );
    assert_eq!(
        judged(
            "src/build/tag.rs",
            "//! Tags.\nuse crate::build::error;\nuse crate::world::files;\n"
        ),
        [""; 0]
    );
}

#[test]
fn a_crate_outside_its_home_is_a_violation() {
    let table = [
        ("src/model/digest.rs", "use sha2::Sha256;", None),
        (
            "src/model/image.rs",
            "use sha2::{Digest, Sha256};",
            Some("only model/digest.rs may name the crate `sha2`"),
        ),
        ("src/tiltfile/host.rs", "use starlark::values::Value;", None),
        (
            "src/world/files.rs",
            "fn f(v: starlark::values::Value) {}",
            Some("only tiltfile/ may name the crate `starlark`"),
        ),
        ("src/world/files.rs", "use crate::model::url::x;", None),
        ("src/model/filter.rs", "use globset::Glob;", None),
        ("src/cli/lsp.rs", "use lsp_types as lsp;", None),
        (
            "src/cli/args.rs",
            "use lsp_types as lsp;",
            Some("only cli/lsp/, cli/lsp.rs may name the crate `lsp_types`"),
        ),
        ("src/main.rs", "fn main() -> anyhow::Result<()> {}", None),
        (
            "src/world/compose.rs",
            "fn f(v: &serde_json::Value) {}",
            None,
        ),
        (
            "src/model/tree.rs",
            "fn f(v: &serde_json::Value) {}",
            Some(
                "the crate `serde_json` has no business in model/, engine/: values there are ours alone",
            ),
        ),
    ];
    for (path, line, expected) in table {
        let said = judged(path, &format!("//! A file.\n{line}\n"));
        let expected: Vec<String> = expected.iter().map(|rule| format!("2: {rule}")).collect();
        assert_eq!(said, expected, "{path}: {line}");
    }
}

#[test]
fn impurity_in_a_pure_file_is_a_violation() {
    for line in [
        "async fn f() {}",
        "use tokio::sync::mpsc;",
        "use std::fs;",
        "use std::process::Command;",
        "use std::net::TcpStream;",
        "let v = std::env::var(name);",
        "let t = Instant::now();",
        "use std::time::SystemTime;",
        "use crate::world::files;",
    ] {
        let pure = judged(
            "src/engine/reduce.rs",
            &format!("//! Pure. Steps.\n{line}\n"),
        );
        assert_eq!(pure.len(), 1, "{line}: {pure:?}");
        assert_eq!(
            judged("src/engine/perform.rs", &format!("//! Doing.\n{line}\n")),
            [""; 0],
            "{line}"
        );
    }
    let words = "//! Pure. Steps.\nlet asynchronous = std::fs_like::x();\n";
    assert_eq!(judged("src/engine/reduce.rs", words), [""; 0]);
}

#[test]
fn a_file_without_a_header_is_a_violation() {
    let said = judged("benches/evaluate.rs", "use std::fmt;\n");
    assert_eq!(
        said,
        ["1: a file opens with `//!` and says what lives here"]
    );
}

#[test]
fn only_lines_before_the_tests_count_for_size() {
    let long = |lines: usize| format!("//! Long.\n{}", "x();\n".repeat(lines - 1));
    assert_eq!(judged("src/world/a.rs", &long(700)), [""; 0]);
    let said = judged("src/world/a.rs", &long(701));
    assert_eq!(
        said,
        ["0: 701 lines without tests: at most 700, better under 400; split it"]
    );
    let tested = format!(
        "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
        long(600),
        "x();\n".repeat(300)
    );
    assert_eq!(judged("src/world/a.rs", &tested), [""; 0]);
    let split = format!(
        "//! Long.\n#[cfg(test)]\nmod tests;\n{}",
        "x();\n".repeat(700)
    );
    assert_eq!(judged("src/world/a.rs", &split).len(), 1);
}

#[test]
fn what_tests_use_is_their_own_affair() {
    let text = "//! Pure. Ports.\n#[cfg(test)]\nmod tests {\n    use std::fs;\n    use crate::world::files;\n}\n";
    assert_eq!(judged("src/model/port.rs", text), [""; 0]);
}

#[test]
fn forbidden_words_are_found_everywhere() {
    for (word, reason) in forbidden_words() {
        for path in ["src/model/a.rs", "scripts/setup", "testdata/a/Tiltfile"] {
            let said = judged(path, &format!("//! A file.\n    // {word}\n"));
            assert_eq!(said, [format!("2: `{word}`: {reason}")]);
        }
    }
}

#[test]
fn homes_of_examples_are_no_machine() {
    let text = "//! A file.\nlet example = \"/home/user/shop and /home/me\";\n";
    assert_eq!(judged("src/model/a.rs", text), [""; 0]);
    let text = text.replace("/me", "/melanie");
    assert_eq!(judged("src/model/a.rs", &text).len(), 1);
}

#[test]
fn modules_declared_out_of_order_are_a_violation() {
    let rules = |lib: &str| {
        check_declarations(lib)
            .iter()
            .map(Violation::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        rules(
            "//! Tilt.\npub mod model;\npub mod world;\npub mod deploy;\npub mod build;\npub mod cli;\n"
        ),
        [""; 0]
    );
    assert_eq!(
        rules("pub mod world;\npub mod model;\npub mod manager;\n"),
        [
            "src/lib.rs:2: `model` is declared after a module that stands above it",
            "src/lib.rs:3: `manager` is on no layer: add it to the table in tests/suite/tidy.rs",
        ]
    );
}

#[test]
fn a_folder_missing_from_the_map_is_a_violation() {
    let paths = [
        "src/model/tree.rs",
        "src/model/compose/text.rs",
        "src/model/link/tests.rs",
        "docs/a.md",
        "docs/b/c.md",
        ".ci/run",
    ];
    let files = paths
        .iter()
        .map(|path| ((*path).to_owned(), String::new()))
        .collect();
    let folders = folders(&files);
    assert_eq!(folders, ["docs", "src", "src/model", "src/model/compose"]);
    let said: Vec<String> = check_map("src/ model/ docs/", &folders)
        .iter()
        .map(Violation::to_string)
        .collect();
    assert_eq!(
        said,
        ["README.md:1: the map does not name `src/model/compose/`"]
    );
    assert!(check_map("src/ model/ compose/ docs/", &folders).is_empty());
}

#[test]
fn a_violation_names_its_place() {
    let violation = Source {
        path: "src/a.rs",
        text: "",
    }
    .violation(7, "no".to_owned());
    assert_eq!(violation.to_string(), "src/a.rs:7: no");
}
