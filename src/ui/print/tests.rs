//! Printing as `testdata/verbs/` has it: for each case what was asked for, an object, and the text of it.
//!
//! The tables, lists and objects named as upstream's are its own output, byte for byte.

use std::path::Path;

use super::*;
use crate::model::tree::Tree;
use crate::model::yaml;

fn printed(args: &str, input: &Tree) -> Result<String, PrintError> {
    if args == "describe" {
        return Ok(describe(input));
    }
    if let Some(flags) = args.strip_prefix("table") {
        return Ok(TablePrinter::new(table_style(flags)).print(input));
    }
    let mut setup = Setup {
        has_tables: true,
        ..Setup::default()
    };
    match args.split_once(' ') {
        Some(("--template", template)) => setup.template = Some(template.to_owned()),
        Some((_, output)) => setup.output = output.to_owned(),
        None => {}
    }
    Printer::parse(setup)?.expect("a format").print(input)
}

fn table_style(flags: &str) -> TableStyle {
    let mut style = TableStyle::default();
    let mut words = flags.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "--show-labels" => style.show_labels = true,
            "-L" => style.label_columns.extend(words.next().map(str::to_owned)),
            other => panic!("{other}"),
        }
    }
    style
}

#[test]
fn every_format_prints_what_the_cases_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/verbs");
    let mut cases: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() > 10);
    for case in cases {
        let read = |name: &str| std::fs::read_to_string(case.join(name)).unwrap();
        let input = yaml::parse_one(&read("input.json")).unwrap();
        let printed = printed(read("args").trim_end(), &input).unwrap();
        assert_eq!(printed, read("output"), "{}", case.display());
    }
}

#[test]
fn kyaml_reads_back_as_what_it_was() {
    let text = r#"{a: "x\n y\n\nz\n", b: "q\"\\ <\n", "yes": {"1": [[], {}, [1.5]]}, c: "two\nlines", d: "\n\n", e: "\ttab\n\ttab"}"#;
    let tree = yaml::parse_one(text).unwrap();
    let document = kyaml::document(&tree);
    assert_eq!(
        yaml::parse_one(document.trim_start_matches("---\n")).unwrap(),
        tree,
        "{document}"
    );
}

#[test]
fn formats_that_make_no_sense_are_refused_in_the_words_of_kubectl() {
    let table = [
        (
            "foo",
            "unable to match a printer suitable for the output format \"foo\", allowed formats are: custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,wide,yaml",
        ),
        ("jsonpath", "template format specified but no template given"),
        ("go-template", "template format specified but no template given"),
        ("jsonpath={.a", "error parsing jsonpath {.a, unclosed action"),
        (
            "go-template={{.a",
            "error parsing template {{.a, template: output:1: unclosed action",
        ),
        (
            "custom-columns=X",
            "unexpected custom-columns spec: X, expected <header>:<json-path-expr>",
        ),
        (
            "custom-columns",
            "custom-columns format specified but no custom columns given",
        ),
    ];
    for (output, expected) in table {
        let error = printed(&format!("-o {output}"), &Tree::Null).unwrap_err();
        assert_eq!(error.to_string(), expected, "{output}");
    }
}
