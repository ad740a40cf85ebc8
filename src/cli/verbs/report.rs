//! What a verb says: objects as they were asked for, a line for what was done, and errors at the end.

use super::args::{DryRun, Print};
use super::surroundings::Surroundings;
use crate::cli::client::ClientError;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::model::tree::Tree;
use crate::ui::print::{PrintError, Printer, Setup, object_name};
use crate::world::files;

impl From<ClientError> for Exit {
    fn from(error: ClientError) -> Exit {
        Exit::verbatim(error)
    }
}

/// An error of our own, in the form of the verbs.
pub fn refusal(message: impl std::fmt::Display) -> Exit {
    Exit::verbatim(format!("error: {message}"))
}

impl From<PrintError> for Exit {
    fn from(error: PrintError) -> Exit {
        refusal(error)
    }
}

/// Whether this command has tables to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tables {
    Yes,
    No,
}

/// What `-o` and its companions ask for.
pub fn setup(print: &Print, tables: Tables, here: &Surroundings) -> Result<Setup, Exit> {
    let mut setup = Setup {
        output: print.output.clone(),
        template: print.template.clone(),
        show_managed_fields: print.show_managed_fields,
        refuse_missing_keys: !print.allow_missing_template_keys,
        without_headers: false,
        has_tables: tables == Tables::Yes,
    };
    let name = print.output.split('=').next().unwrap_or_default();
    if name.ends_with("file") {
        let path = print.output.split_once('=').map(|(_, path)| path.to_owned());
        if let Some(path) = path.or_else(|| print.template.clone()) {
            let text = files::read_text(&here.path(&path));
            setup.template = Some(text.map_err(|error| refusal(format!("error reading --template {path}, {error}")))?);
        }
    }
    Ok(setup)
}

/// Says what was done to objects: a line each, or the object itself if a format was asked for.
pub struct Report {
    printer: Option<Printer>,
    suffix: &'static str,
    errors: Vec<String>,
}

impl Report {
    pub fn new(print: &Print, dry_run: DryRun, here: &Surroundings) -> Result<Report, Exit> {
        Ok(Report {
            printer: Printer::parse(setup(print, Tables::No, here)?)?,
            suffix: match dry_run {
                DryRun::None => "",
                DryRun::Client => " (dry run)",
                DryRun::Server => " (server dry run)",
            },
            errors: Vec::new(),
        })
    }

    /// `cmd.tilt.dev/hello created`, or the object.
    pub fn done(&mut self, object: &Tree, what: &str) -> Result<(), Exit> {
        let text = match &mut self.printer {
            Some(printer) => printer.print(object)?,
            None => format!("{} {what}{}\n", object_name(object), self.suffix),
        };
        output::result(&text)
    }

    /// Kept for the end, so that the other objects have their turn.
    pub fn failed(&mut self, error: impl std::fmt::Display) {
        let error = error.to_string();
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    pub fn end(self) -> Result<(), Exit> {
        end(self.errors)
    }
}

/// The end of a command that may have met errors.
pub fn end(errors: Vec<String>) -> Result<(), Exit> {
    match errors.as_slice() {
        [] => Ok(()),
        errors => Err(Exit::verbatim(errors.join("\n"))),
    }
}

/// A text somewhere in an object, or none at all.
pub fn text_at<'t>(object: &'t Tree, keys: &[&str]) -> &'t str {
    object.at(keys).and_then(Tree::as_text).unwrap_or_default()
}
