//! The interpreter's words on the left, ours on the right; and whole Tiltfiles that fail, with where they say so.

use super::*;
use crate::tiltfile::testing::Tiltfile;

fn said(message: &str) -> String {
    plain(message, &Place::default())
}

fn said_by(native: &str, message: &str) -> String {
    let place = Place {
        native: Some(native),
        ..Place::default()
    };
    plain(message, &place)
}

#[test]
fn what_no_row_knows_stays_as_it_is() {
    assert_eq!(said("something new"), "something new");
}

#[test]
fn a_function_of_the_languages_own_names_itself() {
    for (native, message, want) in [
        (
            "sorted",
            "Operation `(iter)` not supported on type `int`",
            "sorted: for parameter iterable: got int, want iterable",
        ),
        (
            "list",
            "Operation `(iter)` not supported on type `string`",
            "list: for parameter 1: got string, want iterable",
        ),
        ("append", "Immutable", "append: cannot append to a frozen value"),
        (
            "startswith",
            "Type of parameter `prefix` doesn't match, expected `str | tuple[str, ...]`, actual `int (repr: 1)`",
            "startswith: for parameter prefix: got int, want string or tuple of string",
        ),
        (
            "upper",
            "Wrong number of positional arguments, expected 0, got 1",
            "upper: got 1 arguments, want at most 0",
        ),
    ] {
        assert_eq!(said_by(native, message), want);
    }
}

fn failure(text: &str) -> String {
    Tiltfile::new(text).eval().message()
}

#[test]
fn refused_expressions_say_what_upstream_says() {
    for (text, want) in [
        ("1 < 'a'", "int < string not implemented"),
        ("'a' >= 1", "string >= int not implemented"),
        ("{} < {}", "dict < dict not implemented"),
        ("1 + 'a'", "unknown binary op: int + string"),
        ("-'a'", "unknown unary op: - string"),
        ("None[0]", "unhandled index operation NoneType[int]"),
        ("{'a': 1}['b']", "key \"b\" not in dict"),
        ("{'a': 1, 'a': 2}", "duplicate key: \"a\""),
        ("{[]: 1}", "unhashable type: list"),
        ("3 in 'foo'", "'in <string>' requires string as left operand, not int"),
        ("1 // 0", "floored division by zero"),
        ("1 % 0", "integer modulo by zero"),
        ("1.0 % 0", "floating-point modulo by zero"),
        ("1 / 0", "floating-point division by zero"),
        (
            "[].appendd",
            "list has no .appendd field or method (did you mean .append?)",
        ),
        ("struct(abc=1).abd", "struct has no .abd attribute (did you mean .abc?)"),
        ("[x for x in 1]", "int value is not iterable"),
        ("[1 for a, b in [1]]", "got int in sequence assignment"),
        ("[1 for a, b in [(1,)]]", "too few values to unpack (got 1, want 2)"),
        ("'%d' % 'a'", "%d format requires integer: cannot convert string to int"),
        ("'{z}'.format(x=1)", "format: keyword z not found"),
        ("','.join([1])", "join: in list, want string, got int"),
        ("(lambda: 1)(1)", "function lambda accepts no arguments (1 given)"),
        (
            "(lambda x, y=1: 1)(1, 2, 3)",
            "function lambda accepts at most 2 positional arguments (3 given)",
        ),
        (
            "(lambda x: 1)(1, 2)",
            "function lambda accepts 1 positional argument (2 given)",
        ),
        ("(lambda x: 1)()", "function lambda missing 1 argument (x)"),
        (
            "(lambda x: 1)(1, y=2)",
            "function lambda got an unexpected keyword argument \"y\"",
        ),
    ] {
        assert_eq!(failure(&format!("x = {text}\n")), want, "{text}");
    }
}

#[test]
fn an_operator_in_a_function_is_no_function_that_failed() {
    let error = Tiltfile::new("def f(a):\n  return a < 'x'\nf(1)\n").eval().error();
    assert_eq!(
        error,
        "Traceback (most recent call last):\n  $DIR/Tiltfile:3:2: in <toplevel>\n  $DIR/Tiltfile:2:12: in f\nError: int < string not implemented"
    );
}

#[test]
fn a_function_that_calls_back_is_among_the_callers() {
    let error = Tiltfile::new("def key(x):\n  return 1 + x\nsorted(['a'], key=key)\n")
        .eval()
        .error();
    assert_eq!(
        error,
        "Traceback (most recent call last):\n  $DIR/Tiltfile:3:7: in <toplevel>\n  <builtin>: in sorted\n  $DIR/Tiltfile:2:12: in key\nError: unknown binary op: int + string"
    );
}
