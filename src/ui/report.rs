//! Pure. Failures as lines: a traceback for logs and scripts, and the source line with a caret for people at a terminal.

use crate::model::report::{Failure, FailureKind, Frame};
use crate::ui::style::Style;

/// In the form that scripts and other tools know: calls by position, then the error.
pub fn traceback(failure: &Failure) -> String {
    failure.traceback()
}

/// For a person at a terminal: what is wrong, where it stands in the file, how it came there, what to do.
pub fn caret(failure: &Failure, style: Style) -> String {
    let mut out = format!("{} {}\n", style.red("error:"), message(failure));
    if let Some((frame, callers)) = failure.frames.split_last() {
        let gutter = frame.line.to_string().len();
        let bar = style.blue("|");
        out.push_str(&format!("{:gutter$}{} {}\n", "", style.blue("-->"), frame.place()));
        out.push_str(&format!("{:gutter$} {bar}\n", ""));
        out.push_str(&format!(
            "{} {bar} {}\n",
            style.blue(&frame.line.to_string()),
            expand(&frame.source)
        ));
        out.push_str(&format!("{:gutter$} {bar} {}{}\n", "", indent(frame), style.red("^")));
        for caller in callers.iter().rev() {
            out.push_str(&format!(
                "{:gutter$} {} called from {} in {}\n",
                "",
                style.blue("="),
                caller.place(),
                caller.function
            ));
        }
    }
    if let Some(hint) = &failure.hint {
        out.push_str(&format!("  {} {hint}\n", style.green("hint:")));
    }
    out
}

fn message(failure: &Failure) -> String {
    match &failure.kind {
        FailureKind::Running { builtin: Some(builtin) } if !failure.message.starts_with(&format!("{builtin}: ")) => {
            format!("{builtin}: {}", failure.message)
        }
        _ => failure.message.clone(),
    }
}

const TAB: &str = "    ";

fn expand(line: &str) -> String {
    line.replace('\t', TAB)
}

/// Blank space as wide as what stands before the column.
fn indent(frame: &Frame) -> String {
    let before: String = frame.source.chars().take(frame.column.saturating_sub(1)).collect();
    " ".repeat(expand(&before).chars().count())
}
