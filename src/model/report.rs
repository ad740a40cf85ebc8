//! Pure. Why something failed: what is wrong, where, how it came there, and what would be right.

use std::path::PathBuf;

/// A failed evaluation. Whether it is printed as a traceback or with source line and caret is up to the printer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
    /// Outermost first; empty where the failure belongs to no call, such as a cycle between resources.
    pub frames: Vec<Frame>,
    /// A concrete next step.
    pub hint: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The text is no program: one position, no calls.
    Static,
    /// Raised while running; `builtin` names the function that refused its arguments or failed.
    Running { builtin: Option<String> },
    /// Found after the last statement, in what the file as a whole declared.
    Whole,
    /// The file itself is missing or unreadable.
    Missing,
}

/// One place on the way to a failure. Lines and columns count from 1, columns in bytes' characters as editors do; a function that
/// stands in no file has line 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub path: PathBuf,
    pub line: usize,
    pub column: usize,
    /// Function that was running: `<toplevel>` for a file's own statements.
    pub function: String,
    /// The line's text, for the caret.
    pub source: String,
}

impl Frame {
    /// `/path/Tiltfile:3:9`, or the path alone where there is no line.
    pub fn place(&self) -> String {
        match self.line {
            0 => self.path.display().to_string(),
            line => format!("{}:{line}:{}", self.path.display(), self.column),
        }
    }
}

impl Failure {
    /// One that belongs to what the file as a whole declared.
    pub fn whole(message: impl Into<String>) -> Failure {
        Failure {
            kind: FailureKind::Whole,
            message: message.into(),
            frames: Vec::new(),
            hint: None,
        }
    }

    /// One found after the last statement, yet about a call: it names the place without a traceback.
    pub fn about(frames: &[Frame], message: impl Into<String>) -> Failure {
        Failure {
            kind: FailureKind::Static,
            message: message.into(),
            frames: frames.last().cloned().into_iter().collect(),
            hint: None,
        }
    }

    /// In the form that scripts and other tools know: calls by position, then the error.
    pub fn traceback(&self) -> String {
        let mut out = match (&self.kind, self.frames.last()) {
            (FailureKind::Static, Some(frame)) => format!("{}: {}", frame.place(), self.message),
            (FailureKind::Running { builtin }, Some(_)) => {
                let mut out = String::from("Traceback (most recent call last):\n");
                for frame in &self.frames {
                    out.push_str(&format!("  {}: in {}\n", frame.place(), frame.function));
                }
                out.push_str(&heading(builtin.as_deref()));
                out.push_str(&self.message);
                out
            }
            _ => self.message.clone(),
        };
        if let Some(hint) = &self.hint {
            match self.kind {
                FailureKind::Static => out.push_str(&format!(" ({hint})")),
                _ => out.push_str(&format!("\nhint: {hint}")),
            }
        }
        out
    }

    pub fn hinting(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }
}

fn heading(builtin: Option<&str>) -> String {
    match builtin {
        Some(builtin) => format!("Error in {builtin}: "),
        None => "Error: ".to_owned(),
    }
}
