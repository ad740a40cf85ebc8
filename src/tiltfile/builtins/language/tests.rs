//! Programs that would never end, or fill the memory: each is told so, where it happens.

use crate::tiltfile::testing::{Evaluated, Tiltfile};

/// Limits that are reached in no time.
fn eval(text: &str) -> Evaluated {
    let small = Tiltfile::new(text).with(|request| {
        request.limits.steps = 1_000_000;
        request.limits.heap_bytes = 4 << 20;
    });
    small.eval()
}

const STEPS: &str = "the Tiltfile takes more steps than a Tiltfile may use";
const MEMORY: &str = "the Tiltfile's values take more memory than a Tiltfile may use";
const CALLS: &str = "Starlark call stack overflow";
const DIGITS: &str = "the result has more digits than a number in a Tiltfile may have";

#[test]
fn runaways_are_stopped_where_they_are() {
    let table = [
        ("while True:\n  pass\n", 1, STEPS),
        ("def f():\n  while True:\n    pass\nf()\n", 2, STEPS),
        ("def f(x):\n  return f(x)\nf(0)\n", 2, CALLS),
        ("def f(x):\n  return g(x)\ng = lambda x: f(x)\nf(0)\n", 2, CALLS),
        ("def f(x):\n  return sorted([1, 2], key=f)\nf(0)\n", 2, CALLS),
        ("x = 'x'\nwhile True:\n  x = x + x\n", 3, MEMORY),
        ("x = [1]\nwhile True:\n  x.extend(x)\n", 3, MEMORY),
        ("x = []\nwhile True:\n  x.append(blob('x' * 100000))\n", 3, MEMORY),
        ("x = [[c for c in range(10000)] for b in range(10000)]\n", 1, MEMORY),
        (
            "x = 'x' * 1000000000\n",
            1,
            "repetition would make 1000000000 elements, more than a Tiltfile may hold",
        ),
        (
            "x = list(range(1000000000))\n",
            1,
            "range: 1000000000 elements are more than a Tiltfile may count",
        ),
        ("x = 3\nwhile True:\n  x = x * x\n", 3, DIGITS),
        ("x = 3\nwhile True:\n  x *= x\n", 3, DIGITS),
        ("x = 1\nwhile True:\n  x = x << 1000\n", 3, DIGITS),
    ];
    for (text, line, expected) in table {
        let said = eval(text);
        assert_eq!(said.message(), expected, "{text}");
        let failure = said.evaluation.project.as_ref().unwrap_err();
        assert_eq!(failure.frames.last().map(|frame| frame.line), Some(line), "{text}");
        let limited = [STEPS, MEMORY, CALLS].contains(&expected);
        assert_eq!(failure.hint.is_some(), limited, "{text}");
    }
}

#[test]
fn values_that_hold_one_another_many_times_are_not_written_out() {
    let many = "x = ['x' * 1000000]\nfor i in range(60):\n  x = [x, x]\n";
    let table = [
        ("print(x)", "the text of this list is longer than 64 MiB"),
        (
            "encode_json(x)",
            "error converting object from starlark: value is larger than 128 MiB",
        ),
    ];
    for (statement, expected) in table {
        assert_eq!(eval(&format!("{many}{statement}\n")).message(), expected);
    }
}

#[test]
fn files_that_load_files_without_end_are_stopped() {
    let mut tiltfile = Tiltfile::new("include('0')\n");
    for number in 0..300 {
        tiltfile = tiltfile.file(&number.to_string(), format!("include('{}')\n", number + 1));
    }
    let message = tiltfile.eval().message();
    assert!(
        message.ends_with("more than 200 files are loading one another"),
        "{message}"
    );
}

#[test]
fn many_lines_of_the_log_arrive_in_their_order() {
    let said = eval("for i in range(5000):\n  print(i)\n");
    let expected: String = (0..5000).map(|number| format!("{number}\n")).collect();
    assert_eq!(said.log(), expected);
}
