//! Pure. What JSON paths find, and what they say when they cannot.

use super::*;
use crate::model::yaml::parse_one;

const DOCUMENT: &str = r#"
spec:
  image: outer
  a.b: dotted
  missing: null
  env:
  - {name: IMG, value: one, rank: 1}
  - {name: OTHER, value: two, rank: 2}
  - {name: LAST, rank: 3}
  nested: {deep: {image: inner}}
"#;

fn found(path: &str) -> Result<Vec<String>, String> {
    let tree = parse_one(DOCUMENT).unwrap();
    let found = JsonPath::parse(path).and_then(|path| path.find(&tree));
    found
        .map(|hits| hits.iter().map(|hit| shown(hit.1).into()).collect())
        .map_err(|error| error.to_string())
}

#[test]
fn paths_find_what_kubernetes_finds() {
    let table: &[(&str, &[&str])] = &[
        ("{.spec.image}", &["\"outer\""]),
        ("{$.spec.image}", &["\"outer\""]),
        ("{.spec['image']}", &["\"outer\""]),
        (r"{.spec.a\.b}", &["\"dotted\""]),
        (r"{.spec['a\.b']}", &["\"dotted\""]),
        ("{.spec.nothing.there}", &[]),
        ("{.spec.missing.there}", &[]),
        ("{.spec.missing}", &["null"]),
        (r#"{.spec.env[?(@.name=="IMG")].value}"#, &["\"one\""]),
        (r#"{.spec.env[?(@.name!='IMG')].name}"#, &["\"OTHER\"", "\"LAST\""]),
        ("{.spec.env[?(@.value)].name}", &["\"IMG\"", "\"OTHER\""]),
        ("{.spec.env[?(@.rank>=2)].rank}", &["2", "3"]),
        ("{.spec.env[?(@.rank<2.5)].rank}", &["1", "2"]),
        ("{.spec.env[*].value}", &["\"one\"", "\"two\""]),
        ("{.spec.env[0].name}", &["\"IMG\""]),
        ("{.spec.env[-1].name}", &["\"LAST\""]),
        ("{.spec.env[1:].rank}", &["2", "3"]),
        ("{.spec.env[::2].rank}", &["1", "3"]),
        ("{.spec.env[0,2].rank}", &["1", "3"]),
        ("{.spec.nested.*.image}", &["\"inner\""]),
        ("{..image}", &["\"outer\"", "\"inner\""]),
        ("{.spec.image} {.spec.nested.deep.image}", &["\"outer\"", "\"inner\""]),
        (
            "{range .spec.env[*]}{.name}{end}{.spec.image}",
            &["\"IMG\"", "\"OTHER\"", "\"LAST\"", "\"outer\""],
        ),
        ("no braces", &[]),
    ];
    for (path, expected) in table {
        let expected = expected.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(found(path), Ok(expected), "{path}");
    }
}

#[test]
fn faults_say_what_is_wrong() {
    let table = [
        ("{.spec", "unclosed action"),
        ("{.spec[0}", "unterminated array"),
        ("{.spec[x]}", "invalid array index x"),
        ("{.spec[?(@.a==\"b\"}", "unterminated filter"),
        ("{.spec[?(@.a)}", "unclosed array expect ]"),
        ("{#}", "unrecognized character in action: U+0023 '#'"),
        ("{'abc}", "unterminated quoted string"),
        ("{.spec.env[?(@.a=1)]}", "unrecognized filter operator ="),
        (
            "{.spec.env[5]}",
            "Matching (json_path=\"{.spec.env[5]}\"): array index out of bounds: index 5, length 3",
        ),
        (
            "{.spec[0]}",
            "Matching (json_path=\"{.spec[0]}\"): map[string]interface {} is not array or slice",
        ),
        ("{foo}", "Matching (json_path=\"{foo}\"): unrecognized identifier foo"),
        (
            "{.a}{end}",
            "Matching (json_path=\"{.a}{end}\"): not in range, nothing to end",
        ),
    ];
    for (path, expected) in table {
        assert_eq!(found(path), Err(expected.to_owned()), "{path}");
    }
}

#[test]
fn only_texts_are_texts() {
    let tree = parse_one(DOCUMENT).unwrap();
    let texts = |path: &str| JsonPath::parse(path).unwrap().texts(&tree).map(|found| found.len());
    assert_eq!(texts("{.spec.image}"), Ok(1));
    assert_eq!(texts("{.spec.missing}"), Ok(0));
    let error = texts("{.spec.env[0].rank}").unwrap_err().to_string();
    assert_eq!(
        error,
        "May only match strings (json_path=\"{.spec.env[0].rank}\")\nGot Type: int64\nGot Value: 1"
    );
}

#[test]
fn places_can_be_written_to() {
    let mut tree = parse_one(DOCUMENT).unwrap();
    let path = JsonPath::parse(r#"{.spec.env[?(@.name=="IMG")].value}"#).unwrap();
    let places: Vec<Place> = path.find(&tree).unwrap().into_iter().map(|found| found.0).collect();
    *places[0].get_mut(&mut tree).unwrap() = Tree::text("changed");
    assert_eq!(places[0].get(&tree), Some(&Tree::text("changed")));
    let name = places[0].sibling("name").unwrap();
    assert_eq!(name.get(&tree), Some(&Tree::text("IMG")));
}

#[test]
fn endless_recursion_ends() {
    let tree = parse_one(&format!("a: {}1{}", "[".repeat(200), "]".repeat(200))).unwrap();
    let path = JsonPath::parse(&format!("{{{}}}", "..".repeat(8))).unwrap();
    assert!(path.find(&tree).is_err());
}
