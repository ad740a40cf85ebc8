//! What an editor asks about a Tiltfile: what could stand here, what is this, where does it come from, what is wrong.
//!
//! Answers come from the text and from the evaluator's own tables; nothing is ever run. A document need not parse: names come from
//! what is left when its mistakes are blotted out, and what stands at the cursor from the tokens around it.

pub mod callable;
mod check;
mod complete;
mod cursor;
mod explain;
mod locate;
mod outline;
mod predeclared;
mod repair;
mod resolve;
pub mod stubs;
mod survey;
mod symbols;
mod tokens;

use std::ops::Range;
use std::path::{Path, PathBuf};

pub use check::{Mistake, Severity};
pub use complete::{Candidate, CandidateKind};
pub use explain::{Explanation, SignatureHint};
pub use locate::Target;
pub use symbols::{Symbol, SymbolKind};

use crate::model::path;
use crate::tiltfile::analysis::cursor::{Around, Place, Receiver, Spot};
use crate::tiltfile::analysis::outline::{Outline, ScopeId};
use crate::tiltfile::analysis::tokens::{Kind, Statement, Token};

/// Everything outside a document.
pub trait Surroundings {
    /// A file's text, as the editor has it.
    fn text(&self, file: &Path) -> Option<String>;
    fn exists(&self, path: &Path) -> bool;
    fn entries(&self, folder: &Path) -> Vec<FolderEntry>;
    /// Names that `load('ext://…')` can lead to.
    fn extensions(&self) -> Vec<String>;
    /// The Tiltfile of an extension, if it is on this machine.
    fn extension(&self, name: &str) -> Option<PathBuf>;
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FolderEntry {
    pub name: String,
    pub is_folder: bool,
}

/// One version of a file.
pub struct Document {
    /// Absolute; none for text that was never saved.
    file: Option<PathBuf>,
    text: String,
    tokens: Vec<Token>,
    statements: Vec<Statement>,
    outline: Outline,
}

impl Document {
    pub fn new(file: Option<PathBuf>, text: impl Into<String>) -> Document {
        let text = text.into();
        let tokens = tokens::tokens(&text);
        let statements = tokens::statements(&text, &tokens);
        let lines: Vec<(usize, usize)> = statements
            .iter()
            .map(|s| (tokens[s.tokens.start].start, s.indent))
            .collect();
        let parsed = repair::parse_leniently(&text, &tokens, &statements);
        let outline = parsed
            .map(|parsed| survey::outline(&parsed, &lines))
            .unwrap_or_default();
        Document {
            file,
            text,
            tokens,
            statements,
            outline,
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a place is inside a string.
    pub fn is_in_text(&self, offset: usize) -> bool {
        matches!(self.place(offset).spot, Spot::Text(token) if tokens::content(self.tokens[token], &self.text).start <= offset)
    }

    /// What relative paths are relative to.
    fn folder(&self) -> Option<&Path> {
        self.file.as_deref().and_then(Path::parent)
    }

    fn around(&self) -> Around<'_> {
        Around {
            text: &self.text,
            tokens: &self.tokens,
        }
    }

    fn place(&self, offset: usize) -> Place {
        self.around().place(self.statement_at(offset), offset)
    }

    /// The tokens of the statement that a place is in or behind.
    fn statement_at(&self, offset: usize) -> Range<usize> {
        let after = self
            .statements
            .partition_point(|s| self.tokens[s.tokens.start].start < offset);
        let begins_here = self
            .statements
            .get(after)
            .filter(|s| self.tokens[s.tokens.start].start == offset);
        let statement = begins_here.or_else(|| self.statements.get(after.checked_sub(1)?));
        match statement {
            Some(statement) if !self.has_ended(statement, offset) => statement.tokens.clone(),
            _ => {
                let between = self.tokens.partition_point(|t| t.start < offset);
                between..between
            }
        }
    }

    /// Whether a statement's line is over before a place.
    fn has_ended(&self, statement: &Statement, offset: usize) -> bool {
        let end = self.tokens.get(statement.tokens.end);
        end.is_some_and(|end| end.kind == Kind::Break && end.start < offset)
    }

    fn scope_at(&self, offset: usize) -> ScopeId {
        let line = self.text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let rest = self.text[line..].split('\n').next().unwrap_or_default();
        let indent = line + (rest.len() - rest.trim_start().len());
        let first = if rest.trim().is_empty() { offset } else { indent };
        self.outline.scope_at(offset, tokens::column(&self.text, first))
    }

    /// Where the path in a `load` leads; none if that cannot be known.
    fn loaded_file(&self, written: &str, surroundings: &dyn Surroundings) -> Option<PathBuf> {
        match written.split_once("://") {
            Some(("ext", name)) => surroundings.extension(name),
            Some(_) => None,
            None => Some(path::join(self.folder()?, written)),
        }
    }

    fn loaded(&self, written: &str, surroundings: &dyn Surroundings) -> Option<Document> {
        let file = self.loaded_file(written, surroundings)?;
        let text = surroundings.text(&file)?;
        Some(Document::new(Some(file), text))
    }
}

/// `a.b` of the name `b` behind `a.`, where that is nothing but names.
fn path_in(receiver: &Receiver, name: &str) -> Option<String> {
    match receiver {
        Receiver::Nothing => Some(name.to_owned()),
        Receiver::Path(path) => Some(format!("{path}.{name}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
