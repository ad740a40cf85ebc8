//! A text in the editor of whoever sits there.

use std::io::Write;

use super::report::refusal;
use super::surroundings::Surroundings;
use crate::cli::exit::Exit;
use crate::world::{files, terminal};

/// What stands above an object that is edited.
pub const HEADER: &str = "# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
";

/// The variables that name an editor; the first one that is set wins.
const VARIABLES: [&str; 3] = ["TILT_EDITOR", "KUBE_EDITOR", "EDITOR"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Unix,
    Windows,
}

/// The text as it was saved, without comments; nothing if nothing is left.
pub fn edit(text: &str, ending: Ending, here: &Surroundings) -> Result<Option<String>, Exit> {
    let failed = |error: std::io::Error| refusal(format!("cannot write the file for the editor: {error}"));
    let mut file = tempfile::Builder::new()
        .prefix("tilt-edit-")
        .suffix(".yaml")
        .tempfile()
        .map_err(failed)?;
    let text = match ending {
        Ending::Unix => text.to_owned(),
        Ending::Windows => text.replace('\n', "\r\n"),
    };
    file.write_all(text.as_bytes())
        .and_then(|()| file.flush())
        .map_err(failed)?;
    let editor = VARIABLES
        .iter()
        .find_map(|name| here.variable(name).filter(|editor| !editor.is_empty()));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let command = format!("{editor} \"$1\"");
    let argv = ["sh", "-c", &command, "sh", &file.path().display().to_string()].map(str::to_owned);
    if let Err(error) = terminal::run(&argv, &here.here, &here.variables) {
        return Err(refusal(format!(
            "there was a problem with the editor {editor:?}: {error}"
        )));
    }
    let saved = files::read_text(file.path()).map_err(refusal)?;
    Ok(meant(&saved))
}

/// Without comments and blank lines at the ends.
fn meant(saved: &str) -> Option<String> {
    let lines: Vec<&str> = saved
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    let text = lines.join("\n");
    (!text.trim().is_empty()).then(|| text.trim_end().to_owned() + "\n")
}
