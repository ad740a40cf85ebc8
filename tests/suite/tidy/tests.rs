//! Each rule of `tidy` on a file that keeps it and on one that breaks it.

use super::*;

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
    let laid_out = "//! Ports.\nuse crate::{\n    model::tree,\n    tiltfile::host,\n};\nfn f() {}\n";
    let said = judged("src/model/port.rs", laid_out);
    assert_eq!(said, ["2: `model` may not use `tiltfile`, which stands above it"]);
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
        (
            "src/world/files.rs",
            "use crate::model::{\n    kube::Object,\n    url::Url,\n};",
            None,
        ),
        ("src/world/files.rs", "pub(crate) use crate::model::kube::Object;", None),
        (
            "src/world/files.rs",
            "use {std::fmt, kube::Client};",
            Some("only world/cluster/ may name the crate `kube`"),
        ),
        ("src/model/filter.rs", "use globset::Glob;", None),
        ("src/cli/lsp.rs", "use lsp_types as lsp;", None),
        (
            "src/cli/args.rs",
            "use lsp_types as lsp;",
            Some("only cli/lsp/, cli/lsp.rs may name the crate `lsp_types`"),
        ),
        ("src/main.rs", "fn main() -> anyhow::Result<()> {}", None),
        ("src/world/compose.rs", "fn f(v: &serde_json::Value) {}", None),
        (
            "src/model/tree.rs",
            "fn f(v: &serde_json::Value) {}",
            Some("the crate `serde_json` has no business in model/, engine/: values there are ours alone"),
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
        let pure = judged("src/engine/reduce.rs", &format!("//! Pure. Steps.\n{line}\n"));
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
    assert_eq!(said, ["1: a file opens with `//!` and says what lives here"]);
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
    let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", long(600), "x();\n".repeat(300));
    assert_eq!(judged("src/world/a.rs", &tested), [""; 0]);
    let split = format!("//! Long.\n#[cfg(test)]\nmod tests;\n{}", "x();\n".repeat(700));
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
        rules("//! Tilt.\npub mod model;\npub mod world;\npub mod deploy;\npub mod build;\npub mod cli;\n"),
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
    let files = paths.iter().map(|path| ((*path).to_owned(), String::new())).collect();
    let folders = folders(&files);
    assert_eq!(folders, ["docs", "src", "src/model", "src/model/compose"]);
    let said: Vec<String> = check_map("src/ model/ docs/", &folders)
        .iter()
        .map(Violation::to_string)
        .collect();
    assert_eq!(said, ["README.md:1: the map does not name `src/model/compose/`"]);
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
