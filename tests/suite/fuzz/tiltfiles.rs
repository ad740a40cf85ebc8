//! Made-up Tiltfiles. None of them can run a command: the functions that do are not among the words.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use tilt::tiltfile::function::{Builtin, TABLE};
use tilt::tiltfile::host::Environment;
use tilt::tiltfile::{Limits, Request, Timed, evaluate};
use tilt::ui;

use super::{changed, fuzz, soup};
use crate::support::{copy_of, root, testdata};

pub const PIECES: &[&str] = &[
    "def f(x):\n  ",
    "f",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    ".",
    " ",
    "\n",
    "\n  ",
    "\n    ",
    "\t",
    "=",
    "==",
    "+",
    "-",
    "*",
    "**",
    "/",
    "//",
    "%",
    "|",
    "&",
    "^",
    "~",
    "<<",
    ">>",
    "<",
    ">=",
    "+=",
    "%=",
    "->",
    "@",
    ";",
    "\\",
    "\\\n",
    "\r\n",
    "#",
    "'",
    "\"",
    "'''",
    "\"\"\"",
    "r'",
    "b'",
    "f'",
    "if ",
    "else:",
    "elif ",
    "for x in ",
    "while ",
    "pass",
    "break",
    "continue",
    "return ",
    "lambda x: ",
    "not ",
    "and ",
    "or ",
    "in ",
    "is ",
    "load('",
    "None",
    "True",
    "x",
    "_",
    "__file__",
    "0",
    "1",
    "-1",
    "0x",
    "0o7",
    "1e",
    "1.5",
    ".5",
    "99999999999999999999",
    "'a'",
    "'%s'",
    "'é😀'",
    "[x for x in [1, 2]]",
    "{1: 2}",
    "(1,)",
    "print(",
    "struct(a=1)",
    "range(3)",
    ".join(",
    ".format(",
    ".items()",
    "len(",
    "sorted(",
    "docker_build(",
    "k8s_yaml(",
    "k8s_resource(",
    "local_resource(",
    "config.",
    "os.",
    "os.environ",
    "fail(",
    "exit(",
    "decode_yaml(",
    "encode_json(",
    "blob(",
    "include(",
    "load_dynamic(",
    "\u{feff}",
    "\0",
];

/// Words of functions that run commands or reach for the network, and of what could be their names.
const COMMANDS: &[&str] = &[
    "local",
    "helm",
    "kustomize",
    "docker_compose",
    "extension",
    "extension_repo",
    "ext",
];

const LITERALS: &[&str] = &[
    "None",
    "True",
    "False",
    "0",
    "1",
    "-1",
    "8000",
    "1.5",
    "99999999999999999999",
    "''",
    "'a'",
    "'web'",
    "'img'",
    "'img:1'",
    "'gcr.io/a/b@sha256:00'",
    "'.'",
    "'src'",
    "'src/a.txt'",
    "'k8s.yaml'",
    "'Dockerfile'",
    "'missing'",
    "'a b'",
    "'é😀'",
    "'A=b'",
    "'1h2m'",
    "'-1s'",
    "'8000:80'",
    "'h:1:2'",
    "'http://x/%zz'",
    "'{.spec[*].image}'",
    "'*'",
    "'!a'",
    "'[a-'",
    "'{a,b}'",
    "'%s %d %c'",
    "'{0} {a}'",
    "'\\n'",
    "'\\0'",
    "'a: [1, 2]'",
    "'{'",
    "'- a: *b'",
    "'kind:name'",
    "'>= 1.2, < 2'",
    "b'a'",
    "x",
    "[]",
    "{}",
    "()",
    "struct()",
    "os.environ",
    "TRIGGER_MODE_MANUAL",
    "print",
    "range(3)",
    "lambda x: x",
    "link('http://a', 'b')",
    "port_forward(80)",
    "sync('src', '/src')",
    "run('make', trigger=['a'])",
    "blob('kind: A\\napiVersion: v1\\nmetadata: {name: b}')",
];

const KUBERNETES: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  \
template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: a, image: img}]}\n";

/// The folder in which made-up Tiltfiles run.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    for (file, text) in [
        ("src/a.txt", "a"),
        ("k8s.yaml", KUBERNETES),
        ("Dockerfile", "FROM busybox\n"),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}

/// Evaluates a text as the Tiltfile of a folder, and looks at whatever comes of it.
fn survives(folder: &Path, text: &str, args: &[String]) -> TestCaseResult {
    let tiltfile = folder.join("Tiltfile");
    std::fs::write(&tiltfile, text).unwrap();
    let home = folder.join(".home").display().to_string();
    let environment = [("PATH", "/nowhere"), ("HOME", home.as_str())];
    let request = Request {
        tiltfile,
        args: args.to_vec(),
        subcommand: "up".to_owned(),
        purpose: Default::default(),
        environment: Environment::from(environment.map(|(name, value)| (name.to_owned(), value.to_owned()))),
        command_line: vec!["tilt".to_owned()],
        executable: PathBuf::from("/bin/tilt"),
        kube_context: None,
        kube_namespace: None,
        pinned: None,
        timings: Timed::Yes,
        cancel: Default::default(),
        limits: Limits {
            steps: 20_000,
            heap_bytes: 64 << 20,
        },
    };
    let lines = RefCell::new(0);
    let evaluation = evaluate(request, |_| *lines.borrow_mut() += 1);
    match evaluation.project {
        Ok(project) => {
            ui::graph::tree(&project, ui::style::Style::Plain);
        }
        Err(failure) => {
            let text = ui::report::traceback(&failure);
            ui::report::caret(&failure, ui::style::Style::Plain);
            prop_assert!(!text.contains("panicked"), "{text}");
        }
    }
    Ok(())
}

/// Takes the words out that would run commands.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    let mut rest = text;
    while let Some(begin) = rest.find(is_word) {
        let end = rest[begin..]
            .find(|c| !is_word(c))
            .map_or(rest.len(), |length| begin + length);
        let word = &rest[begin..end];
        out.push_str(&rest[..begin]);
        out.push_str(if COMMANDS.contains(&word) { "print" } else { word });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[test]
fn tokens_in_any_order_are_no_more_than_a_mistake() {
    let folder = folder();
    fuzz(400, soup(PIECES, 60), |text| {
        survives(folder.path(), &harmless(&text), &[])
    });
}

#[test]
fn calls_with_any_arguments_are_no_more_than_a_mistake() {
    let folder = folder();
    let statements = proptest::collection::vec(statement(), 1..8);
    fuzz(600, statements, |lines| {
        survives(folder.path(), &harmless(&lines.join("\n")), &[])
    });
}

#[test]
fn any_arguments_on_the_command_line_are_no_more_than_a_mistake() {
    let folder = folder();
    let words = proptest::collection::vec(
        soup(
            &["-", "--", "=", "a", "list", "true", ",", " ", "'", "\"", "\\", "web"],
            5,
        ),
        0..6,
    );
    let text = "config.define_string('a', args=True)\nconfig.define_string_list('list')\nconfig.define_bool('b')\n\
                config.define_object('o')\nprint(config.parse())\nk8s_yaml('k8s.yaml')\n";
    let text = harmless(text);
    fuzz(100, words, |words| survives(folder.path(), &text, &words));
}

#[test]
fn a_changed_sample_is_no_more_than_a_mistake() {
    let mut samples: Vec<(PathBuf, String)> = Vec::new();
    let inputs = std::fs::read_dir(testdata("tiltfile-result")).unwrap();
    let inputs = inputs.map(|entry| entry.unwrap().path().join("input"));
    let extensions = std::fs::read_dir(root().join("extensions")).unwrap();
    let extensions = extensions.map(|entry| entry.unwrap().path());
    for folder in inputs.chain(extensions) {
        if let Ok(text) = std::fs::read_to_string(folder.join("Tiltfile")) {
            samples.push((folder, text));
        }
    }
    samples.sort();
    let input = (
        proptest::sample::select(samples),
        proptest::collection::vec(super::change(PIECES), 0..6),
    );
    fuzz(150, input, |((folder, text), changes)| {
        let copy = copy_of(&folder);
        survives(copy.path(), &harmless(&changed(&text, &changes)), &[])
    });
}

fn statement() -> impl Strategy<Value = String> {
    let expression = prop_oneof![3 => call(), 1 => value()];
    (0..8_usize, expression).prop_map(|(form, expression)| match form {
        0 => format!("x = {expression}"),
        1 => format!("for x in [1, 'a']:\n  {expression}"),
        2 => format!("def f(x, *args, **kwargs):\n  return {expression}\nf(1)"),
        3 => format!("print({expression})"),
        4 => format!("y = [{expression} for x in range(2)]"),
        _ => expression,
    })
}

fn value() -> impl Strategy<Value = String> {
    let literal = proptest::sample::select(LITERALS).prop_map(str::to_owned);
    literal.prop_recursive(3, 12, 3, |inner| {
        let inner = inner.boxed();
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            proptest::collection::vec(inner.clone(), 1..3).prop_map(|items| format!("({},)", items.join(", "))),
            (inner.clone(), inner.clone()).prop_map(|(key, value)| format!("{{{key}: {value}}}")),
            (
                inner.clone(),
                proptest::sample::select(&["+", "*", "%", "|", "in", "==", "<"][..]),
                inner.clone()
            )
                .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            call_with(inner),
        ]
    })
}

fn call() -> impl Strategy<Value = String> {
    call_with(value().boxed())
}

fn call_with(value: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    let is_harmless = |function: &Builtin| !function.name.starts_with("__") && harmless(function.name) == function.name;
    let functions: Vec<usize> = (0..TABLE.len()).filter(|index| is_harmless(TABLE[*index])).collect();
    let positional = proptest::collection::vec(value.clone(), 0..4);
    let named = proptest::collection::vec((any::<usize>(), value), 0..4);
    (proptest::sample::select(functions), positional, named).prop_map(|(function, mut arguments, named)| {
        let function = TABLE[function];
        for (index, value) in named {
            let name = match function.params.len() {
                0 => "a",
                count => function.params[index % count].name,
            };
            if !arguments.iter().any(|known| known.starts_with(&format!("{name}="))) {
                arguments.push(format!("{name}={value}"));
            }
        }
        format!("{}({})", function.name, arguments.join(", "))
    })
}
