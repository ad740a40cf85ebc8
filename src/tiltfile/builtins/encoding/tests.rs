//! YAML and JSON, there and back.

use crate::tiltfile::testing::Tiltfile;

fn printed(expression: &str) -> String {
    Tiltfile::new(&format!("print({expression})\n"))
        .eval()
        .said()
        .trim_end_matches('\n')
        .to_owned()
}

#[test]
fn documents_are_decoded_in_the_order_of_their_keys() {
    let table = [
        (
            "decode_yaml('b: 1\\na: [x, 2.5, true, null]')",
            "{\"b\": 1, \"a\": [\"x\", 2.5, True, None]}",
        ),
        ("decode_yaml(blob('a'))", "a"),
        ("decode_yaml('')", "None"),
        ("decode_yaml('---\\n# nothing\\n---\\na: 1\\n---\\n')", "{\"a\": 1}"),
        (
            "decode_yaml_stream('a: 1\\n---\\n---\\n[b]\\n')",
            "[{\"a\": 1}, [\"b\"]]",
        ),
        ("decode_yaml_stream('')", "[]"),
        (
            "decode_json('{\"z\": [1, 2.5, null, true], \"a\": {}}')",
            "{\"z\": [1, 2.5, None, True], \"a\": {}}",
        ),
        ("decode_json(blob('\"x\"'))", "x"),
        (
            "decode_json('[18446744073709551615, -9223372036854775808, 1.0]')",
            "[18446744073709551615, -9223372036854775808, 1.0]",
        ),
        ("decode_json('{\"a\": 1, \"a\": 2}')", "{\"a\": 2}"),
        ("type(decode_json('1'))", "int"),
    ];
    for (expression, expected) in table {
        assert_eq!(printed(expression), expected, "{expression}");
    }
}

#[test]
fn values_are_encoded_with_sorted_keys() {
    let table = [
        (
            "encode_yaml({'b': 1, 'a': [1, 2.5, None, True, 'yes']})",
            "a:\n- 1\n- 2.5\n- null\n- true\n- \"yes\"\nb: 1",
        ),
        ("encode_yaml('x')", "x"),
        ("encode_yaml_stream([{'a': 1}, 'b'])", "a: 1\n---\nb"),
        (
            "encode_json({'z': [1, 2.5, None, True], 'a': {'k': 'v'}})",
            "{\n  \"a\": {\n    \"k\": \"v\"\n  },\n  \"z\": [\n    1,\n    2.5,\n    null,\n    true\n  ]\n}",
        ),
        (
            "encode_json({'e': {}, 'l': [], 's': '{[,:\\\\\"]}'})",
            "{\n  \"e\": {},\n  \"l\": [],\n  \"s\": \"{[,:\\\\\\\"]}\"\n}",
        ),
        (
            "encode_json('<a&b> \u{e9}\\n')",
            "\"\\u003ca\\u0026b\\u003e \u{e9}\\n\"",
        ),
        ("encode_json(3.0)", "3"),
        ("repr(encode_json(None))", "\"null\\n\""),
        (
            "type(encode_json(1)), type(encode_yaml(1)), type(encode_yaml_stream([]))",
            "string blob blob",
        ),
    ];
    for (expression, expected) in table {
        assert_eq!(printed(expression), expected, "{expression}");
    }
}

#[test]
fn files_are_read_and_watched() {
    let said = Tiltfile::new(
        "print(read_yaml('a.yaml'), read_yaml_stream('b.yaml'), read_json(path='c.json'))\n\
         print(read_yaml('no.yaml', None), read_yaml_stream('no.yml', default=[1]), read_json('no.json', default={'x': (1,)}))\n",
    )
    .file("a.yaml", "a: 1\n")
    .file("b.yaml", "a: 1\n---\nb: 2\n")
    .file("c.json", "[1]")
    .eval();
    assert_eq!(
        said.said(),
        "{\"a\": 1} [{\"a\": 1}, {\"b\": 2}] [1]\nNone [1] {\"x\": (1,)}\n"
    );
    assert_eq!(
        said.watched(),
        ["Tiltfile", "a.yaml", "b.yaml", "c.json", "no.json", "no.yaml", "no.yml"]
    );
}

#[test]
fn what_is_no_document_is_refused() {
    let table = [
        ("read_yaml('nope')", "open $DIR/nope: no such file or directory"),
        ("read_json('nope')", "open $DIR/nope: no such file or directory"),
        (
            "read_yaml('two.yaml')",
            "expected a yaml document but found a yaml stream (documents separated by `---`). use read_yaml_stream instead to decode a yaml stream",
        ),
        (
            "decode_yaml('a: 1\\n---\\nb: 1')",
            "expected a yaml document but found a yaml stream (documents separated by `---`). use decode_yaml_stream instead to decode a yaml stream",
        ),
        (
            "read_yaml('bad.yaml')",
            "error parsing YAML from bad.yaml: error converting YAML to JSON: yaml: line 1: did not find expected ',' or ']'",
        ),
        (
            "decode_json('[1, x]')",
            "error parsing JSON: expected value at line 1 column 5",
        ),
        (
            "read_json('bad.yaml')",
            "error parsing JSON from bad.yaml: EOF while parsing a list at line 2 column 0",
        ),
        (
            "decode_json('')",
            "error parsing JSON: EOF while parsing a value at line 1 column 0",
        ),
        (
            "decode_json('1 2')",
            "error parsing JSON: trailing characters at line 1 column 3",
        ),
        (
            "decode_yaml(1)",
            "decode_yaml: for parameter \"yaml\": got int, want string",
        ),
        (
            "read_yaml_stream('nope', default='x')",
            "read_yaml_stream: for parameter \"default\": got string, want list",
        ),
        (
            "encode_yaml((1,))",
            "error converting object from starlark: unable to convert from starlark value, unsupported type tuple",
        ),
        (
            "encode_json([set([1])])",
            "error converting object from starlark: unable to convert from starlark value, unsupported type set",
        ),
        (
            "encode_json(blob('x'))",
            "error converting object from starlark: unable to convert from starlark value, unsupported type blob",
        ),
        (
            "encode_json({1: 2})",
            "error converting object from starlark: dictionary key 1 is a int; only strings can be keys of a document",
        ),
        (
            "encode_json([float('nan')])",
            "error serializing object to json: json: unsupported value: nan",
        ),
        (
            "encode_yaml_stream('a')",
            "encode_yaml_stream: for parameter \"objs\": got string, want list",
        ),
    ];
    for (statement, message) in table {
        let tiltfile = Tiltfile::new(statement)
            .file("two.yaml", "a: 1\n---\nb: 2\n")
            .file("bad.yaml", "[1\n");
        assert_eq!(tiltfile.eval().message(), message, "{statement}");
    }
}
