//! Pure. Tables for reading and writing YAML, and what hostile input must not do.

use proptest::prelude::*;

use super::*;
use crate::model::tree::Map;

fn read(text: &str) -> Result<String, String> {
    parse_one(text)
        .map(|tree| json::compact(&tree))
        .map_err(|error| error.to_string())
}

#[test]
fn documents_become_json_data() {
    let table = [
        ("", "null"),
        ("# only a comment\n", "null"),
        ("a: 1\nb: [x, 'y', \"z\"]\n", r#"{"a":1,"b":["x","y","z"]}"#),
        (
            "{a: yes, b: off, c: ~, d: 010, e: 0x1f, f: 1_000}",
            r#"{"a":true,"b":false,"c":null,"d":8,"e":31,"f":1000}"#,
        ),
        (
            "{a: 'yes', b: \"off\", c: !!str 010, d: !custom 7}",
            r#"{"a":"yes","b":"off","c":"010","d":"7"}"#,
        ),
        (
            "{1: a, true: b, 1.5: c, 2001-01-01: d, y: e}",
            r#"{"1":"a","1.5":"c","2001-01-01":"d","true":"e"}"#,
        ),
        ("a: 2001-01-01T00:00:00Z\n", r#"{"a":"2001-01-01T00:00:00Z"}"#),
        (
            "[1.0, 1e3, 1.5, 18446744073709551615, 1e30]",
            "[1,1000,1.5,18446744073709551615,1e+30]",
        ),
        (
            "a: !!float 1\nb: !!int 7\nc: !!binary aGk=\n",
            r#"{"a":1,"b":7,"c":"hi"}"#,
        ),
        (
            "a: &x {k: v}\nb: *x\nc: [*x, *x]\n",
            r#"{"a":{"k":"v"},"b":{"k":"v"},"c":[{"k":"v"},{"k":"v"}]}"#,
        ),
        ("&k a: 1\n*k : 2\nb: *k\n", r#"{"a":2,"b":"a"}"#),
        (
            "a: &x {k: v, l: w}\nb: {<<: *x, k: own}\n",
            r#"{"a":{"k":"v","l":"w"},"b":{"k":"own","l":"w"}}"#,
        ),
        (
            "b: {<<: [{k: first}, {k: second, l: w}]}\n",
            r#"{"b":{"k":"first","l":"w"}}"#,
        ),
        ("b: {\"<<\": {k: v}}\n", r#"{"b":{"\u003c\u003c":{"k":"v"}}}"#),
        ("a: 1\na: 2\n", r#"{"a":2}"#),
        ("a: |\n  x\n  y\nb: >-\n  x\n  y\n", r#"{"a":"x\ny\n","b":"x y"}"#),
        ("a: 1\n--- !x\nb: 2\n", r#"{"a":1}"#),
        (
            "a: \"\\u263a \\x41 \\t\"\r\nb: c\r\n",
            "{\"a\":\"☺ A \\t\",\"b\":\"c\"}",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn faults_read_as_go_yaml_prints_them() {
    let table = [
        ("a: [1\n", "yaml: line 1: did not find expected ',' or ']'"),
        ("a: {b\n", "yaml: line 1: did not find expected ',' or '}'"),
        ("a: b: c\n", "yaml: mapping values are not allowed in this context"),
        (
            "x: 1\na: b: c\n",
            "yaml: line 2: mapping values are not allowed in this context",
        ),
        (
            "a: 1\n b: 2\n",
            "yaml: line 2: mapping values are not allowed in this context",
        ),
        (
            "a:\n\t- b\n",
            "yaml: line 2: found character that cannot start any token",
        ),
        ("a: 'x\n", "yaml: line 2: found unexpected end of stream"),
        ("a: \"\\z\"\n", "yaml: found unknown escape character"),
        ("a: 1\n- b\n", "yaml: line 1: did not find expected key"),
        ("a: @b\n", "yaml: found character that cannot start any token"),
        ("a: *x\n", "yaml: unknown anchor 'x' referenced"),
        ("a: &x [*x]\n", "yaml: anchor 'x' value contains itself"),
        ("a: \u{1}\n", "yaml: control characters are not allowed"),
        (
            "<<: 1\n",
            "yaml: map merge requires map or sequence of maps as the value",
        ),
        ("a: !!int x\n", "yaml: cannot decode !!str `x` as a !!int"),
        (
            "image: {{ .Values.image }}\n",
            "yaml: invalid map key: map[interface {}]interface {}{\".Values.image\":interface {}(nil)}",
        ),
        ("[a]: b\n", "yaml: invalid map key: []interface {}{\"a\"}"),
        ("a: .nan\n", "json: unsupported value: NaN"),
        ("{{a}: b\n", "yaml: line 1: did not find expected ',' or '}'"),
    ];
    for (text, expected) in table {
        assert_eq!(read(text), Err(expected.to_owned()), "{text}");
    }
}

#[test]
fn repeated_keys_are_refused_where_asked() {
    let strict = |text: &str| parse_one_with(text, Duplicates::Refuse).map_err(|error| error.to_string());
    assert!(strict("a: {x: 1}\nb: {x: 1}\n").is_ok());
    let error = strict("a: 1\nb:\n  x: 1\n  \"x\": 2\na: 3\n").unwrap_err();
    assert_eq!(
        error,
        "yaml: unmarshal errors:\n  line 4: key \"x\" already set in map\n  line 5: key \"a\" already set in map"
    );
    let many = (0..100)
        .chain(40..41)
        .map(|n| format!("k{n}: {n}\n"))
        .collect::<String>();
    assert_eq!(
        strict(&many).unwrap_err(),
        "yaml: unmarshal errors:\n  line 101: key \"k40\" already set in map"
    );
    assert_eq!(parse_one(&many).unwrap().as_map().map(Map::len), Some(100));
}

#[test]
fn conversion_says_which_stage_failed() {
    let error = ConversionError(parse_one("a: [1\n").unwrap_err());
    assert_eq!(
        error.to_string(),
        "error converting YAML to JSON: yaml: line 1: did not find expected ',' or ']'"
    );
}

#[test]
fn streams_skip_what_is_empty() {
    let read = |text: &str| parse_documents(text).map(|trees| trees.iter().map(json::compact).collect::<Vec<_>>());
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        ("---\n# nothing\n---\n---\nnull\n", &[]),
        ("---\na: 1\n---\n\n---\nb: 2\n", &[r#"{"a":1}"#, r#"{"b":2}"#]),
        (
            "{\"a\": 1}\n{\"b\": [1.0, \"\\ud83d\\ude00\"]} {}",
            &[r#"{"a":1}"#, "{\"b\":[1,\"😀\"]}", "{}"],
        ),
        ("{a: 1}\n---\n{b: 2}\n", &[r#"{"a":1}"#, r#"{"b":2}"#]),
        ("{\"a\": 1}\n---\nb: 2\n", &[r#"{"a":1}"#, r#"{"b":2}"#]),
        ("- a\n---\ntext\n", &[r#"["a"]"#, r#""text""#]),
    ];
    for (text, expected) in table {
        assert_eq!(read(text).unwrap(), *expected, "{text}");
    }
    let error = parse_documents("a: 1\n---\nx: y\nb: [1\n---\n").unwrap_err();
    assert_eq!(error.to_string(), "yaml: line 2: did not find expected ',' or ']'");
}

#[test]
fn strings_are_quoted_as_go_yaml_quotes_them() {
    let table = [
        ("", "\"\""),
        ("a", "a"),
        ("a b", "a b"),
        ("yes", "\"yes\""),
        ("Yes!", "Yes!"),
        ("null", "\"null\""),
        ("~", "\"~\""),
        ("1", "\"1\""),
        ("1.5", "\"1.5\""),
        ("1Gi", "1Gi"),
        ("0x1f", "\"0x1f\""),
        ("1_0", "\"1_0\""),
        ("08", "\"08\""),
        ("1e3", "\"1e3\""),
        ("2001-01-01", "\"2001-01-01\""),
        ("12:30", "\"12:30\""),
        ("80:8000", "80:8000"),
        ("127.0.0.1:80", "127.0.0.1:80"),
        (".inf", "\".inf\""),
        ("<<", "\"<<\""),
        ("=", "="),
        ("-", "'-'"),
        ("- a", "'- a'"),
        ("-a", "-a"),
        ("---", "'---'"),
        ("...", "'...'"),
        ("a: b", "'a: b'"),
        ("a:b", "a:b"),
        ("a:", "'a:'"),
        (":a", ":a"),
        ("a #b", "'a #b'"),
        ("a#b", "a#b"),
        ("#a", "'#a'"),
        ("[a]", "'[a]'"),
        ("{a}", "'{a}'"),
        ("a[0]", "a[0]"),
        ("*a", "'*a'"),
        ("&a", "'&a'"),
        ("!a", "'!a'"),
        ("|", "'|'"),
        (">", "'>'"),
        ("%a", "'%a'"),
        ("@a", "'@a'"),
        ("`a", "'`a'"),
        ("'a", "'''a'"),
        ("it's", "it's"),
        ("'it's: '", "'''it''s: '''"),
        ("\"a\"", "'\"a\"'"),
        (",a", "',a'"),
        ("?", "'?'"),
        ("?a", "?a"),
        ("? a", "'? a'"),
        (" a", "' a'"),
        ("a ", "'a '"),
        ("a\tb", "\"a\\tb\""),
        ("a\rb", "\"a\\rb\""),
        ("é", "é"),
        ("😀", "\"\\U0001F600\""),
        ("\u{7}", "\"\\a\""),
        ("\u{85}", "\"\\N\""),
        ("\u{2028}", "\"\\L\""),
        ("\u{feff}", "\"\\uFEFF\""),
        ("\u{7f}", "\"\\x7F\""),
        ("a\\b", "a\\b"),
        ("\t\"\\", "\"\\t\\\"\\\\\""),
        ("a\nb", "|-\n  a\n  b"),
        ("a\nb\n", "|\n  a\n  b"),
        ("a\n\n", "|+\n  a\n"),
        ("\n", "|2+\n"),
        ("\na", "|2-\n\n  a"),
        ("  a\nb", "|2-\n    a\n  b"),
        ("a\n  b\n", "|\n  a\n    b"),
        ("a \nb", "\"a \\nb\""),
        ("a\nb ", "\"a\\nb \""),
        ("a\tb\nc", "\"a\\tb\\nc\""),
        ("a\n b\n\nc\n", "|\n  a\n   b\n\n  c"),
    ];
    for (text, expected) in table {
        assert_eq!(emit(&Tree::text(text)), format!("{expected}\n"), "{text:?}");
        assert_eq!(parse_one(&emit(&Tree::text(text))), Ok(Tree::text(text)), "{text:?}");
    }
}

#[test]
fn documents_are_laid_out_as_go_yaml_lays_them_out() {
    // What is written here in the layout of Go's yaml must come out as it went in.
    let table = [
        "a: 1\nb: two\n",
        "a: {}\nb: []\nc: null\nd: true\ne: \"\"\n",
        "a:\n- 1\n- 2\nb:\n  c:\n  - d: 1\n    e: 2\n  - f\n",
        "- - a\n  - b\n- - - c\n- d:\n  - e\n- {}\n- []\n",
        "a: |\n  x\n\n  y\nb: |-\n  z\n  z\n",
        "a:\n- |\n  x\n  y\n- b: |-\n    c\n    d\n",
        "a: |+\n  x\n\nb: 1\n",
        "\"1\": 2\na/b: 4\n'a: b': 3\n\"yes\": 1\n",
        "a1: 0\na2: 0\na10: 0\nb: 0\n",
        "1.5\n",
        "[]\n",
        "a: 1e+30\nb: 1.5\nc: 18446744073709551615\nd: -7\n",
        "? |-\n  a\n  b\n: c\nd: e\n",
    ];
    for text in table {
        assert_eq!(parse_one(text).map(|tree| emit(&tree)).as_deref(), Ok(text));
    }
    let key = "k".repeat(129);
    assert_eq!(
        read(&format!("? {key}\n: - a\n  - b\n")),
        Ok(format!("{{\"{key}\":[\"a\",\"b\"]}}"))
    );
    let tree = parse_one(&format!("? {key}\n: [a, b]\n")).unwrap();
    assert_eq!(emit(&tree), format!("? {key}\n: - a\n  - b\n"));
}

#[test]
fn long_texts_are_folded_after_column_80() {
    let words = ["word"; 30].join(" ");
    let expected = format!("a: {}\n  {}\n", ["word"; 16].join(" "), ["word"; 14].join(" "));
    assert_eq!(emit(&parse_one(&format!("a: {words}\n")).unwrap()), expected);
    for text in [
        words.clone(),
        format!("{words}: x"),
        format!("{words}\u{7} {words}"),
        format!("{words}  {words}"),
        "x".repeat(300),
    ] {
        let tree = Tree::List(vec![Tree::text(text)]);
        assert_eq!(parse_one(&emit(&tree)), Ok(tree));
    }
}

#[test]
fn an_empty_line_and_dashes_stand_between_documents() {
    let trees = [parse_one("a: 1").unwrap(), parse_one("b: 2").unwrap()];
    assert_eq!(emit_all(&trees), "a: 1\n\n---\nb: 2\n");
    assert_eq!(parse_documents(&emit_all(&trees)), Ok(trees.to_vec()));
}

#[test]
fn hostile_documents_end_in_an_error() {
    let bomb = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        text + &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(","))
    });
    assert_eq!(
        read(&bomb),
        Err("yaml: document contains excessive aliasing".to_owned())
    );
    let merges = (1..40).fold("a0: &a0 {x: 1}\n".to_owned(), |text, n| {
        text + &format!("a{n}: &a{n} {{<<: [*a{m}, *a{m}], k{n}: [*a{m}, *a{m}]}}\n", m = n - 1)
    });
    assert_eq!(
        read(&merges),
        Err("yaml: document contains excessive aliasing".to_owned())
    );
    let text = "x".repeat(1 << 20);
    let long = format!("a: &a {text}\nb: [{}]\n", ["*a"; 90].join(","));
    assert_eq!(
        read(&long),
        Err("yaml: document contains excessive aliasing".to_owned())
    );
    for open in ["[", "{a: ", "- ", "? ", "{\"a\":[", "[{"] {
        assert!(parse_documents(&open.repeat(100_000)).is_err(), "{open}");
    }
    let anchors = (0..2000).map(|n| format!("&a{n} [")).collect::<String>() + "*a1";
    assert!(read(&anchors).is_err());
}

#[test]
fn what_the_scanner_panics_at_is_an_error_like_any_other() {
    assert_eq!(
        read("[!a,]"),
        Err("yaml: did not find expected whitespace or line break".to_owned())
    );
    assert_eq!(
        read("a: \"\\"),
        Err("yaml: line 2: found unexpected end of stream".to_owned())
    );
    for text in ["a: !!int x\nb: |\n  x", "a: !!int x\nb: >-2 # c\n  x"] {
        assert!(read(text).is_err(), "{text}");
    }
    assert_eq!(read("a: \\"), Ok(r#"{"a":"\\"}"#.to_owned()));
    assert_eq!(read("a: |\n  \\"), Ok(r#"{"a":"\\"}"#.to_owned()));
    assert_eq!(read("\u{feff}a: 1"), Ok(r#"{"a":1}"#.to_owned()));
}

#[test]
fn a_missing_break_at_the_end_is_not_made_up() {
    let table = [
        ("a: |\n  x", r#"{"a":"x"}"#),
        ("a: |\n  x\n", r#"{"a":"x\n"}"#),
        ("a: |+\n  x\n\n  y", r#"{"a":"x\n\ny"}"#),
        ("a: |-\n  x", r#"{"a":"x"}"#),
        ("a: >\n  x\n  y", r#"{"a":"x y"}"#),
        ("a: |\n  x\n  ", r#"{"a":"x\n"}"#),
        ("a: |\n  x\n# c", r#"{"a":"x\n"}"#),
        ("a: |\n  x\nb: c", r#"{"a":"x\n","b":"c"}"#),
        ("- |\n x\n- z", r#"["x\n","z"]"#),
        ("a", r#""a""#),
        ("   ", "null"),
        ("a: \"x\"", r#"{"a":"x"}"#),
    ];
    for (text, expected) in table {
        assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
    }
    assert_eq!(read("a: 'x"), Err("yaml: found unexpected end of stream".to_owned()));
    assert_eq!(
        read("a: [1"),
        Err("yaml: line 1: did not find expected ',' or ']'".to_owned())
    );
}

#[test]
fn wide_documents_are_no_trouble() {
    let text = (0..20_000).map(|n| format!("k{n}: {n}\n")).collect::<String>();
    let tree = parse_one(&text).unwrap();
    assert_eq!(emit(&tree).len(), text.len());
}

fn trees() -> impl Strategy<Value = Tree> {
    let text = prop_oneof![
        "[a-z0-9:#\\-\\. ~'\"\\[\\]{}\n\t]{0,12}",
        "\\PC{0,8}",
        any::<String>(),
        prop::sample::select(vec![
            "yes",
            "null",
            "1",
            "0x1",
            "1:30",
            "<<",
            "2001-01-01",
            "---",
            "\n\n",
            " \n",
            "a\n "
        ])
        .prop_map(str::to_owned),
        "[a-z ]{70,200}",
    ];
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::Bool),
        any::<i64>().prop_map(Tree::Int),
        any::<f64>().prop_filter_map("JSON has it", resolve::json_number),
        text.clone().prop_map(Tree::text),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::List),
            prop::collection::vec((text.clone(), inner), 0..6).prop_map(|entries| {
                Tree::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_reads_back(tree in trees()) {
        prop_assert_eq!(parse_one(&emit(&tree)), Ok(tree));
    }

    #[test]
    fn json_reads_back(tree in trees()) {
        let text = json::compact(&Tree::Map([("k".into(), tree.clone())].into_iter().collect()));
        let read = json::parse_stream(&text).unwrap();
        prop_assert_eq!(read[0].get("k"), Some(&tree));
    }

    #[test]
    fn no_text_is_too_strange_to_read(text in "[a\\PC\n\t:\\-\\[\\]{}&*!|>'\"%@`#?, ]{0,60}") {
        if let Ok(trees) = parse_documents(&text) {
            let again = parse_documents(&emit_all(&trees));
            prop_assert_eq!(again, Ok(trees));
        }
    }
}
