//! Made-up documents, patterns, references and all the small texts that have a grammar.

use std::path::Path;

use proptest::prelude::*;
use tilt::model::filter::{self, Ignore, Matcher};
use tilt::model::image::Reference;
use tilt::model::kube::jsonpath::JsonPath;
use tilt::model::yaml::{self, json};
use tilt::model::{compose, dockerfile, duration, kube, kustomization, label, link, pack, path, port, shell, version};

use super::{changed, fuzz, soup};

const YAML: &[&str] = &[
    "a",
    "b",
    ": ",
    "\n",
    "\n  ",
    "\n    ",
    "- ",
    "? ",
    "&a ",
    "*a",
    "*b ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "|",
    "|+\n  ",
    ">-\n  ",
    "'",
    "\"",
    "#",
    " # ",
    "!",
    "!!str ",
    "!!binary ",
    "!!int ",
    "!<",
    "%",
    "%YAML 1.1",
    "%TAG ! a",
    "%C3%A9",
    "---\n",
    "...\n",
    "<<: ",
    "\t",
    "\\",
    "\\x",
    "\\u00e9",
    "~",
    "null",
    "yes",
    "0x1F",
    "010",
    "1e400",
    "-.inf",
    ".nan",
    "1_000",
    "2001-01-01",
    "1:30",
    "99999999999999999999",
    "\u{feff}",
    "\u{85}",
    "\r\n",
    "é",
    "😀",
    " ",
    "=",
    "@",
    "`",
];

const JSON: &[&str] = &[
    "{", "}", "[", "]", ":", ",", "\"a\"", "\"", "\\", "\\u00", "\\ud83d", "1", "-", "0.1", "1e9", "1e999", "true",
    "null", " ", "\n", "é",
];

const OBJECT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\n  creationTimestamp: null\nspec:\n  replicas: 1\n  \
template:\n    spec:\n      containers:\n      - name: a\n        image: b:1\n        ports: [{containerPort: 80}]\n        resources: \
{limits: {cpu: 100m, memory: 1Gi}}\n        env:\n        - {name: A, value: \"1\"}\n        livenessProbe: {httpGet: {port: 80}}\n";

const COMPOSE: &str = "name: p\nservices:\n  web:\n    build: {context: ., dockerfile: D, args: {A: b}, target: t}\n    image: i\n    \
ports: [{target: 80, published: \"8080\"}]\n    volumes: [{type: bind, source: /a, target: /b}]\n    depends_on: {db: {condition: \
service_started}}\n    labels: {a: b}\n  db:\n    image: d\n";

#[test]
fn any_yaml_is_a_document_or_a_mistake_and_reads_back() {
    fuzz(1500, soup(YAML, 30), |text| {
        yaml::split_documents(&text).for_each(drop);
        let Ok(trees) = yaml::parse_documents(&text) else {
            return Ok(());
        };
        for tree in trees {
            let written = yaml::emit(&tree);
            prop_assert_eq!(yaml::parse_one(&written), Ok(tree.clone()), "{}", written);
            json::compact(&tree);
            drop(kube::parse_trees([tree]));
        }
        Ok(())
    });
}

#[test]
fn any_json_is_a_document_or_a_mistake() {
    fuzz(500, soup(JSON, 30), |text| {
        drop(json::parse_stream(&text));
        drop(yaml::parse_documents(&text));
        Ok(())
    });
}

#[test]
fn a_changed_object_is_an_object_or_a_mistake() {
    fuzz(500, proptest::collection::vec(super::change(YAML), 0..5), |changes| {
        if let Ok(objects) = kube::parse(&changed(OBJECT, &changes)) {
            let written = kube::emit(&objects);
            let again = kube::parse(&written).map(|objects| kube::emit(&objects));
            prop_assert_eq!(again.as_ref().ok(), Some(&written));
        }
        Ok(())
    });
}

#[test]
fn a_changed_compose_project_is_a_project_or_a_mistake() {
    fuzz(300, proptest::collection::vec(super::change(YAML), 0..5), |changes| {
        let text = changed(COMPOSE, &changes);
        if let Ok(document) = yaml::parse_one(&text) {
            let printed = compose::Printed {
                text: &text,
                document: &document,
            };
            let sources = [document.clone()];
            drop(compose::Project::new(
                &compose::ProjectSpec::default(),
                printed,
                &sources,
                &|name| Some(name.to_owned()),
            ));
        }
        compose::normalized_project_name(&text);
        Ok(())
    });
}

#[test]
fn any_patterns_can_be_asked_about_any_path() {
    const PATTERNS: &[&str] = &[
        "*", "**", "/", "?", "!", "[", "]", "[a-", "[^", "\\", ".", "..", "a", "b", "#", "\n", " ", "\r", "{a,b}", "(",
        "+", "é",
    ];
    const PATHS: &[&str] = &["/", "a", "b", ".", "..", "é", "\n", "*"];
    fuzz(500, (soup(PATTERNS, 12), soup(PATHS, 8)), |(patterns, asked)| {
        let lines = filter::read_patterns(&patterns);
        if let Ok(matcher) = Matcher::new(&Ignore::patterns("/base", lines)) {
            for file in [path::join("/base", &asked), Path::new(&asked).to_owned()] {
                matcher.matches(&file);
                matcher.matches_entire_dir(&file);
            }
        }
        Ok(())
    });
}

#[test]
fn any_reference_is_one_that_reads_back_or_a_mistake() {
    const PIECES: &[&str] = &[
        "a",
        "b1",
        "A",
        "/",
        ":",
        "@",
        ".",
        "-",
        "_",
        "__",
        "localhost",
        "docker.io",
        "[::1]",
        ":5000",
        "sha256:",
        "library/",
        "é",
        "0123456789abcdef0123456789abcdef",
    ];
    fuzz(500, soup(PIECES, 10), |text| {
        if let Ok(reference) = Reference::parse(&text) {
            // Only the long form: the short one of `library/` and an image's id is taken for the id.
            let written = reference.to_string();
            prop_assert_eq!(Reference::parse(&written), Ok(reference), "{}", written);
        }
        Ok(())
    });
}

#[test]
fn any_dockerfile_can_be_read() {
    const PIECES: &[&str] = &[
        "FROM ",
        "COPY ",
        "ADD ",
        "RUN ",
        "ARG ",
        "ENV ",
        "--from=",
        "--platform=$A ",
        "AS ",
        "as b\n",
        "a",
        "b",
        "$A",
        "${A}",
        "${A:-b}",
        "${A",
        "$",
        "\\\n",
        "\n",
        " ",
        "#",
        "# escape=`\n",
        "`\n",
        "[\"a\", \"b\"]",
        "<<EOF\n",
        "EOF\n",
        "\"",
        "'",
        "\r\n",
        "é",
        "=",
        "scratch",
    ];
    fuzz(500, soup(PIECES, 25), |text| {
        let args = [("A".to_owned(), "b".to_owned())];
        let images = dockerfile::base_images(&text, &args);
        dockerfile::copies(&text, &args);
        dockerfile::with_images(&text, &images, |_| Some("c".to_owned()));
        Ok(())
    });
}

#[test]
fn any_small_text_has_its_meaning_or_is_a_mistake() {
    const PIECES: &[&str] = &[
        "1",
        "0",
        "-",
        "+",
        ".",
        "h",
        "ms",
        "µ",
        "s",
        ":",
        "/",
        "//",
        "http",
        "%",
        "%2",
        "?",
        "#",
        "@",
        "[",
        "]",
        "[*]",
        "[?(@.a==1)]",
        "..",
        "{",
        "}",
        "{.a}",
        "*",
        "a",
        "'",
        "\"",
        "\\",
        ",",
        "=",
        "<",
        ">=",
        "~",
        "^",
        "v",
        "x",
        "||",
        "&&",
        " ",
        "é",
        "99999999999",
        "type=",
        "volume",
        "key=",
        "\n",
        "$",
        "(",
        ")",
        "!",
        "1:2:3",
    ];
    fuzz(2000, soup(PIECES, 14), |text| {
        drop(duration::Duration::parse(&text));
        drop(port::PortForward::parse(&text));
        drop(link::Link::parse(&text, "name"));
        drop(link::Url::parse(&text));
        drop(label::check_label(&text));
        drop(label::check_name(&text));
        drop(label::qualified_name_problems(&text));
        drop(kube::ObjectMatcher::fragment(&text));
        let wanted = version::Constraint::parse(&text);
        if let (Ok(wanted), Ok(version)) = (wanted, version::Version::parse(&text)) {
            wanted.allows(&version);
        }
        if let Ok(search) = JsonPath::parse(&text) {
            let tree = yaml::parse_one("a: [1, {a: b}]\nb: {a: c}").unwrap();
            drop(search.find(&tree));
        }
        drop(pack::Volume::parse(&text));
        drop(pack::Cache::parse("build", &pack::Cache::parts(&text)));
        drop(pack::CreationTime::parse(&text));
        drop(pack::check_platform(&text));
        drop(compose::version_in(&text));
        shell::quote(&text);
        path::clean(&text);
        drop(path::relative(&text, "/a/b"));
        drop(path::relative("/a/b", &text));
        if let Ok(tree) = yaml::parse_one(&text) {
            kustomization::inputs(&tree);
        }
        Ok(())
    });
}
