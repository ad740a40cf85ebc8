//! From the interpreter's errors to failures that say where, what and what would be right.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use starlark::ErrorKind;

use crate::model::report::{Failure, FailureKind, Frame};
use crate::tiltfile::function::{BuiltinError, Exit};
use crate::tiltfile::run::Run;
use crate::tiltfile::source::{Source, TooMuch, position};
use crate::tiltfile::{signature, stack, words};

/// A failure inside a file that another one loads, on its way through the loading file's evaluator.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub struct LoadedFailure(pub Failure);

/// Whether the load ended by `exit()`.
pub fn is_exit(error: &starlark::Error) -> bool {
    cause(error).is_some_and(|cause| cause.downcast_ref::<Exit>().is_some())
}

/// What an error means to the person who wrote the file.
pub fn failure(error: &starlark::Error, run: &Run) -> Failure {
    if let Some(LoadedFailure(inner)) = cause(error).and_then(|c| c.downcast_ref::<LoadedFailure>()) {
        return nested(error, inner, run);
    }
    match error.kind() {
        ErrorKind::Scope(_) => static_failure(error, run),
        _ => running_failure(error, run),
    }
}

fn cause(error: &starlark::Error) -> Option<&anyhow::Error> {
    match error.kind() {
        ErrorKind::Fail(e)
        | ErrorKind::StackOverflow(e)
        | ErrorKind::Value(e)
        | ErrorKind::Function(e)
        | ErrorKind::Scope(e)
        | ErrorKind::Parser(e)
        | ErrorKind::Freeze(e)
        | ErrorKind::Internal(e)
        | ErrorKind::Native(e)
        | ErrorKind::Other(e) => Some(e),
        _ => None,
    }
}

/// The loading file's calls come first, then those of the file that failed.
fn nested(error: &starlark::Error, inner: &Failure, run: &Run) -> Failure {
    let (mut frames, innermost) = running_frames(error, run);
    let mut failure = inner.clone();
    if inner.kind == FailureKind::Static || inner.frames.is_empty() {
        // The loaded file has not run, so it is no caller.
        failure.message = with_place(inner);
        failure.kind = FailureKind::Running { builtin: innermost };
        failure.hint = None;
    } else {
        frames.extend(innermost.map(stack::builtin));
        frames.extend(inner.frames.iter().cloned());
    }
    failure.frames = frames;
    failure
}

/// The message, behind its place if it has only one.
pub fn with_place(failure: &Failure) -> String {
    let place = match (&failure.kind, failure.frames.last()) {
        (FailureKind::Static, Some(frame)) => format!("{}: ", frame.place()),
        _ => String::new(),
    };
    let hint = failure
        .hint
        .as_ref()
        .map(|hint| format!(" ({hint})"))
        .unwrap_or_default();
    format!("{place}{}{hint}", failure.message)
}

/// A file that does not run at all.
pub fn static_failure(error: &starlark::Error, run: &Run) -> Failure {
    let frames = error
        .span()
        .map(|span| stack::frame(span, stack::TOPLEVEL.to_owned(), run));
    let message = error.without_diagnostic().to_string();
    let (message, hint) = static_words(&message);
    Failure {
        kind: FailureKind::Static,
        message,
        frames: frames.into_iter().collect(),
        hint,
    }
}

/// What the parser says, and how Tiltfiles have been told so far.
const PLAINER: [(&str, &str); 6] = [
    (
        "named argument after *args or **kwargs",
        "keyword argument may not follow **kwargs",
    ),
    (
        "positional argument after non positional",
        "positional argument may not follow named",
    ),
    (
        "Args array after another args or kwargs",
        "multiple *args, or *args behind **kwargs, not allowed",
    ),
    (
        "Multiple kwargs dictionary in arguments",
        "multiple **kwargs not allowed",
    ),
    ("repeated named argument", "keyword argument is repeated"),
    (
        "`load` statement requires at least two arguments",
        "load statement must import at least 1 symbol",
    ),
];

/// The parser's and the resolver's words, where plainer ones exist, and a hint.
pub fn static_words(message: &str) -> (String, Option<String>) {
    static UNDEFINED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^Variable `([^`]+)` not found(?:, did you mean `([^`]+)`\?)?").expect("a constant pattern")
    });
    static UNEXPECTED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^unexpected (?:symbol |identifier |keyword )?(.+?)(?: here)?, expected (?:symbol |keyword )?(.+)$")
            .expect("a constant pattern")
    });
    let message = message.strip_prefix("Parse error: ").unwrap_or(message);
    if let Some((_, plainer)) = PLAINER.iter().find(|(words, _)| *words == message) {
        return ((*plainer).to_owned(), None);
    }
    if let Some(found) = UNDEFINED.captures(message) {
        let undefined = undefined(&found[1]);
        // The interpreter suggests whatever is nearest, however far that is.
        let nearest = found
            .get(2)
            .map(|name| name.as_str())
            .filter(|name| is_near(&found[1], name));
        let nearest = nearest.map(|name| format!("did you mean `{name}`?"));
        return (undefined, nearest);
    }
    if let Some(found) = UNEXPECTED.captures(message) {
        return (format!("got {}, want {}", &found[1], &found[2]), None);
    }
    if message.contains("must only occur at the top of a module") {
        return (
            "load statement not at top level".to_owned(),
            Some("use `load_dynamic()` to load a file from within a block or function".to_owned()),
        );
    }
    (message.to_owned(), None)
}

pub fn undefined(name: &str) -> String {
    format!("undefined: {name}")
}

/// What a program is told that takes too much memory or time.
pub const HEAP_LIMIT: &str = "the Tiltfile's values take more memory than a Tiltfile may use";
const STEP_LIMIT: &str = "the Tiltfile takes more steps than a Tiltfile may use";

fn running_failure(error: &starlark::Error, run: &Run) -> Failure {
    if let Some(failure) = limit_failure(error, run) {
        return failure;
    }
    let (frames, innermost) = running_frames(error, run);
    let hint = running_hint(error);
    if let Some(ours) = cause(error).and_then(|c| c.downcast_ref::<BuiltinError>()) {
        let builtin = (!stack::is_operator(ours.builtin)).then(|| ours.builtin.to_owned());
        return Failure {
            kind: FailureKind::Running { builtin },
            message: ours.message.clone(),
            frames,
            hint,
        };
    }
    let message = error.without_diagnostic().to_string();
    if let Some(symbol) = words::missing_symbol(&message) {
        return missing_symbol(error, run, &symbol);
    }
    let builtin = innermost.filter(|_| words::refuses_arguments(&message) || is_native(error));
    let last = frames.last();
    let place = words::Place {
        native: builtin.as_deref(),
        sign: last.map(stack::sign).unwrap_or_default(),
        function: last.map(|frame| frame.function.as_str()).unwrap_or_default(),
        takes: words::callee(&message).and_then(|callee| signature::positional(callee, run)),
    };
    let message = words::plain(&message, &place);
    Failure {
        kind: FailureKind::Running { builtin },
        message,
        frames,
        hint,
    }
}

/// Said of the load statement as a whole, with the file that it names.
fn missing_symbol(error: &starlark::Error, run: &Run, symbol: &words::MissingSymbol) -> Failure {
    let statement = error.span().and_then(|span| stack::load_statement(span, run));
    let (module, frame) = statement.unzip();
    Failure {
        kind: FailureKind::Running { builtin: None },
        message: symbol.not_found_in(&module.unwrap_or_default()),
        frames: frame.into_iter().collect(),
        hint: None,
    }
}

/// The interpreter's own limits come without a place; the statement that ran last is where to look.
fn limit_failure(error: &starlark::Error, run: &Run) -> Option<Failure> {
    let message = error.without_diagnostic().to_string();
    let (message, hint) = match message {
        text if text.contains("Execution duration limit") => (STEP_LIMIT, "is there a loop without an end?"),
        text if text.contains("Heap memory limit") || text.contains(HEAP_LIMIT) => {
            (HEAP_LIMIT, "is there a list or a string that grows without an end?")
        }
        _ => return None,
    };
    let statement = run.statement().borrow().clone();
    let frames = statement.map(|span| stack::statement(&span, run));
    Some(Failure {
        kind: FailureKind::Running { builtin: None },
        message: message.to_owned(),
        frames: frames.into_iter().collect(),
        hint: Some(hint.to_owned()),
    })
}

/// The callers of what failed, and the name of the innermost function.
fn running_frames(error: &starlark::Error, run: &Run) -> (Vec<Frame>, Option<String>) {
    let mut calls = error.call_stack().clone().into_frames();
    if calls.last().is_some_and(|call| stack::is_operator(&call.name)) {
        calls.pop();
    }
    let innermost = calls.last().map(|call| call.name.clone());
    let last_call = calls.last().and_then(|call| call.location.clone());
    let mut frames = stack::frames(calls, run);
    if let Some(span) = error.span()
        && last_call.as_ref() != Some(span)
    {
        let function = innermost.clone().unwrap_or_else(|| stack::TOPLEVEL.to_owned());
        frames.push(stack::frame(span, function, run));
    }
    (frames, innermost)
}

/// A function of the interpreter's own failed if the error stands at its call, and the call itself was in order.
fn is_native(error: &starlark::Error) -> bool {
    if matches!(error.kind(), ErrorKind::Function(_) | ErrorKind::StackOverflow(_)) {
        return false;
    }
    let last = error.call_stack().frames.last();
    last.is_some_and(|call| {
        !stack::is_operator(&call.name) && call.location.is_some() && call.location.as_ref() == error.span()
    })
}

/// Whether one name is likely to be a slip of the other.
fn is_near(written: &str, known: &str) -> bool {
    strsim::damerau_levenshtein(written, known) <= (written.chars().count() / 3).max(1)
}

fn running_hint(error: &starlark::Error) -> Option<String> {
    matches!(error.kind(), ErrorKind::StackOverflow(_))
        .then(|| "a function calls itself without end, or nests deeper than a Tiltfile may".to_owned())
}

/// A file that is refused before the parser sees it.
pub fn too_much(path: &Path, text: &str, error: &TooMuch) -> Failure {
    let (line, column) = position(text, error.offset);
    Failure {
        kind: FailureKind::Static,
        message: error.message.to_owned(),
        frames: vec![Frame {
            path: path.to_owned(),
            line,
            column,
            function: stack::TOPLEVEL.to_owned(),
            source: text.lines().nth(line - 1).unwrap_or_default().to_owned(),
        }],
        hint: None,
    }
}

/// A mistake that the parser lets pass, at a byte of the rewritten text.
pub fn misplaced(path: &Path, source: &Source, offset: usize, message: String) -> Failure {
    let (line, column) = source.position(offset);
    Failure {
        kind: FailureKind::Static,
        message,
        frames: vec![Frame {
            path: path.to_owned(),
            line,
            column,
            function: stack::TOPLEVEL.to_owned(),
            source: source.line(line).to_owned(),
        }],
        hint: None,
    }
}
