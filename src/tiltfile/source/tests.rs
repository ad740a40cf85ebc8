//! Rewriting keeps meaning and positions.

use super::*;

fn rewritten(text: &str) -> String {
    Source::new(text).expect("small text").rewritten
}

#[test]
fn text_without_loops_or_tabs_stays_as_it_is() {
    let text = "x = 'while y: \\' z' # while\nif x:\n  f(a,\n    b)\ns = \"\"\"while\n\tx:\n\"\"\"\n";
    assert_eq!(rewritten(text), text.replace("# while", ""));
}

#[test]
fn a_while_loop_becomes_an_endless_for_that_breaks() {
    assert_eq!(
        rewritten("i = 0\nwhile i < 3:\n  i += 1\nprint(i)\n"),
        format!("i = 0\nfor {LOOP_VARIABLE} in {FOREVER}:\n  if not ( i < 3): break\n  \n  i += 1\nprint(i)\n")
    );
}

#[test]
fn a_body_on_the_same_line_and_a_lambda_in_the_condition_survive() {
    assert_eq!(
        rewritten("while f(lambda x: x): g(); break\n"),
        format!("for {LOOP_VARIABLE} in {FOREVER}:\n if not ( f(lambda x: x)): break\n g(); break\n")
    );
    assert_eq!(
        rewritten("while (lambda: x)() and {1: 2}[1]: pass"),
        format!("for {LOOP_VARIABLE} in {FOREVER}:\n if not ( (lambda: x)() and {{1: 2}}[1]): break\n pass")
    );
}

#[test]
fn positions_behind_a_loop_are_those_of_the_original() {
    let text = "while a: # c\n\n  b(1)\n  while c:\n    d()\ne()\n";
    let source = Source::new(text).expect("small text");
    for needle in ["b(1)", "d()", "e()", "c:"] {
        let needle = if needle == "c:" { "c)" } else { needle };
        let at = source.rewritten.find(needle).expect("kept");
        let original = text.find(needle.trim_end_matches(')')).expect("there");
        let expected = if needle == "c)" {
            text.find("c:").expect("there")
        } else {
            original
        };
        assert_eq!(source.original_offset(at), expected, "{needle}");
    }
    assert_eq!(source.position(source.rewritten.find("e()").expect("kept")), (6, 1));
}

#[test]
fn tabs_count_as_eight_columns_and_windows_line_ends_vanish() {
    assert_eq!(rewritten("if x:\r\n\ty(\t1)\r\n"), "if x:\n        y( 1)\n");
    let source = Source::new("if x:\r\n\ty(1)\r\n").expect("small text");
    assert_eq!(source.position(source.rewritten.find("y(1)").expect("kept")), (2, 2));
}

#[test]
fn nesting_that_would_exhaust_the_parser_is_refused() {
    for text in [
        "(".repeat(100_000),
        "x = ".to_owned() + &"not ".repeat(100_000),
        " ".repeat(5000) + "x",
    ] {
        assert!(Source::new(&text).is_err());
    }
}

#[test]
fn a_loop_without_a_colon_is_left_to_the_parser() {
    assert_eq!(rewritten("while x\n  y\n"), "while x\n  y\n");
}

#[test]
fn named_arguments_behind_a_list_go_before_it() {
    for (text, want) in [
        ("f(*a, k=1)", "f( k=1, *a)"),
        ("f(1, *a, k=1,\n)", "f(1,  k=1,\n*a)"),
        ("f(*a, k=1, **d)", "f( k=1, *a, **d)"),
        (
            "f(*g(*b, m=1), k = [2, 3], **h(*c, n=1))",
            "f( k = [2, 3], *g( m=1, *b), **h( n=1, *c))",
        ),
        ("o.f('),', *a, k=')')\nx(*a)", "o.f('),',  k=')', *a)\nx(*a)"),
    ] {
        assert_eq!(rewritten(text), want, "{text}");
    }
}

#[test]
fn lists_that_stand_well_stay_where_they_are() {
    for text in [
        "def f(*a, k=1): pass\n",
        "f(k=1, *a, **d)",
        "f(*a, **d)",
        "f(*a)",
        "f(*a, b == c)",
        "x = (2 *a, 3)",
        "lambda *a, k=1: f(*a)",
        "f(*a, k=1",
    ] {
        assert_eq!(rewritten(text), text, "{text}");
    }
}

#[test]
fn positions_of_moved_arguments_are_those_of_the_original() {
    let text = "\tf(*aa, kk=1, **dd)\ne()\n";
    let source = Source::new(text).expect("small text");
    for needle in ["f(", "aa", "kk", "**dd", "e()"] {
        let at = source.rewritten.find(needle).expect("kept");
        assert_eq!(
            Some(source.original_offset(at)),
            text.find(needle),
            "{needle} in {}",
            source.rewritten
        );
    }
}

#[test]
fn assignments_with_operators_that_are_ours_are_spelled_out() {
    let table = [
        ("x *= 2\n", "x = x * ( 2)\n"),
        (
            "if a:\n  s  %= (1,\n 2) # c\ny = 1",
            "if a:\n  s  = s % ( (1,\n 2) )\ny = 1",
        ),
        ("n <<= 1; m += 2\r\n", "n = n << ( 1); m += 2\n"),
        ("x *= lambda: {1: ';'}", "x = x * ( lambda: {1: ';'})"),
    ];
    for (text, expected) in table {
        assert_eq!(rewritten(text), expected, "{text}");
    }
    for text in ["x += 1\n", "x[0] *= 2\n", "x *y\n", "*= 2\n", "x == y\n", "f(a, *b)\n"] {
        assert_eq!(rewritten(text), text);
    }
    let source = Source::new("xy *= a + b\n").expect("small text");
    assert_eq!(source.position(source.rewritten.find("* (").expect("kept")), (1, 4));
    assert_eq!(source.position(source.rewritten.find("+ b").expect("kept")), (1, 9));
}
